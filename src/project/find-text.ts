import type { SourceLocation } from "../base/source-location.js";
import { lineColumnAt } from "../base/text-position.js";

/** Where a name stands in quotes in a file, for errors that name something without a place. */
export function findQuoted(text: string | undefined, file: string, name: string): SourceLocation | undefined {
  return find(text, file, name, "(?<=[\"'`])", "(?=[\"'`])");
}

/** Where a key of a config block, of JSON or of YAML stands. */
export function findKey(text: string | undefined, file: string, key: string): SourceLocation | undefined {
  return find(text, file, key, "(?<![\\w$])", "(?=[\"']?\\s*:)");
}

const comments = /--.*|\/\/.*|\/\*[\s\S]*?\*\//g;

/**
 * Where the first of the names in quotes in a message stands that stands in a file just once, as a whole word outside of
 * comments: for messages without a place, about a setting or what the server was sent for it.
 */
export function findNamed(
  text: string | undefined,
  file: string,
  message: string,
): SourceLocation | undefined {
  if (text === undefined) return undefined;
  const bare = text.replace(comments, (comment) => comment.replace(/[^\n]/g, " "));
  for (const [, name = ""] of message.matchAll(/"([\p{L}_][\p{L}\p{N}_$.]*)"/gu)) {
    const word = new RegExp(`(?<![\\p{L}\\p{N}_$])${escapeRegExp(name)}(?![\\p{L}\\p{N}_$])`, "gu");
    const [only, other] = [...bare.matchAll(word)];
    if (only && !other) return { file, ...lineColumnAt(text, only.index) };
  }
  return undefined;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function find(
  text: string | undefined,
  file: string,
  word: string,
  before: string,
  after: string,
): SourceLocation | undefined {
  if (text === undefined || word === "") return undefined;
  const found = new RegExp(before + escapeRegExp(word) + after).exec(text);
  return found ? { file, ...lineColumnAt(text, found.index) } : undefined;
}

/**
 * The offset in `source` of the words around an offset in `text`, if they stand there just once: first the word itself,
 * then more and more of its line.
 */
export function findSnippet(source: string, text: string, offset: number): number | undefined {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd);
  const at = offset - lineStart;
  const words = [...line.matchAll(/\w+|[^\w\s]/g)];
  const hit = words.findIndex((word) => at < word.index + word[0].length);
  if (hit < 0) return undefined;
  for (let around = 0; around < words.length; around++) {
    const first = words[Math.max(hit - around, 0)];
    const last = words[Math.min(hit + around, words.length - 1)];
    if (!first || !last) return undefined;
    const snippet = line.slice(first.index, last.index + last[0].length);
    const found = source.indexOf(snippet);
    if (found < 0) return undefined;
    if (source.indexOf(snippet, found + 1) < 0) return found + at - first.index;
  }
  return undefined;
}

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

function find(
  text: string | undefined,
  file: string,
  word: string,
  before: string,
  after: string,
): SourceLocation | undefined {
  if (text === undefined || word === "") return undefined;
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(before + escaped + after).exec(text);
  return found ? { file, ...lineColumnAt(text, found.index) } : undefined;
}

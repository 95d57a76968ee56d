import { format, type Options } from "prettier";
import { formatSql } from "./format-sql.js";
import { parseSqlx, templateSpans, type SqlxBlock, type SqlxPart } from "./sqlx.js";

export interface FormattedFile {
  readonly text: string;
  /** SQL that stayed as it is, and why. */
  readonly notes: readonly string[];
}

/**
 * Formats an SQLX file: JavaScript by prettier, SQL by sql-formatter, the blocks in their order with a blank line between
 * them. Formatting what is formatted changes nothing.
 *
 * @param options prettier's, from the project's own configuration
 * @throws SyntaxError when a config or js block is no JavaScript
 */
export async function formatSqlx(source: string, options: Options = {}): Promise<FormattedFile> {
  let current = source;
  // The shape of a line (such as a placeholder alone on it) is a hint to the formatter, and its output may have another.
  for (let round = 0; round < 4; round++) {
    const next = await formatOnce(current, options);
    if (next.text === current) return next;
    current = next.text;
  }
  return { text: source, notes: ["left as it is: its formatting does not settle"] };
}

/** Formats a JavaScript file. */
export async function formatJs(source: string, options: Options = {}): Promise<FormattedFile> {
  return { text: await format(source, { ...options, parser: "babel" }), notes: [] };
}

async function formatOnce(source: string, options: Options): Promise<FormattedFile> {
  const { text, blocks } = parseSqlx(source.replace(/\r\n?/g, "\n"));
  const notes: string[] = [];
  const outer = blocks.find((block) => block.kind === "sql");
  const sqlParts = (outer?.statements ?? [])
    .flat()
    .filter((part) => text.slice(part.start, part.end).trim() !== "");
  const first = sqlParts[0]?.start ?? text.length;
  const last = sqlParts.at(-1)?.end ?? text.length;
  const inner = blocks.filter((block) => block.kind !== "sql");
  if (inner.some((block) => block.start >= first && block.end <= last)) {
    return { text: source, notes: ["left as it is: a block stands in the middle of its SQL"] };
  }
  if (inner.some((block) => block.bodyEnd === block.end)) {
    return { text: source, notes: ["left as it is: a block is never closed"] };
  }
  const chunks: string[] = [];
  const addSql = (): void => {
    if (outer && sqlParts.length > 0) chunks.push(statements(text, outer, "", notes));
  };
  for (const block of inner.filter((each) => each.end <= first))
    chunks.push(await formatBlock(text, block, options, notes));
  addSql();
  for (const block of inner.filter((each) => each.start >= last && each.end > first)) {
    chunks.push(await formatBlock(text, block, options, notes));
  }
  return { text: `${chunks.join("\n\n")}\n`, notes };
}

async function formatBlock(
  text: string,
  block: SqlxBlock,
  options: Options,
  notes: string[],
): Promise<string> {
  const header = text.slice(block.start, block.bodyStart);
  const body = text.slice(block.bodyStart, block.bodyEnd);
  if (block.kind === "config") {
    const formatted = await format(`({${body}})`, { ...options, parser: "babel", semi: true });
    return `config ${formatted.trim().replace(/^\(/, "").replace(/\);$/, "")}`;
  }
  if (block.kind === "js") {
    const formatted = (await format(body, { ...options, parser: "babel" })).trim();
    return formatted === "" ? `${header}\n}` : `${header}\n${indent(formatted, templateSpans(formatted))}\n}`;
  }
  return `${header}\n${statements(text, block, "  ", notes)}\n}`;
}

/** The statements of a block, separated by `---` on lines of their own. */
function statements(text: string, block: SqlxBlock, margin: string, notes: string[]): string {
  const formatted = block.statements.map((parts) => {
    const spans = parts.map((part) => ({ kind: part.kind, text: text.slice(part.start, part.end) }));
    const statement = spans.map((span) => span.text).join("");
    const result = formatSql(statement, placeholdersOf(spans));
    if ("unchangedBecause" in result) notes.push(`SQL left as it is: ${result.unchangedBecause}`);
    return margin === "" ? result.sql : indent(result.sql, fixedSpans(result.sql), margin);
  });
  return formatted.join(`\n${margin}---\n`);
}

function placeholdersOf(
  spans: readonly { kind: SqlxPart["kind"]; text: string }[],
): { start: number; end: number }[] {
  let at = 0;
  return spans.flatMap((span) => {
    const start = at;
    at += span.text.length;
    return span.kind === "placeholder" ? [{ start, end: at }] : [];
  });
}

/** What must not be indented because its white space counts: quoted text, dollar-quoted text, JavaScript. */
function fixedSpans(sql: string): { start: number; end: number }[] {
  const parts = parseSqlx(sql)
    .blocks.flatMap((block) => block.statements.flat())
    .filter((part) => part.kind !== "text");
  const dollars = [...sql.matchAll(/\$(\w*)\$[\s\S]*?\$\1\$/g)];
  return [...parts, ...dollars.map(({ index, 0: match }) => ({ start: index, end: index + match.length }))];
}

/** Puts a margin before every line that does not begin within a span. */
function indent(text: string, spans: readonly { start: number; end: number }[], margin = "  "): string {
  return text.replace(/^(?!$)/gm, (_, at: number) =>
    spans.some((span) => span.start < at && at < span.end) ? "" : margin,
  );
}

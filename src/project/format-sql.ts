import { format } from "sql-formatter";

/** A piece that the formatter must not look into: where it stands in the statement, and what it is. */
export interface Opaque {
  readonly start: number;
  readonly end: number;
}

export type FormattedSql =
  { readonly sql: string } | { readonly sql: string; readonly unchangedBecause: string };

/**
 * Formats one statement of PostgreSQL whose `${...}` stand where they stood. What the formatter cannot read, or would
 * change in more than its white space, stays as it is.
 *
 * @param placeholders the `${...}` of the statement, in order
 */
export function formatSql(statement: string, placeholders: readonly Opaque[]): FormattedSql {
  const trimmed = statement.trim();
  if (trimmed === "") return { sql: "" };
  const masked = mask(statement, placeholders);
  let formatted: string;
  try {
    formatted = format(masked.sql, {
      language: "postgresql",
      tabWidth: 2,
      keywordCase: "preserve",
      expressionWidth: 80,
      linesBetweenQueries: 1,
    });
  } catch (thrown) {
    const reason = thrown instanceof Error ? (thrown.message.split("\n")[0] ?? "") : String(thrown);
    return { sql: trimmed, unchangedBecause: reason };
  }
  const changed = meaning(masked.sql) !== meaning(formatted);
  if (changed) return { sql: trimmed, unchangedBecause: "formatting would change more than white space" };
  return { sql: masked.restore(formatted).trim() };
}

/**
 * Each `${...}` becomes a name that stands nowhere else. One alone on its line becomes a comment, which the formatter
 * leaves alone on its line.
 */
function mask(
  statement: string,
  placeholders: readonly Opaque[],
): { sql: string; restore: (formatted: string) => string } {
  let prefix = "placeholder_";
  while (statement.includes(prefix)) prefix = `x${prefix}`;
  const originals = new Map<string, string>();
  let sql = "";
  let copied = 0;
  placeholders.forEach(({ start, end }, index) => {
    const lineStart = statement.lastIndexOf("\n", start - 1) + 1;
    const lineEnd = statement.indexOf("\n", end);
    const rest = statement.slice(end, lineEnd < 0 ? statement.length : lineEnd);
    const isAlone = statement.slice(lineStart, start).trim() === "" && rest.trim() === "" && start > 0;
    const token = `${isAlone ? "--" : ""}${prefix}${index}_`;
    originals.set(token, statement.slice(start, end));
    sql += statement.slice(copied, start) + token;
    copied = end;
  });
  sql += statement.slice(copied);
  const tokens = new RegExp(`(?:--)?${prefix}\\d+_`, "g");
  return { sql, restore: (formatted) => formatted.replace(tokens, (token) => originals.get(token) ?? token) };
}

/**
 * What must not change: every character but white space, operators as whole as they were, and quoted text and comments
 * with the white space in them.
 */
function meaning(sql: string): string {
  const token =
    /'(?:[^'])*'|"(?:[^"])*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[\w$]+|[-+*/<>=~!@#%^&|`?:]+|\S/g;
  return [...sql.matchAll(token)].map(([text]) => normalised(text)).join("\n");
}

/** The formatter may indent the lines of a block comment and cut blanks at the end of a comment. */
function normalised(token: string): string {
  return token.startsWith("--") || token.startsWith("/*") ? token.replace(/\s+/g, " ").trim() : token;
}

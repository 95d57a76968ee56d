/** One piece of SQL text; the pieces of a text, joined, are the text. */
export interface SqlToken {
  /** `word` covers unquoted identifiers, keywords and numbers; `symbol` is one character. */
  readonly kind: "word" | "quoted" | "string" | "comment" | "space" | "symbol";
  readonly text: string;
  readonly start: number;
}

const patterns: readonly (readonly [SqlToken["kind"], RegExp])[] = [
  ["space", /\s+/y],
  ["comment", /--[^\n\r]*/y],
  ["quoted", /(?:[uU]&)?"(?:[^"]|"")*"/y],
  ["string", /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y],
  ["string", /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'/y],
  ["string", /\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y],
  ["word", /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*|[0-9]+/y],
];

/**
 * Splits SQL into tokens by PostgreSQL's lexical rules (strings of every kind, nested comments, dollar quotes), enough to
 * find identifiers and statement ends safely. Malformed text still yields tokens: the server is the judge of it.
 */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const token = blockComment(sql, at) ??
      match(sql, at) ?? { kind: "symbol", text: sql.charAt(at), start: at };
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function match(sql: string, start: number): SqlToken | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const found = pattern.exec(sql);
    if (found) return { kind, text: found[0], start };
  }
  return undefined;
}

function blockComment(sql: string, start: number): SqlToken | undefined {
  if (!sql.startsWith("/*", start)) return undefined;
  let depth = 0;
  let at = start;
  do {
    if (sql.startsWith("/*", at)) [depth, at] = [depth + 1, at + 2];
    else if (sql.startsWith("*/", at)) [depth, at] = [depth - 1, at + 2];
    else at += 1;
  } while (depth > 0 && at < sql.length);
  return { kind: "comment", text: sql.slice(start, at), start };
}

/** The statements of a text that holds several, without their semicolons; empty ones are left out. */
export function splitStatements(sql: string): string[] {
  return statementSpans(sql).map(({ text }) => text);
}

/** As `splitStatements`, each with the offset (in UTF-16 units) of its first word. */
export function statementSpans(sql: string): { readonly text: string; readonly offset: number }[] {
  const statements: { text: string; offset: number }[] = [];
  let current: SqlToken[] = [];
  let inBody = 0;
  const flush = (): void => {
    const first = current.find((token) => token.kind !== "space" && token.kind !== "comment");
    if (first !== undefined) {
      const text = current.map((token) => token.text).join("");
      statements.push({ text: text.trim(), offset: first.start });
    }
    current = [];
  };
  let previousWord = "";
  for (const token of sqlTokens(sql)) {
    const word = token.kind === "word" ? token.text.toLowerCase() : "";
    // `begin atomic ... end` is the only statement body that holds bare semicolons; `case ... end` nests inside.
    if (word === "atomic" && previousWord === "begin") inBody += 1;
    else if (inBody > 0 && word === "case") inBody += 1;
    else if (inBody > 0 && word === "end") inBody -= 1;
    if (word !== "") previousWord = word;
    if (token.kind === "symbol" && token.text === ";" && inBody === 0) flush();
    else current.push(token);
  }
  flush();
  return statements;
}

/** The leading keywords of a statement in lower case, `create unique index`: at most `count` words. */
export function leadingWords(sql: string, count = 3): string {
  const words: string[] = [];
  for (const token of sqlTokens(sql)) {
    if (token.kind === "space" || token.kind === "comment") continue;
    if (token.kind !== "word" || words.length === count) break;
    words.push(token.text.toLowerCase());
  }
  return words.join(" ");
}

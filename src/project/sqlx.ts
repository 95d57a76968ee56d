/**
 * The parts of an SQLX file with their places in the text, found by the same rules as Dataform's own lexer, quirks
 * included: `config {` opens a block wherever it stands, and a `}` in the SQL of an inner block closes it.
 */
export interface SqlxFile {
  readonly text: string;
  /** In order of appearance; the SQL outside of all blocks is one block of kind `sql`, the last. */
  readonly blocks: readonly SqlxBlock[];
}

export type SqlxBlockKind =
  "config" | "js" | "sql" | "incremental_where" | "pre_operations" | "post_operations" | "input";

export interface SqlxBlock {
  readonly kind: SqlxBlockKind;
  /** Offsets of the whole block: `text.slice(start, end)`. */
  readonly start: number;
  readonly end: number;
  /** Offsets of what stands between the braces. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** The statements of a block of SQL, each a list of parts; empty for config and js. */
  readonly statements: readonly (readonly SqlxPart[])[];
}

/** A piece of SQL; `placeholder` is a whole `${...}`. */
export interface SqlxPart {
  readonly kind: "text" | "comment" | "string" | "placeholder";
  readonly start: number;
  readonly end: number;
}

const blockStart =
  /(config|js|incremental_where|pre_operations|post_operations) \{|(input) "[a-zA-Z0-9_-]+"(?:,\s*"[a-zA-Z0-9_-]+")* \{/y;
/** What no rule can begin with, taken at once. */
const plainRun = /[^cjip\-/$'"}\s]+/y;
const separator = /[^\S\r\n]*---[^\S\r\n]*$/my;
const comment = /--.*?$|\/\*[\s\S]*?\*\//my;
const quote = /'''|"""|'|"/y;
const jsSkipped = /\/\/.*?$|\/\*[\s\S]*?\*\/|'(?:\\['\\]|[^\n'\\])*'|"(?:\\["\\]|[^\n"\\])*"/my;

export function parseSqlx(text: string): SqlxFile {
  const blocks: SqlxBlock[] = [];
  const outside = new StatementList();
  let at = 0;
  while (at < text.length) {
    const opening = "cjip".includes(text.charAt(at)) ? match(blockStart, text, at) : undefined;
    if (opening === undefined) {
      at = readSql(text, at, outside);
      continue;
    }
    const kind = (opening[1] ?? opening[2]) as SqlxBlockKind;
    const bodyStart = at + opening[0].length;
    const statements = new StatementList();
    let end: number;
    if (kind === "config" || kind === "js") {
      end = endOfJs(text, bodyStart);
    } else {
      end = bodyStart;
      while (end < text.length && text[end] !== "}") end = readSql(text, end, statements);
      end = Math.min(end + 1, text.length);
    }
    const isClosed = text[end - 1] === "}" && end > bodyStart;
    blocks.push({
      kind,
      start: at,
      end,
      bodyStart,
      bodyEnd: isClosed ? end - 1 : end,
      statements: kind === "config" || kind === "js" ? [] : statements.all,
    });
    at = end;
  }
  blocks.push({ kind: "sql", start: 0, end: at, bodyStart: 0, bodyEnd: at, statements: outside.all });
  return { text, blocks };
}

/** Collects parts; text that follows text without a gap is one part. */
class StatementList {
  readonly all: SqlxPart[][] = [[]];

  add(kind: SqlxPart["kind"], start: number, end: number): void {
    const statement = this.all.at(-1) ?? [];
    const last = statement.at(-1);
    if (last?.kind === kind && last.end === start && (kind === "text" || kind === "string")) {
      statement[statement.length - 1] = { kind, start: last.start, end };
    } else if (end > start) {
      statement.push({ kind, start, end });
    }
  }

  separate(): void {
    this.all.push([]);
  }
}

/** Reads one token of SQL; returns where the next begins. */
function readSql(text: string, at: number, into: StatementList): number {
  const plain = match(plainRun, text, at);
  if (plain) {
    into.add("text", at, at + plain[0].length);
    return at + plain[0].length;
  }
  const separating = match(separator, text, at);
  if (separating) {
    into.separate();
    return at + separating[0].length;
  }
  const commenting = match(comment, text, at);
  if (commenting) {
    into.add("comment", at, at + commenting[0].length);
    return at + commenting[0].length;
  }
  if (text.startsWith("${", at)) {
    const end = endOfJs(text, at + 2);
    into.add("placeholder", at, end);
    return end;
  }
  const quoting = match(quote, text, at);
  if (quoting) return readString(text, at, quoting[0], into);
  into.add("text", at, at + 1);
  return at + 1;
}

function readString(text: string, start: number, mark: string, into: StatementList): number {
  let at = start + mark.length;
  into.add("string", start, at);
  while (at < text.length) {
    if (text.startsWith(mark, at)) {
      into.add("string", at, at + mark.length);
      return at + mark.length;
    }
    // In double quotes core's lexer knows no placeholders, but the template literal it makes of them does.
    if (text.startsWith("${", at)) {
      const end = endOfJs(text, at + 2);
      into.add("placeholder", at, end);
      at = end;
      continue;
    }
    const escapes =
      text[at] === "\\" && (text[at + 1] === "\\" || (mark.length === 1 && text[at + 1] === mark));
    into.add("string", at, at + (escapes ? 2 : 1));
    at += escapes ? 2 : 1;
  }
  return at;
}

/** The offset behind the `}` that closes a block of JavaScript whose body begins at `at`. */
function endOfJs(text: string, at: number): number {
  while (at < text.length) {
    const skipped = match(jsSkipped, text, at);
    if (skipped) at += skipped[0].length;
    else if (text[at] === "`") at = endOfTemplate(text, at + 1);
    else if (text[at] === "{") at = endOfJs(text, at + 1);
    else if (text[at] === "}") return at + 1;
    else at += 1;
  }
  return at;
}

function endOfTemplate(text: string, at: number): number {
  while (at < text.length) {
    if (text.startsWith("\\\\", at)) at += 2;
    else if (text.startsWith("\\${`", at)) at += 4;
    else if (text.startsWith("${", at)) at = endOfJs(text, at + 2);
    else if (text[at] === "`") return at + 1;
    else at += 1;
  }
  return at;
}

/** Where the template literals of a piece of JavaScript stand. */
export function templateSpans(script: string): { readonly start: number; readonly end: number }[] {
  const spans: { start: number; end: number }[] = [];
  for (let at = 0; at < script.length;) {
    const skipped = match(jsSkipped, script, at);
    if (skipped) {
      at += skipped[0].length;
    } else if (script[at] === "`") {
      const end = endOfTemplate(script, at + 1);
      spans.push({ start: at, end });
      at = end;
    } else {
      at += 1;
    }
  }
  return spans;
}

function match(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}

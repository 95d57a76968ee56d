import type { SqlxBlock, SqlxFile, SqlxPart } from "./sqlx.js";

/** Which text of the JavaScript that core makes of an SQLX file came from which text of the file. */
export interface SqlxAlignment {
  readonly segments: readonly Segment[];
  /** Where the template literal of each statement begins (its backtick), in the order of `compiledStatements`. */
  readonly templates: readonly number[];
}

interface Segment {
  readonly compiledStart: number;
  readonly compiledEnd: number;
  readonly sourceStart: number;
  /** Matches a backslash (and what follows) that core put there. */
  readonly escape: RegExp;
}

/** What core escapes in the template literal it makes: in comments less than elsewhere, in JavaScript nothing. */
const escapes: Readonly<Record<SqlxPart["kind"], RegExp>> = {
  text: /^\\[\\`]/,
  string: /^\\[\\`]/,
  comment: /^\\(?:`|\$\{)/,
  placeholder: /(?!)/,
};

/** The statements of a file in the order in which core compiles them, whatever their order in the file. */
export function compiledStatements(file: SqlxFile): (readonly SqlxPart[])[] {
  return compiledBlocks(file).flatMap((block) => block.statements);
}

/** Of several blocks of one kind core keeps the last, but every input. */
function compiledBlocks(file: SqlxFile): SqlxBlock[] {
  const last = (kind: SqlxBlock["kind"]): SqlxBlock[] =>
    file.blocks.filter((block) => block.kind === kind).slice(-1);
  return [
    ...last("sql"),
    ...last("incremental_where"),
    ...last("pre_operations"),
    ...last("post_operations"),
    ...file.blocks.filter((block) => block.kind === "input"),
  ];
}

/** Undefined when the compiled text is not what is expected: then nothing is known, and nothing wrong is said. */
export function alignSqlx(file: SqlxFile, compiled: string): SqlxAlignment | undefined {
  const segments: Segment[] = [];
  const templates: number[] = [];
  let cursor = 0;
  const copied = (start: number, end: number): boolean => {
    const at = compiled.indexOf(file.text.slice(start, end), cursor);
    if (at < 0) return false;
    cursor = at + end - start;
    segments.push({
      compiledStart: at,
      compiledEnd: cursor,
      sourceStart: start,
      escape: escapes.placeholder,
    });
    return true;
  };
  const config = file.blocks.filter((block) => block.kind === "config").at(-1);
  if (config && !copied(config.bodyStart - 1, config.end)) return undefined;
  const scripts = file.blocks.filter((block) => block.kind === "js");
  for (const block of compiledBlocks(file)) {
    for (const script of scripts) if (!copied(script.bodyStart, script.bodyEnd)) return undefined;
    for (const statement of block.statements) {
      const escaped = statement.map((part) => escapePart(file.text, part));
      const at = compiled.indexOf(`\`${escaped.join("")}\``, cursor);
      if (at < 0) return undefined;
      templates.push(at);
      cursor = at + 1;
      statement.forEach((part, index) => {
        const end = cursor + (escaped[index] ?? "").length;
        segments.push({
          compiledStart: cursor,
          compiledEnd: end,
          sourceStart: part.start,
          escape: escapes[part.kind],
        });
        cursor = end;
      });
      cursor += 1;
    }
  }
  return { segments, templates };
}

/** The offset in the file of an offset in the compiled text; undefined for what core wrote itself. */
export function sourceOffset(alignment: SqlxAlignment, compiled: string, offset: number): number | undefined {
  const segment = alignment.segments.find(
    (each) => each.compiledStart <= offset && offset < each.compiledEnd,
  );
  if (segment === undefined) return undefined;
  let source = segment.sourceStart;
  for (let at = segment.compiledStart; at < offset; at++) {
    if (!segment.escape.test(compiled.slice(at, at + 3))) source += 1;
    else if (++at < offset) source += 1;
  }
  return source;
}

function escapePart(text: string, part: SqlxPart): string {
  const source = text.slice(part.start, part.end);
  switch (part.kind) {
    case "placeholder":
      return source;
    case "comment":
      return source.replaceAll("`", "\\`").replaceAll("${", "\\${");
    case "text":
    case "string":
      return source.replaceAll("\\", "\\\\").replaceAll("`", "\\`");
  }
}

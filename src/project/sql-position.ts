import type { SourceLocation } from "../base/source-location.js";
import { lineColumnAt, utf16Offset } from "../base/text-position.js";
import { actionKey } from "./action-graph.js";
import type {
  CompiledAction,
  CompiledAssertion,
  CompiledOperation,
  CompiledTable,
} from "./compiled-graph.js";
import type { CompiledProject } from "./compiled-project.js";
import { findSnippet } from "./find-text.js";
import { compiledStatements } from "./sqlx-alignment.js";
import { parseSqlx, type SqlxPart } from "./sqlx.js";
import type { Evaluation } from "./tagged-templates.js";

/**
 * The place in the project of a position in a statement that the server complained about. SQL that stands in the file maps
 * exactly; a position inside the value of `${...}` maps to the same words within it if they stand there once, else to its
 * start; SQL of `publish()` in the same way to the call. Undefined for what Aquifer wrote around the project's SQL.
 *
 * @param action the action whose statement it was, from the graph
 * @param statement the whole text that was sent; the action's SQL may be a part of it
 * @param position counted in characters (code points) from 1, as PostgreSQL reports it
 * @example locate(project, table, error.statement, error.server.position) // { file: "definitions/a.sqlx", line: 3, column: 8 }
 */
export function locate(
  project: CompiledProject,
  action: CompiledAction,
  statement: string,
  position: number,
): SourceLocation | undefined {
  const file = action.fileName;
  const source = file === undefined ? undefined : project.files[file];
  if (file === undefined || source === undefined) return undefined;
  const offset = utf16Offset(statement, position - 1, "code points");
  for (const text of sqlTexts(project, action)) {
    for (const start of occurrences(statement, text)) {
      const within = offset - start;
      if (within < text.search(/\S/) || within > text.length) continue;
      const exact = file.endsWith(".sqlx")
        ? sqlxOffset(project.evaluations[file] ?? [], source, text, within)
        : undefined;
      const found = exact ?? findSnippet(source, text, within);
      if (found !== undefined) return { file, ...lineColumnAt(source, found) };
      return project.definedAt[actionKey(action.target)] ?? { file };
    }
  }
  return undefined;
}

/** Every piece of SQL that the project wrote for an action. */
function sqlTexts(project: CompiledProject, action: CompiledAction): string[] {
  const { query, incrementalQuery, where, preOps, postOps, incrementalPreOps, incrementalPostOps, queries } =
    action as Partial<CompiledTable & CompiledOperation & CompiledAssertion>;
  const key = actionKey(action.target);
  const conditions = project.inlineAssertions
    .filter((each) => actionKey(each.target) === key || actionKey(each.parent) === key)
    .flatMap((each) =>
      each.kind === "uniqueKey"
        ? each.columns
        : each.conditions.map((condition) => condition.nonNull ?? condition.expression),
    );
  const lists = [preOps, postOps, incrementalPreOps, incrementalPostOps, queries, conditions];
  const texts = [query, incrementalQuery, where, ...lists.flatMap((list) => list ?? [])];
  return [...new Set(texts.filter((text): text is string => text !== undefined && text.trim() !== ""))];
}

/** Where a text begins in the statement, even if the statement has it without the white space at its ends. */
function* occurrences(statement: string, text: string): Generator<number> {
  const trimmed = text.trim();
  const margin = text.indexOf(trimmed);
  for (let at = statement.indexOf(trimmed); at >= 0; at = statement.indexOf(trimmed, at + 1))
    yield at - margin;
}

/** The offset in an SQLX file of an offset in SQL that came from it. */
function sqlxOffset(
  evaluations: readonly Evaluation[],
  source: string,
  text: string,
  offset: number,
): number | undefined {
  const statements = compiledStatements(parseSqlx(source));
  for (const [number = 0, ...lengths] of evaluations) {
    const pieces = layOut(source, statements[number] ?? [], lengths);
    const fits = pieces.every(
      (each) => each.literal === undefined || text.startsWith(each.literal, each.start),
    );
    if (!fits || pieces.at(-1)?.end !== text.length) continue;
    const piece = pieces.find((each) => offset < each.end) ?? pieces.at(-1);
    if (piece === undefined) return undefined;
    const within = offset - piece.start;
    if (piece.literal !== undefined) return piece.part.start + literalIndex(source, piece.part, within);
    const value = text.slice(piece.start, piece.end);
    return (
      piece.part.start + (findSnippet(source.slice(piece.part.start, piece.part.end), value, within) ?? 0)
    );
  }
  return undefined;
}

interface Piece {
  readonly part: SqlxPart;
  /** Offsets in the evaluated text. */
  readonly start: number;
  readonly end: number;
  /** The text, where it stands literally in the file. */
  readonly literal?: string;
}

function layOut(source: string, parts: readonly SqlxPart[], lengths: readonly number[]): Piece[] {
  let at = 0;
  let placeholder = 0;
  return parts.map((part) => {
    const start = at;
    if (part.kind === "placeholder") {
      at += lengths[placeholder++] ?? 0;
      return { part, start, end: at };
    }
    const literal = cooked(source.slice(part.start, part.end), part.kind);
    at += literal.length;
    return { part, start, end: at, literal };
  });
}

/** What a template literal makes of its source: line ends become `\n`; only comments may hold escapes, by a quirk of core. */
function cooked(source: string, kind: SqlxPart["kind"]): string {
  const text = source.replace(/\r\n?/g, "\n");
  if (kind !== "comment" || !text.includes("\\")) return text;
  const escape = /\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([^]))/gi;
  const letters: Readonly<Record<string, string>> = {
    n: "\n",
    t: "\t",
    r: "\r",
    b: "\b",
    v: "\v",
    f: "\f",
    0: "\0",
    "\n": "",
  };
  return text.replace(escape, (_, long?: string, short?: string, byte?: string, letter: string = "") => {
    const code = long ?? short ?? byte;
    return code === undefined ? (letters[letter] ?? letter) : String.fromCodePoint(parseInt(code, 16));
  });
}

/** The offset in a part's source of an offset in its cooked text. */
function literalIndex(source: string, part: SqlxPart, offset: number): number {
  const text = source.slice(part.start, part.end);
  let at = 0;
  for (let seen = 0; seen < offset; seen++) at += text.startsWith("\r\n", at) ? 2 : 1;
  return at;
}

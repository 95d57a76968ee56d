import { derivedIdentifier } from "../base/identifiers.js";
import { snakeCase } from "../base/snake-case.js";
import { recognitionProblems } from "../project/recognition.js";
import type { Source } from "../project/source.js";

/** How the cells of a line fit the columns of a source. */
export interface HeaderMatch {
  /** For each cell the column that it fills in bronze. */
  readonly columns: readonly string[];
  /** The cells as they stand in the file. */
  readonly cells: readonly string[];
  /** Declared columns that were found. */
  readonly found: readonly string[];
  /** What must be there and is not, in words: declared columns, and what the source is recognized by. */
  readonly missing: readonly string[];
  /** Columns that are not declared. */
  readonly added: readonly string[];
}

/** Names the cells of a header: declared columns by any of their spellings, others by their own name in snake case. */
export function matchHeader(source: Source, cells: readonly string[]): HeaderMatch {
  const bySpelling = new Map(
    source.columns.flatMap(({ name, headers }) => headers.map((spelling) => [spelling, name] as const)),
  );
  const used = new Set<string>();
  const found: string[] = [];
  const added: string[] = [];
  const columns = cells.map((cell, index) => {
    const spelling = snakeCase(cell) || `column_${index + 1}`;
    const declared = bySpelling.get(spelling) ?? byPattern(source, cell);
    const name = unusedName(declared ?? spelling.replace(/^_+/, ""), used);
    used.add(name);
    (name === declared ? found : added).push(name);
    return name;
  });
  const missing = source.columns.filter(({ name, optional }) => !optional && !used.has(name));
  const unmet = recognitionProblems(source.recognize, used);
  return { columns, cells, found, missing: [...missing.map(({ name }) => name), ...unmet], added };
}

/** The column one of whose patterns matches a cell as it stands, blanks at the ends apart. */
function byPattern({ columns }: Source, cell: string): string | undefined {
  const trimmed = cell.trim();
  return columns.find(({ headerPatterns }) => headerPatterns.some((each) => each.test(trimmed)))?.name;
}

/** The columns of a file that has no header. */
export function headerlessMatch(source: Source): HeaderMatch {
  const columns = source.columns.map(({ name }) => name);
  return { columns, cells: columns, found: columns, missing: [], added: [] };
}

/** `name`, `name_2`, `name_3` ..., shortened to what PostgreSQL can hold. */
function unusedName(name: string, used: ReadonlySet<string>): string {
  let candidate = derivedIdentifier(name, "");
  for (let number = 2; used.has(candidate); number++) candidate = derivedIdentifier(name, `_${number}`);
  return candidate;
}

/** How much of a file is declared, for people. */
export function describeMatch(match: HeaderMatch): string {
  return match.found.length === match.cells.length
    ? `all ${match.found.length} columns`
    : `${match.found.length} declared columns, ${match.added.length} others`;
}

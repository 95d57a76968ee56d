import { snakeCase } from "../base/snake-case.js";
import { refuseMemory, refuseUnknown, type Failure } from "./source-failure.js";

/** One column of a source, as the files carry it. In bronze every column is `text`: types are given in silver. */
export interface ColumnOptions {
  /**
   * Other spellings that a header may use. The column's own name always counts; case, blanks and punctuation never do
   * (`Birth of Date` is `birth_of_date`). A regular expression is matched against the header as it stands.
   */
  readonly header?: string | RegExp | readonly (string | RegExp)[];
  /** A file may come without this column; it is NULL then. Default: every column must be there. */
  readonly optional?: boolean;
  /** Every value that is there must be one of this type, as PostgreSQL reads it. It is stored as text all the same. */
  readonly type?: ColumnType;
  /** Every row must have a value that is not blank. */
  readonly required?: boolean;
  /** No value may stand twice in a file; the first one stays. */
  readonly unique?: boolean;
  /** The only values that may stand here. */
  readonly domain?: readonly string[];
  /** A regular expression of PostgreSQL that every value must match. */
  readonly pattern?: string;
  readonly description?: string;
}

/** Types that values can be checked for. `date` and `timestamp` mean ISO 8601: other forms depend on the server's settings. */
export const columnTypes = ["text", "integer", "bigint", "numeric", "boolean", "date", "timestamp"] as const;
export type ColumnType = (typeof columnTypes)[number];

export interface SourceColumn {
  /** The column in bronze. */
  readonly name: string;
  /** Spellings in snake case that a header may use, the name first. */
  readonly headers: readonly string[];
  /** Spellings as they may stand. */
  readonly headerPatterns: readonly RegExp[];
  readonly optional: boolean;
  readonly description: string;
  readonly checks: ColumnChecks;
}

/** What is checked of each value of a column. */
export type ColumnChecks = Pick<ColumnOptions, "type" | "required" | "unique" | "domain" | "pattern">;

const checkNames = [
  "type",
  "required",
  "unique",
  "domain",
  "pattern",
] as const satisfies readonly (keyof ColumnChecks)[];

/** Checks the columns of a source, with the defaults filled in; those of its key are required. */
export function toColumns(
  columns: Readonly<Record<string, ColumnOptions>>,
  key: readonly string[],
  fail: Failure,
): SourceColumn[] {
  const spellings = new Map<string, string>();
  const made = Object.entries(columns).map(([name, options]): SourceColumn => {
    if (snakeCase(name) !== name || name.startsWith("_")) {
      throw fail(
        `column "${name}" is not in lower snake case`,
        `Name it ${snakeCase(name)} and give the file's spelling as \`header\`.`,
      );
    }
    const { header, optional = false, description = "", ...checks } = options;
    for (const key of Object.keys(checks)) {
      refuseUnknown(key, checkNames, `option of column ${name}`, fail);
    }
    if (checks.type !== undefined && !columnTypes.includes(checks.type)) {
      throw fail(`column ${name} has the type "${checks.type}"`, `Use one of: ${columnTypes.join(", ")}.`);
    }
    const given = [header ?? []].flat();
    const spelled = given.filter((each) => typeof each === "string").map(snakeCase);
    const headers = [...new Set([name, ...spelled])];
    const headerPatterns = given.filter((each) => each instanceof RegExp);
    for (const pattern of headerPatterns) refuseMemory(`header of column ${name}`, pattern, fail);
    const inKey = key.includes(name);
    if (inKey && optional) throw fail(`column ${name} is part of the key, so it cannot be optional`);
    for (const spelling of headers) {
      const other = spellings.get(spelling);
      if (other !== undefined) throw fail(`columns ${other} and ${name} share the header "${spelling}"`);
      spellings.set(spelling, name);
    }
    return {
      name,
      headers,
      headerPatterns,
      optional,
      description,
      checks: inKey ? { ...checks, required: true } : checks,
    };
  });
  if (made.length === 0) throw fail("no columns", "List the columns of the file as `columns`.");
  return made;
}

import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import type { Source } from "../project/source.js";
import type { SourceColumn } from "../project/source-column.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { storeSchema } from "./bronze-tables.js";
import type { ProvenColumns } from "./value-proof.js";

/** The function that stands in for `pg_input_is_valid` on servers before 16. */
const fallback = `${quoteIdentifier(storeSchema)}.input_is_valid`;

/** Makes the function that checks types where the server has none; it must be in place before values are checked. */
export async function ensureTypeCheck(transaction: Queryable, serverVersion: number): Promise<void> {
  if (serverVersion >= 160_000) return;
  await transaction.query(`
create or replace function ${fallback} (input text, type text) returns boolean language plpgsql stable strict parallel unsafe as $$
begin
  execute format('select %L::%s', input, type);
  return true;
exception when data_exception then
  return false;
end $$`);
}

/** The checks of a source that a file's columns can break. */
export interface ValueChecks {
  readonly rules: readonly Rule[];
  /** Columns whose values together stand only once; rows that lack one of them do not count. */
  readonly unique: readonly (readonly string[])[];
}

/**
 * The checks of the columns that a file has, but for those that it is proven to pass. The server judges its own types, so
 * what passes can be cast.
 */
export function valueChecks(
  source: Source,
  present: readonly string[],
  serverVersion: number,
  proven: ProvenColumns,
): ValueChecks {
  const columns = source.columns.filter(({ name }) => present.includes(name));
  const isValid = serverVersion >= 160_000 ? "pg_input_is_valid" : fallback;
  const unique = [
    ...columns.filter(({ checks }) => checks.unique === true).map(({ name }) => [name]),
    ...(source.key.length > 0 ? [source.key] : []),
  ];
  return {
    rules: columns
      .filter(({ name }) => !proven.rules.has(name))
      .flatMap((column) => rulesOf(column, isValid)),
    // What stands once stands once together with others too.
    unique: unique.filter((names) => !names.some((name) => proven.unique.has(name))),
  };
}

/** SQL: true for a row that breaks a rule. */
export function brokenRow({ rules }: ValueChecks): string {
  return rules.length === 0 ? "false" : `(${rules.map(({ broken }) => broken).join("\n or ")})`;
}

/** SQL: true where none of these columns is NULL. */
function areThere(names: readonly string[]): string {
  return names.map((name) => `${quoteIdentifier(name)} is not null`).join(" and ");
}

/** SQL, an aggregate: true when the values of these columns together stand more than once. Bytes are sorted fastest. */
export function isRepeated(names: readonly string[]): string {
  const list = names.map((name) => `${quoteIdentifier(name)} collate "C"`).join(", ");
  const there = `filter (where ${areThere(names)})`;
  return `count(*) ${there} <> count(distinct ${names.length > 1 ? `(${list})` : list}) ${there}`;
}

/**
 * SQL: the rows that break a check, one problem a row: columns `row`, `column`, `error`.
 *
 * @param rows SQL of the relation
 */
export function problemsQuery({ rules, unique }: ValueChecks, rows: string): string {
  const parts = unique.map((names, index) => {
    const values = names.map(quoteIdentifier);
    const shown = values.map((value) => `to_json(left(${value}, 100))::text`).join(" || ', ' || ");
    const list = values.join(", ");
    return `select _row, ${index + 1} as rank, ${quoteLiteral(names.join(", "))} as "column", ${shown} || ' stands on row ' || first || ' already' as error
      from (select _row, ${list}, min(_row) over (partition by ${list}) as first from ${rows} as stored where ${areThere(names)}) as each
      where _row > first`;
  });
  if (rules.length > 0) {
    const cases = rules.map(
      ({ column, broken, error }) => `when ${broken} then array[${quoteLiteral(column)}, ${error}]`,
    );
    parts.unshift(`select _row, 0 as rank, found[1], found[2]
      from (select _row, case ${cases.join("\n")} end as found from ${rows} as stored where ${brokenRow({ rules, unique })}) as each`);
  }
  return `select distinct on (_row) _row as row, "column", error
    from (${parts.join("\nunion all\n")}) as problems (_row, rank, "column", error) order by _row, rank`;
}

export interface Rule {
  readonly column: string;
  /** SQL: true for a row that breaks it, never NULL for one that does. */
  readonly broken: string;
  /** SQL of the message. */
  readonly error: string;
}

const isoForms = {
  date: "^\\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\\s*$",
  timestamp:
    "^\\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?\\s*$",
};

/** Forms that most files use, with 0 for any digit: they are compared with half the work of a regular expression. */
const commonForms = {
  date: ["0000-00-00"],
  timestamp: ["0000-00-00 00:00:00", "0000-00-00T00:00:00", "0000-00-00T00:00:00Z"],
};

/** SQL: true for a text that is not ISO 8601. */
export function isOtherForm(value: string, type: "date" | "timestamp"): string {
  const forms = commonForms[type].map(quoteLiteral).join(", ");
  return `(translate(${value}, '123456789', '000000000') not in (${forms}) and ${value} !~ ${quoteLiteral(isoForms[type])})`;
}

function rulesOf({ name, checks }: Pick<SourceColumn, "name" | "checks">, isValid: string): Rule[] {
  const value = quoteIdentifier(name);
  const found = `format('found %L', left(${value}, 100))`;
  const rules: Rule[] = [];
  const add = (broken: string, expected: string, shown = true): void => {
    const text = quoteLiteral(`expected ${expected}${shown ? ", " : ""}`);
    rules.push({ column: name, broken, error: shown ? `${text} || ${found}` : text });
  };
  // What nearly every row passes comes first: the rest is then not computed.
  const isBlank = `(${value} = '' or starts_with(${value}, ' ') and btrim(${value}) = '')`;
  if (checks.required === true) add(`(${value} is null or ${isBlank})`, "a value", false);
  const { type, domain, pattern } = checks;
  if (type !== undefined && type !== "text") {
    const form = type === "date" || type === "timestamp" ? `${isOtherForm(value, type)} or ` : "";
    add(`((${form}not ${isValid}(${value}, '${type}')) and not ${isBlank})`, article(type));
  }
  if (domain !== undefined) {
    const list = domain.map(quoteLiteral).join(", ");
    add(`(${value} not in (${list}) and not ${isBlank})`, `one of ${domain.slice(0, 8).join(", ")}`);
  }
  if (pattern !== undefined)
    add(`(${value} !~ ${quoteLiteral(pattern)} and not ${isBlank})`, `a match of ${pattern}`);
  return rules;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

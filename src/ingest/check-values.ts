import { quoteIdentifier, quoteLiteral, quoteRelation } from "../base/identifiers.js";
import type { Source } from "../project/source.js";
import type { SourceColumn } from "../project/source-column.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { storeRelation, storeSchema } from "./bronze-tables.js";

/** A row that was stored and must not be seen. */
export interface ValueProblem {
  readonly row: number;
  readonly column: string;
  readonly error: string;
}

/** The function that stands in for `pg_input_is_valid` on servers before 16. */
const fallback = `${quoteIdentifier(storeSchema)}.input_is_valid`;

/** Makes the function that checks types where the server has none; it must be in place before `findProblems`. */
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

/**
 * The stored rows of a file that break a check of their source, at most one problem a row, in the order of the rows. The
 * server judges its own types, so what passes can be cast.
 */
export async function findProblems(
  session: Queryable,
  source: Source,
  fileId: string,
  present: readonly string[],
  serverVersion: number,
): Promise<ValueProblem[]> {
  const columns = source.columns.filter(({ name }) => present.includes(name));
  const problems: ValueProblem[] = [];
  const isValid = serverVersion >= 160_000 ? "pg_input_is_valid" : fallback;
  const rules = columns.flatMap((column) => rulesOf(column, isValid));
  const store = quoteRelation(storeRelation(source.table));
  if (rules.length > 0) {
    const cases = rules.map(
      ({ column, broken, error }) => `when ${broken} then array[${quoteLiteral(column)}, ${error}]`,
    );
    const { rows } = await session.query<{ row: string; problem: string }>(
      `select _row as row, to_json(case ${cases.join("\n")} end)::text as problem
       from ${store} where _file_id = $1 and (${rules.map(({ broken }) => broken).join("\n or ")})`,
      [fileId],
    );
    for (const { row, problem } of rows) {
      const [column = "", error = ""] = JSON.parse(problem) as string[];
      problems.push({ row: Number(row), column, error });
    }
  }
  const uniques = [
    ...columns.filter(({ checks }) => checks.unique === true).map(({ name }) => [name]),
    ...(source.key.length > 0 ? [source.key] : []),
  ];
  for (const names of uniques) problems.push(...(await repeated(session, store, names, fileId)));
  const byRow = new Map<number, ValueProblem>();
  for (const problem of problems) if (!byRow.has(problem.row)) byRow.set(problem.row, problem);
  return [...byRow.values()].sort((a, b) => a.row - b.row);
}

/** The rows whose values in some columns, none of them NULL, stand on an earlier row already. */
async function repeated(
  session: Queryable,
  store: string,
  names: readonly string[],
  fileId: string,
): Promise<ValueProblem[]> {
  const values = names.map(quoteIdentifier);
  const shown = values.map((value) => `left(${value}, 100)`).join(", ");
  const { rows } = await session.query<{ row: string; first: string; shown: string[] }>(
    `select _row as row, first, to_json(array[${shown}]) as shown
     from (
       select _row, ${values.join(", ")}, min(_row) over (partition by ${values.join(", ")}) as first
       from ${store} where _file_id = $1 and ${values.map((value) => `${value} is not null`).join(" and ")}
     ) as each
     where _row > first`,
    [fileId],
  );
  return rows.map(({ row, first, shown: repeatedValues }) => ({
    row: Number(row),
    column: names.join(", "),
    error: `${repeatedValues.map((value) => JSON.stringify(value)).join(", ")} stands on row ${first} already`,
  }));
}

/** True when a source has any check that `findProblems` would make. */
export function hasChecks(source: Source): boolean {
  if (source.key.length > 0) return true;
  return source.columns.some(
    ({ checks }) => checks.unique === true || rulesOf({ name: "", checks }, "").length > 0,
  );
}

interface Rule {
  readonly column: string;
  /** SQL: true for a row that breaks it, never NULL for one that does. */
  readonly broken: string;
  /** SQL of the message. */
  readonly error: string;
}

const isoForms = {
  date: "^\\s*\\d{4}-\\d{2}-\\d{2}\\s*$",
  timestamp: "^\\s*\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}(:?\\d{2})?)?\\s*$",
};

function rulesOf({ name, checks }: Pick<SourceColumn, "name" | "checks">, isValid: string): Rule[] {
  const value = name === "" ? "''" : quoteIdentifier(name);
  const found = `format('found %L', left(${value}, 100))`;
  const rules: Rule[] = [];
  const add = (broken: string, expected: string, shown = true): void => {
    const text = quoteLiteral(`expected ${expected}${shown ? ", " : ""}`);
    rules.push({ column: name, broken, error: shown ? `${text} || ${found}` : text });
  };
  if (checks.required === true) add(`coalesce(btrim(${value}), '') = ''`, "a value", false);
  const there = `btrim(${value}) <> ''`;
  const { type, domain, pattern } = checks;
  if (type !== undefined && type !== "text") {
    const form =
      type === "date" || type === "timestamp" ? `${value} !~ ${quoteLiteral(isoForms[type])} or ` : "";
    add(`(${there} and (${form}not ${isValid}(${value}, '${type}')))`, article(type));
  }
  if (domain !== undefined) {
    const list = domain.map(quoteLiteral).join(", ");
    add(`(${there} and ${value} not in (${list}))`, `one of ${domain.slice(0, 8).join(", ")}`);
  }
  if (pattern !== undefined)
    add(`(${there} and ${value} !~ ${quoteLiteral(pattern)})`, `a match of ${pattern}`);
  return rules;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

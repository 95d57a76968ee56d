import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, type RelationName } from "../base/identifiers.js";
import { rescuedColumn } from "../project/sources.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { brokenRow, isRepeated, valueChecks, type ValueChecks } from "./check-values.js";
import { displayName } from "./discover-files.js";
import type { LoadedRows } from "./load-file.js";
import { rowsOf } from "./own-tables.js";
import type { InspectedFile } from "./plan-file.js";
import { storedColumns } from "./stored-columns.js";

/** What the server answers to the questions of one scan. */
interface Answer {
  readonly rows: string;
  readonly lengths: readonly string[];
  readonly broken: string;
  readonly repeated: boolean;
}

interface Question {
  /** SQL of the relation. */
  readonly rows: string;
  readonly lengthsOf: readonly string[];
  readonly checks: ValueChecks;
}

/**
 * Compares the rows that PostgreSQL holds of a file with what was sent, and asks whether any breaks a check of its source:
 * in one scan, of a large file over two connections.
 *
 * @param session where the rows in the store are asked for
 * @returns the checks, when a row breaks one
 * @throws AquiferError `text-length`
 */
export async function verifyRows(
  session: Queryable,
  warehouse: Warehouse,
  file: InspectedFile,
  fileId: string,
  loaded: LoadedRows,
): Promise<ValueChecks | undefined> {
  const { source, shape } = file;
  const { names } = storedColumns(source, shape.header);
  const checks = valueChecks(source, names, warehouse.serverVersion, file.inspection.proven);
  const lengthsOf = loaded.lengths === undefined ? [] : names.filter((name) => name !== rescuedColumn.name);
  if (checks.rules.length + checks.unique.length + lengthsOf.length === 0) return undefined;
  const answers =
    loaded.own.length === 0
      ? [await ask(session, { rows: rowsOf(source.table, fileId, []), lengthsOf, checks })]
      : await askOwn(warehouse, source.table, fileId, loaded.own, lengthsOf, checks);
  const sums = lengthsOf.map((_, index) =>
    answers.reduce((sum, { lengths }) => sum + Number(lengths[index] ?? 0), 0),
  );
  for (const [index, name] of lengthsOf.entries()) {
    const sent = loaded.lengths?.[names.indexOf(name)] ?? 0;
    if (sums[index] === sent) continue;
    throw new AquiferError(
      `${displayName(file.file)}: PostgreSQL holds other texts in ${name} than were sent (${sums[index] ?? 0} bytes and values, sent ${sent})`,
      { code: "text-length", hint: "Nothing was loaded. Please report this." },
    );
  }
  return answers.some(({ broken, repeated }) => broken !== "0" || repeated) ? checks : undefined;
}

/** Each table is scanned on its own, and what must be unique in all of them together is sorted beside. */
async function askOwn(
  warehouse: Warehouse,
  store: string,
  fileId: string,
  own: readonly RelationName[],
  lengthsOf: readonly string[],
  checks: ValueChecks,
): Promise<Answer[]> {
  const { rules, unique } = checks;
  const all = rowsOf(store, fileId, own);
  const questions = [
    ...unique.map((names): Question => ({
      rows: all,
      lengthsOf: [],
      checks: { rules: [], unique: [names] },
    })),
    ...(rules.length + lengthsOf.length === 0 ? [] : own).map((table): Question => ({
      rows: rowsOf(store, fileId, [table]),
      lengthsOf,
      checks: { rules, unique: [] },
    })),
  ];
  return Promise.all(questions.map((question) => warehouse.withSession((session) => ask(session, question))));
}

async function ask(session: Queryable, { rows, lengthsOf, checks }: Question): Promise<Answer> {
  // One for each text tells an empty one from NULL.
  const lengths = lengthsOf.map((name) => `coalesce(sum(octet_length(${quoteIdentifier(name)}) + 1), 0)`);
  const repeated = checks.unique.map(isRepeated);
  const answer = await session.query<Answer>(
    `select count(*) as rows, to_json(array[${lengths.join(", ")}]::text[]) as lengths,
       count(*) filter (where ${brokenRow(checks)}) as broken, ${["false", ...repeated].join(" or ")} as repeated
     from ${rows} as stored`,
  );
  const [found] = answer.rows;
  if (!found) throw new Error("an aggregate returned no row");
  return found;
}

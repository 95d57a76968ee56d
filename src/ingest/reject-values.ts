import { quoteIdentifier, quoteLiteral, quoteRelation } from "../base/identifiers.js";
import type { IngestLedger, Reject } from "../history/ingest-ledger.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import { findProblems, hasChecks } from "./check-values.js";
import { locateRows, type LocatedRow } from "./locate-rows.js";
import { refuseTooManyRejects, type InspectedFile } from "./plan-file.js";
import { storedColumns } from "./stored-columns.js";

const shownRejects = 5;

/**
 * Takes the stored rows of a file that break a check out of the store and into the rejects, before anybody sees them.
 *
 * @returns how many
 * @throws AquiferError `too-many-rejects`
 */
export async function rejectBadValues(
  session: Queryable,
  ledger: IngestLedger,
  file: InspectedFile,
  fileId: string,
  serverVersion: number,
): Promise<number> {
  const { source, inspection, shape } = file;
  if (!hasChecks(source)) return 0;
  const present = storedColumns(source, shape.header).names;
  const problems = await findProblems(session, source, fileId, present, serverVersion);
  if (problems.length === 0) return 0;
  const rows = problems.map(({ row }) => row);
  const places = file.feed
    ? await readStoredRows(session, source.table, present, fileId, rows)
    : await locateRows(file, new Set(rows));
  const rejects = problems.map(({ row, column, error }): Reject => {
    const place = places.get(row);
    return { row, column, error, line: place?.line ?? 0, raw: place?.raw ?? "" };
  });
  const rejected = inspection.rejected + rejects.length;
  refuseTooManyRejects(
    file.file,
    source,
    { rows: inspection.rows, rejected },
    rejects.slice(0, shownRejects),
  );
  await ledger.addRejects(session, fileId, rejects);
  await session.query(
    `delete from ${quoteRelation(storeRelation(source.table))} where _file_id = $1 and _row = any ($2::bigint[])`,
    [fileId, rejects.map(({ row }) => row)],
  );
  return rejects.length;
}

/** Rows that came from no file, as JSON. */
async function readStoredRows(
  session: Queryable,
  table: string,
  columns: readonly string[],
  fileId: string,
  wanted: readonly number[],
): Promise<ReadonlyMap<number, LocatedRow>> {
  const names = columns.map(quoteLiteral).join(", ");
  const values = columns.map((column) => `${quoteIdentifier(column)}::text`).join(", ");
  const { rows } = await session.query<{ row: string; raw: string }>(
    `select _row as row, json_object(array[${names}], array[${values}])::text as raw
     from ${quoteRelation(storeRelation(table))} where _file_id = $1 and _row = any ($2::bigint[])`,
    [fileId, wanted],
  );
  return new Map(rows.map(({ row, raw }) => [Number(row), { line: Number(row), raw }]));
}

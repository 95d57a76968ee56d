import { quoteRelation } from "../base/identifiers.js";
import type { IngestLedger, Reject } from "../history/ingest-ledger.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import { findProblems, hasChecks } from "./check-values.js";
import { locateRows } from "./locate-rows.js";
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
  const places = await locateRows(file, new Set(problems.map(({ row }) => row)));
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

import { quoteIdentifier, quoteLiteral, quoteRelation } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Reject } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import type { Copying, Queryable, Session } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import { problemsQuery, type ValueChecks } from "./check-values.js";
import type { LoadedRows } from "./load-file.js";
import { locateRows, type LocatedRow } from "./locate-rows.js";
import { withPatience, type LockPatience } from "./lock-patience.js";
import { rowsOf, relationsOf } from "./own-tables.js";
import { refuseTooManyRejects, type InspectedFile } from "./plan-file.js";
import { storedColumns } from "./stored-columns.js";

const shownRejects = 5;

/** Problems are taken from the server in portions: a file may have as many as rows. */
const portion = 10_000;

interface Problem {
  readonly row: number;
  readonly column: string;
  readonly error: string;
}

/**
 * Takes the rows of a file that break a check out of where they are stored and into the rejects, before anybody sees them.
 * Whether there are too many is judged before the first of them is fetched.
 *
 * @returns how many
 * @throws AquiferError `too-many-rejects`
 */
export async function rejectBadValues(
  session: Session & Copying,
  ledger: IngestLedger,
  file: InspectedFile,
  fileId: string,
  loaded: LoadedRows,
  checks: ValueChecks,
  patience: LockPatience,
): Promise<number> {
  const { source, inspection, shape } = file;
  const present = storedColumns(source, shape.header).names;
  const locate = (problems: readonly Problem[]): Promise<ReadonlyMap<number, StoredRow>> => {
    const rows = problems.map(({ row }) => row);
    return file.feed
      ? readStoredRows(session, source, present, fileId, rows)
      : locateRows(file, new Set(rows));
  };
  const query = problemsQuery(checks, rowsOf(source.table, fileId, loaded.own));
  const counted = await session.query<{ count: string }>(`select count(*) as count from (${query}) as each`);
  const found = Number(counted.rows[0]?.count ?? 0);
  const first = await problemsOf(session, `${query} limit ${shownRejects}`);
  const counts = { rows: inspection.rows, rejected: inspection.rejected + found };
  const shown = toRejects(first, await locate(first));
  refuseTooManyRejects(file.file, source, counts, shown);
  await withPatience(session, patience, async (transaction) => {
    await transaction.query(`declare problems no scroll cursor for ${query}`);
    for (;;) {
      const problems = await problemsOf(transaction, `fetch ${portion} from problems`);
      if (problems.length === 0) break;
      const places = await locate(problems);
      await ledger.addRejects(transaction, fileId, toRejects(problems, places));
    }
    await transaction.query("close problems");
    for (const relation of relationsOf(source.table, loaded.own)) {
      await ledger.takeOutRejected(transaction, relation, fileId);
    }
  });
  return found;
}

async function problemsOf(session: Queryable, query: string): Promise<Problem[]> {
  const { rows } = await session.query<{ row: string; column: string; error: string }>(query);
  return rows.map((each) => ({ ...each, row: Number(each.row) }));
}

function toRejects(problems: readonly Problem[], places: ReadonlyMap<number, StoredRow>): Reject[] {
  return problems.map(({ row, column, error }) => {
    const { line = 0, raw = "", message } = places.get(row) ?? {};
    return { row, column, error: message === undefined ? error : `${message}: ${error}`, line, raw };
  });
}

/** A row with the message that it came in, if it came in one. */
interface StoredRow extends LocatedRow {
  readonly message?: string;
}

/** Rows that came from no file: as JSON, or their message. */
async function readStoredRows(
  session: Queryable,
  { table, kafka }: Source,
  columns: readonly string[],
  fileId: string,
  wanted: readonly number[],
): Promise<ReadonlyMap<number, StoredRow>> {
  const store = quoteRelation(storeRelation(table));
  if (kafka) {
    const { rows } = await session.query<{ row: string; line: string; raw: string | null; message: string }>(
      `select _row as row, _offset as line, _value::text as raw,
         format('%s, partition %s, offset %s', _topic, _partition, _offset) as message
       from ${store} where _file_id = $1 and _row = any ($2::bigint[])`,
      [fileId, wanted],
    );
    return new Map(
      rows.map(({ row, line, raw, message }) => [
        Number(row),
        { line: Number(line), raw: raw ?? "", message },
      ]),
    );
  }
  const names = columns.map(quoteLiteral).join(", ");
  const values = columns.map((column) => `${quoteIdentifier(column)}::text`).join(", ");
  const { rows } = await session.query<{ row: string; raw: string }>(
    `select _row as row, json_object(array[${names}], array[${values}])::text as raw
     from ${store} where _file_id = $1 and _row = any ($2::bigint[])`,
    [fileId, wanted],
  );
  return new Map(rows.map(({ row, raw }) => [Number(row), { line: Number(row), raw }]));
}

import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AquiferError, asError } from "../base/errors.js";
import { formatRelation, quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { ExtractDialect } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import { toWarehouseError } from "../warehouse/postgres/server-error.js";
import { storeRelation } from "./bronze-tables.js";
import { extractCopy, type ExtractColumn } from "./extract-sql.js";
import type { Feed, FeedContext, FeedCounts } from "./feed.js";
import { whenWritable } from "./lock-patience.js";
import { inSnapshot, sourceError, type SourceSnapshot } from "./source-snapshot.js";

/** What to copy, and how many rows that must be. */
interface ExtractFeed {
  readonly snapshot: SourceSnapshot;
  readonly source: Source;
  readonly relation: RelationName;
  readonly columns: readonly ExtractColumn[];
  readonly condition: string;
  readonly rows: number;
  readonly dialect: ExtractDialect;
}

/** The rows of an extract: what `copy ... to stdout` sends goes to `copy ... from stdin` as it is, unparsed. */
export function extractFeed(extract: ExtractFeed): Feed {
  return {
    method: "copy",
    dialect: { ...extract.dialect },
    load: (fileId, context) => copyExtract(extract, fileId, context),
  };
}

/** @throws AquiferError `row-count` when PostgreSQL did not take exactly the rows that were counted in the same snapshot */
async function copyExtract(extract: ExtractFeed, fileId: string, context: FeedContext): Promise<FeedCounts> {
  const { source, relation, columns, condition, snapshot } = extract;
  const names = ["_file_id", "_row", ...columns.map(({ name }) => name)].map(quoteIdentifier).join(", ");
  const into = `copy ${quoteRelation(storeRelation(source.table))} (${names}) from stdin (encoding 'UTF8')`;
  const outOf = extractCopy(relation, columns, condition, fileId);
  let bytes = 0;
  const counter = new Transform({
    readableHighWaterMark: 1 << 20,
    writableHighWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      bytes += chunk.length;
      context.onBytes(chunk.length);
      done(null, chunk);
    },
  });
  let failed: "source" | "warehouse" | undefined;
  const rows = await context.warehouse.withSession((target) =>
    whenWritable(target, storeRelation(source.table), context.patience, async (transaction) => {
      await context.ledger.enterStream(transaction);
      return inSnapshot(snapshot, async (session) => {
        const reading = session.copyTo(outOf);
        const writing = transaction.copyFrom(into);
        reading.once("error", () => (failed ??= "source"));
        writing.once("error", () => (failed ??= "warehouse"));
        await pipeline(reading, counter, writing, { signal: context.signal });
        return writing.rowCount;
      }).catch((thrown: unknown) => {
        const error = asError(thrown);
        if (error instanceof AquiferError && failed === undefined)
          throw sourceError(error, snapshot, formatRelation(relation));
        if (error.name === "AbortError") throw error;
        const known = toWarehouseError(error, failed === "source" ? outOf : into);
        throw failed === "warehouse" ? known : sourceError(known, snapshot, formatRelation(relation));
      });
    }),
  );
  if (rows !== extract.rows) {
    throw new AquiferError(
      `${formatRelation(relation)}: PostgreSQL took ${rows} rows where ${extract.rows} were counted`,
      { code: "row-count", hint: "Nothing was loaded. Please report this." },
    );
  }
  return { rows, rejected: 0, bytes };
}

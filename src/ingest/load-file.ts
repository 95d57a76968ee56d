import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stat } from "node:fs/promises";
import { AquiferError, asError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral, quoteRelation } from "../base/identifiers.js";
import type { IngestLedger, Reject } from "../history/ingest-ledger.js";
import { toWarehouseError } from "../warehouse/postgres/server-error.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import { copyText, type RecordRange } from "./copy-records.js";
import { copyParquet } from "./copy-parquet.js";
import { displayName } from "./discover-files.js";
import { readText } from "./open-text.js";
import type { InspectedFile } from "./plan-file.js";
import { storedColumns } from "./stored-columns.js";

/** A file smaller than this goes through one connection: a second one would not pay. */
const bytesPerStream = 16 * 1024 * 1024;

const rejectsPerInsert = 500;

interface LoadContext {
  readonly warehouse: Warehouse;
  /** For the rejects: the connections that copy are busy. */
  readonly session: Queryable;
  readonly ledger: IngestLedger;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** `streams` connections take a file, each from one record to another. */
interface StreamPart {
  readonly start: number;
  readonly end: number;
  readonly rowsBefore: number;
  readonly firstLine: number;
}

/** Splits a file at its checkpoints into parts of about the same size. */
function splitFile(file: InspectedFile, streams: number): StreamPart[] {
  const { checkpoints, bytes } = file.inspection;
  const wanted = Math.max(1, Math.min(streams, Math.floor(bytes / bytesPerStream)));
  const starts = [{ offset: file.start.skip, rows: 0, line: 1 }];
  for (let part = 1; part < wanted; part++) {
    const next = checkpoints.find(({ offset }) => offset >= (bytes * part) / wanted);
    if (next && next.offset > (starts.at(-1)?.offset ?? 0) && next.offset < bytes) starts.push(next);
  }
  return starts.map(({ offset, rows, line }, index) => ({
    start: offset,
    end: starts[index + 1]?.offset ?? Infinity,
    rowsBefore: rows,
    firstLine: line,
  }));
}

/**
 * Copies a file's records into the store, where nobody sees them yet.
 *
 * @throws AquiferError `changed-while-reading`, `row-count` when PostgreSQL did not take exactly the records that were counted
 */
export async function loadFile(file: InspectedFile, fileId: string, context: LoadContext): Promise<void> {
  const parts = splitFile(file, Math.min(2, context.warehouse.maxSessions - 1));
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  const counts = await Promise.allSettled(
    parts.map(async (part) => {
      try {
        return await copyPart(file, fileId, part, { ...context, signal });
      } catch (thrown) {
        failure.abort();
        throw thrown;
      }
    }),
  );
  // The abort of the others is a consequence, not the cause.
  const failures = counts.flatMap((each) => (each.status === "rejected" ? [asError(each.reason)] : []));
  const cause = failures.find((error) => error.name !== "AbortError") ?? failures[0];
  if (cause) throw cause;
  const loaded = counts.reduce((sum, each) => sum + (each.status === "fulfilled" ? each.value : 0), 0);
  const now = await stat(file.file.fullPath);
  if (now.size !== file.file.bytesOnDisk || now.mtime.getTime() !== file.file.modifiedAt.getTime()) {
    throw new AquiferError(`${displayName(file.file)} changed while it was read`, {
      code: "changed-while-reading",
      hint: "Wait until it has arrived, then ingest again: nothing was loaded.",
    });
  }
  const { rows, rejected } = file.inspection;
  if (loaded !== rows - rejected) {
    throw new AquiferError(
      `${displayName(file.file)}: PostgreSQL took ${loaded} rows where ${rows - rejected} were counted`,
      { code: "row-count", hint: "Nothing was loaded. Please report this." },
    );
  }
}

async function copyPart(
  file: InspectedFile,
  fileId: string,
  part: StreamPart,
  context: LoadContext,
): Promise<number> {
  const closing = new AbortController();
  const signal = AbortSignal.any([context.signal, closing.signal]);
  const ofPart = { ...context, signal };
  const blocks =
    file.shape.format === "parquet"
      ? parquetBlocks(file, fileId, ofPart)
      : textBlocks(file, fileId, part, ofPart);
  try {
    return await copyBlocks(file, blocks, context);
  } finally {
    // A failed COPY does not wait for its input to end; what feeds it may hold a pipe and a thread.
    closing.abort();
    await blocks.return(undefined);
  }
}

async function* parquetBlocks(
  file: InspectedFile,
  fileId: string,
  context: LoadContext,
): AsyncGenerator<Buffer, void> {
  let told = 0;
  yield* copyParquet(file, fileId, context.signal, (share) => {
    const bytes = Math.floor(share * file.file.bytes);
    context.onBytes(Math.max(0, bytes - told));
    told = Math.max(told, bytes);
  });
}

async function* textBlocks(
  file: InspectedFile,
  fileId: string,
  part: StreamPart,
  context: LoadContext,
): AsyncGenerator<Buffer, void> {
  const { shape, inspection, source } = file;
  const text = readText(file.file, inspection.encoding, part.start, part.end);
  const range: RecordRange = { ...part, text, headerLine: shape.headerLine, lastRow: inspection.rows };
  const stored = storedColumns(source, shape.header);
  const rejects: Reject[] = [];
  const keepRejects = async (atLeast: number): Promise<void> => {
    if (rejects.length < atLeast) return;
    await context.ledger.addRejects(context.session, fileId, rejects.splice(0));
  };
  const onReject = (reject: Reject): void => void rejects.push(reject);
  for await (const block of copyText(range, shape, fileId, stored.convert, onReject)) {
    await keepRejects(rejectsPerInsert);
    context.onBytes(block.length);
    yield block;
  }
  await keepRejects(1);
}

async function copyBlocks(
  { source, shape }: InspectedFile,
  blocks: AsyncIterable<Buffer>,
  context: LoadContext,
): Promise<number> {
  const statement = copyStatement(source.table, storedColumns(source, shape.header).names, shape.delimiter);
  return context.warehouse.withSession(async (session) => {
    const copy = session.copyFrom(statement);
    try {
      await pipeline(Readable.from(blocks, { objectMode: true, highWaterMark: 4 }), copy, {
        signal: context.signal,
      });
    } catch (thrown) {
      const error = asError(thrown);
      if (error instanceof AquiferError || error.name === "AbortError") throw error;
      throw toWarehouseError(error, statement);
    }
    return copy.rowCount;
  });
}

function copyStatement(table: string, columns: readonly string[], delimiter: number): string {
  const names = ["_file_id", "_row", ...columns].map(quoteIdentifier).join(", ");
  return `copy ${quoteRelation(storeRelation(table))} (${names}) from stdin (format csv, delimiter ${quoteLiteral(String.fromCharCode(delimiter))}, encoding 'UTF8')`;
}

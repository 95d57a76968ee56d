import { stat } from "node:fs/promises";
import { AquiferError, asError } from "../base/errors.js";
import type { RelationName } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Reject } from "../history/ingest-records.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { copyText, type CopyFormat, type RecordRange } from "./copy-records.js";
import { copyParquet } from "./copy-parquet.js";
import { copyStream, StreamMemory, streamsOf, verbatimBlocks, type CopyTarget } from "./copy-stream.js";
import { displayName } from "./discover-files.js";
import type { LockPatience } from "./lock-patience.js";
import { readText } from "./open-text.js";
import { hasOwnTables, ownTable } from "./own-tables.js";
import type { Verbatim } from "./inspect-records.js";
import type { InspectedFile } from "./plan-file.js";
import { storedColumns } from "./stored-columns.js";

const rejectsPerInsert = 500;

interface LoadContext {
  readonly warehouse: Warehouse;
  /** For the rejects: the connections that copy are busy. */
  readonly session: Queryable;
  readonly ledger: IngestLedger;
  readonly signal: AbortSignal;
  /** For the lock on the store. */
  readonly patience: LockPatience;
  readonly onBytes: (bytes: number) => void;
}

/** `streams` connections take a file, each from one record to another. */
interface StreamPart {
  readonly start: number;
  readonly end: number;
  readonly rowsBefore: number;
  readonly firstLine: number;
}

/** Splits a large file at its checkpoints into parts of about the same size. */
function splitFile(file: InspectedFile, way: Way, streams: number): StreamPart[] {
  const { checkpoints, bytes } = file.inspection;
  const wanted = way.own ? streams : 1;
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

/** Where a file's rows lie, and what is known of them. */
export interface LoadedRows {
  /** Its own tables; none: the rows are in the source's store. */
  readonly own: readonly RelationName[];
  /** For each stored column what `lengthOf` must sum up to; undefined where the bytes leave no doubt. */
  readonly lengths: readonly number[] | undefined;
  /** Milliseconds that they had taken before the file's turn came. */
  readonly before: number;
}

/** How the rows of a file get their numbers, and whether bytes go as they are. */
interface Way {
  readonly own: boolean;
  /** The server numbers the rows: they follow one another without a gap. */
  readonly numbered: boolean;
  readonly verbatim: Verbatim | undefined;
}

function wayOf({ shape, inspection, source }: InspectedFile): Way {
  const { names, convert } = storedColumns(source, shape.header);
  const own = hasOwnTables(inspection);
  // A line of a single column may be blank or `\\.`, which mean something else to `copy`.
  const numbered = own && shape.format === "delimited" && inspection.rejected === 0 && names.length > 1;
  return {
    own,
    numbered,
    verbatim: numbered && convert === undefined ? inspection.verbatim : undefined,
  };
}

/**
 * Copies a file's records to where nobody sees them yet: into the store, or a large file into tables of its own.
 *
 * @throws AquiferError `changed-while-reading`, `row-count` when PostgreSQL did not take exactly the records that were counted
 */
export async function loadFile(
  file: InspectedFile,
  fileId: string,
  context: LoadContext,
): Promise<LoadedRows> {
  const early = await file.early?.take(fileId, file.inspection, context);
  if (early) {
    await refuseChanged(file);
    return { own: early.tables, lengths: undefined, before: early.milliseconds };
  }
  const way = wayOf(file);
  const parts = splitFile(file, way, streamsOf(context.warehouse));
  const lengths = new Float64Array(storedColumns(file.source, file.shape.header).names.length);
  const ledger = await context.ledger.tag(context.session);
  const own = way.own ? parts.map((_, index) => ownTable({ ledger, fileId }, index)) : [];
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  const counts = await Promise.allSettled(
    parts.map(async (part, index) => {
      try {
        return await copyPart(file, { fileId, way, part, own: own[index], lengths }, { ...context, signal });
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
  await refuseChanged(file);
  const { rows, rejected } = file.inspection;
  if (loaded !== rows - rejected) {
    throw new AquiferError(
      `${displayName(file.file)}: PostgreSQL took ${loaded} rows where ${rows - rejected} were counted`,
      { code: "row-count", hint: "Nothing was loaded. Please report this." },
    );
  }
  return {
    own,
    before: 0,
    lengths: way.verbatim !== undefined || file.shape.format === "parquet" ? undefined : [...lengths],
  };
}

async function refuseChanged({ file }: InspectedFile): Promise<void> {
  const now = await stat(file.fullPath);
  if (now.size === file.bytesOnDisk && now.mtime.getTime() === file.modifiedAt.getTime()) return;
  throw new AquiferError(`${displayName(file)} changed while it was read`, {
    code: "changed-while-reading",
    hint: "Wait until it has arrived, then ingest again: nothing was loaded.",
  });
}

/** What one stream copies. */
interface PartLoad {
  readonly fileId: string;
  readonly way: Way;
  readonly part: StreamPart;
  /** Its table; undefined: the source's store. */
  readonly own: RelationName | undefined;
  /** Of the whole file; each stream adds its own. */
  readonly lengths: Float64Array;
}

async function copyPart(file: InspectedFile, load: PartLoad, context: LoadContext): Promise<number> {
  const closing = new AbortController();
  const signal = AbortSignal.any([context.signal, closing.signal]);
  const ofPart = { ...context, signal };
  const blocks =
    file.shape.format === "parquet"
      ? parquetBlocks(file, load.fileId, ofPart)
      : load.way.verbatim
        ? verbatimBlocks(
            file.file,
            Math.max(load.part.start, load.way.verbatim.from),
            load.part.end,
            new StreamMemory(),
            context.onBytes,
          )
        : textBlocks(file, load, ofPart);
  const target: CopyTarget = {
    ...{ source: file.source, shape: file.shape, fileId: load.fileId, own: load.own },
    numbered: load.way.numbered,
    asText: load.way.verbatim?.asText === true,
  };
  try {
    const parts = [{ firstRow: load.part.rowsBefore + 1, blocks }];
    return await context.warehouse.withSession((session) => copyStream(session, target, parts, context));
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
  { file, shape, inspection, source }: InspectedFile,
  { fileId, way, part, lengths }: PartLoad,
  context: LoadContext,
): AsyncGenerator<Buffer, void> {
  const text = readText(file, inspection.encoding, part.start, part.end);
  const range: RecordRange = { ...part, text, headerLine: shape.headerLine, lastRow: inspection.rows };
  const rejects: Reject[] = [];
  const keepRejects = async (atLeast: number): Promise<void> => {
    if (rejects.length < atLeast) return;
    await context.ledger.addRejects(context.session, fileId, rejects.splice(0));
  };
  const { convert } = storedColumns(source, shape.header);
  const format: CopyFormat = {
    fileId: way.numbered ? undefined : fileId,
    convert,
    lengths,
    onReject: (reject) => void rejects.push(reject),
  };
  for await (const block of copyText(range, shape, format)) {
    await keepRejects(rejectsPerInsert);
    context.onBytes(block.length);
    yield block;
  }
  await keepRejects(1);
}

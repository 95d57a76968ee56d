import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AquiferError, asError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Source } from "../project/source.js";
import { toWarehouseError } from "../warehouse/postgres/server-error.js";
import type { Copying, Session, Warehouse } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import type { RawFile } from "./discover-files.js";
import { whenWritable, type LockPatience } from "./lock-patience.js";
import { fillOwnTable, numberFrom } from "./own-tables.js";
import type { TextShape } from "./recognize-text.js";
import { storedColumns } from "./stored-columns.js";

/** Where records of a file go, and how they are written. */
export interface CopyTarget {
  readonly source: Source;
  readonly shape: TextShape;
  readonly fileId: string;
  /** A table of their own; undefined: the source's store. */
  readonly own: RelationName | undefined;
  /** The server numbers them, in a table of their own; otherwise they have the numbers of their file and their row. */
  readonly numbered: boolean;
  /** In the server's text format instead of CSV. */
  readonly asText: boolean;
}

/** Records that follow one another without a gap. */
export interface CopyPart {
  readonly firstRow: number;
  readonly blocks: AsyncIterable<Buffer>;
}

export interface StreamContext {
  readonly ledger: IngestLedger;
  readonly signal: AbortSignal;
  /** For the lock on the store. */
  readonly patience: LockPatience;
}

/** How many connections a file is copied by: one is the ledger's. */
export function streamsOf({ maxSessions }: Pick<Warehouse, "maxSessions">): number {
  return Math.min(2, maxSessions - 1);
}

/** Copies records to where nobody sees them yet, in a transaction of its own; resolves with the rows that were taken. */
export function copyStream(
  session: Session & Copying,
  target: CopyTarget,
  parts: Iterable<CopyPart> | AsyncIterable<CopyPart>,
  { signal, ledger, patience }: StreamContext,
): Promise<number> {
  const { source, own } = target;
  const statement = copyStatement(target);
  return whenWritable(session, storeRelation(source.table), { ...patience, signal }, async (transaction) => {
    await ledger.enterStream(transaction);
    const copy = async (): Promise<number> => {
      let rows = 0;
      for await (const { firstRow, blocks } of parts) {
        if (own && target.numbered) await numberFrom(transaction, own, firstRow);
        rows += await sendBlocks(transaction, statement, blocks, signal);
      }
      return rows;
    };
    return own ? fillOwnTable(transaction, own, source.table, target, copy) : copy();
  });
}

function copyStatement({ source, shape, own, numbered, asText }: CopyTarget): string {
  const { names } = storedColumns(source, shape.header);
  const numbers = numbered ? [] : ["_file_id", "_row"];
  const columns = [...numbers, ...names].map(quoteIdentifier).join(", ");
  const delimiter = quoteLiteral(String.fromCharCode(shape.delimiter));
  const format = asText ? "text, null ''" : "csv";
  const table = quoteRelation(own ?? storeRelation(source.table));
  return `copy ${table} (${columns}) from stdin (format ${format}, delimiter ${delimiter}, encoding 'UTF8'${own ? ", freeze" : ""})`;
}

async function sendBlocks(
  session: Copying,
  statement: string,
  blocks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<number> {
  const copy = session.copyFrom(statement);
  try {
    await pipeline(Readable.from(blocks, { objectMode: true, highWaterMark: 4 }), copy, { signal });
    return copy.rowCount;
  } catch (thrown) {
    const error = asError(thrown);
    if (error instanceof AquiferError || error.name === "AbortError") throw error;
    throw toWarehouseError(error, statement);
  }
}

/** Bytes of one message to the server, which copies each as a whole: more than its cache holds costs more. */
const messageBytes = 64 * 1024;

const readBytes = 4 * messageBytes;

/**
 * Memory for the bytes of one stream, used round and round: memory that is new each time costs as much as sending it. Bytes
 * stay until almost as many others as it holds were read: what waits to be sent, here, in the stream and in the socket, is less
 * by far.
 */
export class StreamMemory {
  private readonly memory = Buffer.allocUnsafeSlow(8 * readBytes);
  private at = 0;

  /** Room for `readBytes`. */
  room(): Buffer {
    if (this.memory.length - this.at < readBytes) this.at = 0;
    return this.memory.subarray(this.at, this.at + readBytes);
  }

  /** Says how much of the room was used. */
  use(bytes: number): void {
    this.at += bytes;
  }
}

/** The bytes of a file from `start` up to, not including, `end`, as messages to the server. */
export async function* verbatimBlocks(
  { fullPath }: RawFile,
  start: number,
  end: number,
  memory: StreamMemory,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer, void> {
  const file = await open(fullPath);
  try {
    for (let at = start; at < end;) {
      const { buffer, bytesRead } = await file.read(memory.room(), 0, Math.min(readBytes, end - at), at);
      if (bytesRead === 0) return;
      memory.use(bytesRead);
      for (let from = 0; from < bytesRead; from += messageBytes)
        yield buffer.subarray(from, Math.min(from + messageBytes, bytesRead));
      at += bytesRead;
      onBytes(bytesRead);
    }
  } finally {
    await file.close();
  }
}

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
import { readText } from "./open-text.js";
import { fillOwnTable } from "./own-tables.js";
import type { TextShape } from "./recognize-text.js";
import { storedColumns } from "./stored-columns.js";

/** Where records of a file go, and how they are written. */
export interface CopyTarget {
  readonly source: Source;
  readonly shape: TextShape;
  readonly fileId: string;
  /** A table of their own; undefined: the source's store. */
  readonly own: RelationName | undefined;
  /** Number of the first row, where the server numbers them: they follow one another without a gap. */
  readonly firstRow: number | undefined;
  /** In the server's text format instead of CSV. */
  readonly asText: boolean;
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
  { source, shape, fileId, own, firstRow, asText }: CopyTarget,
  blocks: AsyncIterable<Buffer>,
  { signal, ledger, patience }: StreamContext,
): Promise<number> {
  const table = own ?? storeRelation(source.table);
  const { names } = storedColumns(source, shape.header);
  const numbers = firstRow === undefined ? ["_file_id", "_row"] : [];
  const columns = [...numbers, ...names].map(quoteIdentifier).join(", ");
  const delimiter = quoteLiteral(String.fromCharCode(shape.delimiter));
  const format = asText ? "text, null ''" : "csv";
  const statement = `copy ${quoteRelation(table)} (${columns}) from stdin (format ${format}, delimiter ${delimiter}, encoding 'UTF8'${own ? ", freeze" : ""})`;
  const copy = (on: Copying): Promise<number> => sendBlocks(on, statement, blocks, signal);
  return whenWritable(session, storeRelation(source.table), { ...patience, signal }, async (transaction) => {
    await ledger.enterStream(transaction);
    return own
      ? fillOwnTable(transaction, own, source.table, { fileId, firstRow }, () => copy(transaction))
      : copy(transaction);
  });
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

/** The bytes of a UTF-8 file from `start` up to, not including, `end`, as messages to the server. */
export async function* verbatimBlocks(
  file: RawFile,
  start: number,
  end: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer, void> {
  for await (const block of readText(file, "utf-8", start, end)) {
    for (let at = 0; at < block.length; at += messageBytes) yield block.subarray(at, at + messageBytes);
    onBytes(block.length);
  }
}

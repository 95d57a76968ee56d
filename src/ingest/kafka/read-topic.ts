import { createHash, type Hash } from "node:crypto";
import type { LoadedMessage, Reject } from "../../history/ingest-records.js";
import type { KafkaOrigin } from "../../project/kafka-source.js";
import type { Source } from "../../project/source.js";
import { keptRawBytes } from "../inspect-records.js";
import { matchHeader } from "../match-header.js";
import { bytesText } from "./bytes-text.js";
import type { DecodeValue } from "./decode-value.js";
import { hashMessage, messageDigest } from "./message-digest.js";
import type { Message, MessageRange, MessageSource } from "./message-source.js";
import { timestampText } from "./timestamp-text.js";

/** A source that reads a topic. */
export type TopicSource = Source & { readonly kafka: KafkaOrigin };

/** Limits of one batch. */
export interface TopicLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** A message with what its value holds. */
export interface TopicRow {
  /** 1 for the first message of the batch, rejected ones counted. */
  readonly row: number;
  readonly partition: number;
  readonly message: Message;
  /** As `COPY` takes it; null where the message has none. */
  readonly timestamp: string | null;
  /** None in a tombstone. */
  readonly fields: ReadonlyMap<string, string | null>;
}

/** What was read until now. */
export class TopicReading {
  private readonly hash: Hash = createHash("sha256");
  /** Where reading stopped in each partition that had anything to read. */
  readonly ranges: MessageRange[] = [];
  /** By partition, its last message that was read. */
  readonly last = new Map<number, LoadedMessage>();
  rows = 0;
  rejected = 0;
  bytes = 0;
  /** A limit was reached before the end. */
  isCut = false;

  /** Of all messages in the order of reading. */
  digest(): string {
    return this.hash.copy().digest("hex");
  }

  add(partition: number, message: Message): void {
    this.rows++;
    this.bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
    hashMessage(this.hash, partition, message);
  }

  /** @param last of the messages in the range */
  endRange(range: MessageRange, last: Message | undefined): void {
    this.ranges.push(range);
    const { partition } = range;
    if (last) this.last.set(partition, { offset: last.offset, digest: messageDigest(partition, last) });
  }
}

export interface TopicReader {
  readonly broker: MessageSource;
  readonly source: Source;
  readonly ranges: readonly MessageRange[];
  readonly decode: DecodeValue;
  readonly signal: AbortSignal;
  readonly limits?: TopicLimits;
  readonly onBytes: (bytes: number) => void;
  readonly onReject: (reject: Reject) => void;
}

/**
 * Reads the messages of a topic, one partition after the other, and decodes them. What cannot be read is a reject.
 *
 * @param reading is told of everything that was read
 */
export async function* readTopic(
  { broker, source, ranges, decode, signal, limits, onBytes, onReject }: TopicReader,
  reading: TopicReading,
): AsyncGenerator<TopicRow[], void> {
  const lacks = requiredFields(source);
  for (const range of ranges) {
    let next = range.from;
    let last: Message | undefined;
    for await (const block of broker.read(range, signal)) {
      const rows: TopicRow[] = [];
      const before = reading.bytes;
      for (const message of block.messages) {
        if (limits && (reading.rows >= limits.maxRecords || reading.bytes >= limits.maxBytes)) {
          reading.isCut = true;
          break;
        }
        next = message.offset + 1;
        last = message;
        reading.add(range.partition, message);
        const row = decodeMessage(message, decode, lacks);
        if (row.error === undefined) {
          rows.push({ row: reading.rows, partition: range.partition, message, ...row });
          continue;
        }
        reading.rejected++;
        onReject(rejectOf(reading.rows, range, message, row));
      }
      onBytes(reading.bytes - before);
      yield rows;
      if (reading.isCut) break;
      next = block.next;
    }
    if (next > range.from) reading.endRange({ ...range, to: next }, last);
    if (reading.isCut) return;
  }
}

type DecodedMessage =
  | (Pick<TopicRow, "timestamp" | "fields"> & { readonly error?: undefined })
  | { readonly error: string; readonly column?: string };

function decodeMessage(
  { value, timestamp }: Message,
  decode: DecodeValue,
  lacks: (fields: Iterable<string>) => string | undefined,
): DecodedMessage {
  const time = timestamp === undefined ? null : timestampText(timestamp);
  if (time === undefined) return { error: `its time ${String(timestamp)} is none of PostgreSQL's` };
  if (value === null) return { timestamp: time, fields: new Map() };
  const { fields, error } = decode(value);
  if (!fields) return { error };
  const column = lacks(fields.keys());
  return column === undefined
    ? { timestamp: time, fields }
    : { error: "expected the field, found none", column };
}

/** Finds a declared column that is not optional and that a message has no field for. */
function requiredFields(source: Source): (fields: Iterable<string>) => string | undefined {
  const required = source.columns.filter(({ optional }) => !optional).map(({ name }) => name);
  const known = new Map<string, string | undefined>();
  return (fields) => {
    const found = new Set<string>();
    for (const field of fields) {
      if (!known.has(field)) known.set(field, matchHeader(source, [field]).found[0]);
      const column = known.get(field);
      if (column !== undefined) found.add(column);
    }
    return required.find((name) => !found.has(name));
  };
}

function rejectOf(
  row: number,
  { topic, partition }: MessageRange,
  { offset, value }: Message,
  { error, column }: { readonly error: string; readonly column?: string },
): Reject {
  return {
    row,
    line: offset,
    column,
    error: `${topic}, partition ${partition}, offset ${offset}: ${error}`,
    raw: bytesText(value ?? Buffer.alloc(0)).slice(0, keptRawBytes),
  };
}

import { AquiferError } from "../../base/errors.js";
import { crc32c } from "./crc32c.js";
import { decompress } from "./decompress.js";
import type { Message } from "./message-source.js";

/**
 * The unit that producers send and partitions hold.
 *
 * https://kafka.apache.org/documentation/#recordbatch
 */
export interface RecordBatch {
  readonly firstOffset: number;
  /** Where compaction has removed the last message, this is past the last one of its messages. */
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** It tells the end of a transaction, and holds no message. */
  readonly isControl: boolean;
  /** Checked and unpacked when they are asked for: packed, they may be a hundredth of their size. */
  messages(): readonly Message[];
}

/** Bytes before the first record. */
const headBytes = 61;
const timestampOfBroker = 0x08;

/**
 * The batches of a record set. The last one may be cut off by the size that was asked for, and is left out then. To ask a
 * batch for its messages throws AquiferError `bad-message` when it is not what its producer sent, `unknown-compression`.
 *
 * @throws AquiferError `old-message-format`, `bad-message`
 */
export function decodeRecordBatches(set: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let start = 0; set.length - start > headBytes - 1;) {
    const end = start + 12 + set.readInt32BE(start + 8);
    const magic = set.readInt8(start + 16);
    if (magic !== 2) {
      throw new AquiferError(`The messages are in the format ${magic} of Kafka before 0.11`, {
        code: "old-message-format",
        hint: "Let the topic's message.format.version be 0.11 or later and send them anew.",
      });
    }
    if (end < start + headBytes)
      throw broken(Number(set.readBigInt64BE(start)), "it is shorter than its head");
    if (end > set.length) break;
    batches.push(decodeBatch(set.subarray(start, end)));
    start = end;
  }
  return batches;
}

function decodeBatch(batch: Buffer): RecordBatch {
  const firstOffset = Number(batch.readBigInt64BE(0));
  const attributes = batch.readInt16BE(21);
  return {
    firstOffset,
    lastOffset: firstOffset + batch.readInt32BE(23),
    producerId: batch.readBigInt64BE(43),
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    messages: () => unpackMessages(batch, firstOffset, attributes),
  };
}

function unpackMessages(batch: Buffer, firstOffset: number, attributes: number): Message[] {
  if (crc32c(batch.subarray(21)) !== batch.readUInt32BE(17))
    throw broken(firstOffset, "its checksum is wrong");
  const baseTimestamp = Number(batch.readBigInt64BE(27));
  const maxTimestamp = Number(batch.readBigInt64BE(35));
  const count = batch.readInt32BE(57);
  const records = decompress(attributes & 0x07, batch.subarray(headBytes));
  const reader = new RecordReader(records, firstOffset);
  const messages: Message[] = [];
  for (let index = 0; index < count; index++) {
    const message = reader.next(baseTimestamp);
    const timestamp = attributes & timestampOfBroker ? maxTimestamp : message.timestamp;
    messages.push({ ...message, timestamp: timestamp === -1 ? undefined : timestamp });
  }
  return messages;
}

/** Reads the records of a batch one after the other. */
class RecordReader {
  private position = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly firstOffset: number,
  ) {}

  next(baseTimestamp: number): Message & { readonly timestamp: number } {
    const length = this.varint();
    const end = this.position + length;
    this.position += 1; // attributes, unused by the protocol
    const timestamp = baseTimestamp + this.varint();
    const offset = this.firstOffset + this.varint();
    const key = this.field();
    const value = this.field();
    if (this.position > end || end > this.bytes.length) throw broken(this.firstOffset, "a record is cut off");
    this.position = end;
    return { offset, timestamp, key, value };
  }

  private field(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }

  /** Zigzag, seven bits a byte; up to 53 bits, which holds every delta of times and offsets. */
  private varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.position++];
      if (byte === undefined || factor > 2 ** 63) throw broken(this.firstOffset, "a record is cut off");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}

function broken(offset: number, what: string): AquiferError {
  return new AquiferError(`The batch of messages at offset ${offset} is damaged: ${what}`, {
    code: "bad-message",
    hint: "The batch was not loaded. Read again; if it stays so, the broker's log is damaged.",
  });
}

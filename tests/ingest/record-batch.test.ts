import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { AquiferError } from "../../src/base/errors.js";
import { committedMessages } from "../../src/ingest/kafka/committed-messages.js";
import { crc32c } from "../../src/ingest/kafka/crc32c.js";
import { decodeFetchResponse } from "../../src/ingest/kafka/fetch-response.js";
import { decodeRecordBatches, type RecordBatch } from "../../src/ingest/kafka/record-batch.js";
import { timestampText } from "../../src/ingest/kafka/timestamp-text.js";

interface BatchParts {
  readonly first: number;
  readonly last?: number;
  readonly attributes?: number;
  readonly producer?: number;
  /** Each with its offset's distance from the first. */
  readonly records: readonly { delta: number; time?: number; key?: Buffer | null; value?: Buffer | null }[];
  readonly compress?: (records: Buffer) => Buffer;
}

/** A batch as https://kafka.apache.org/documentation/#recordbatch lays it out. */
function batchOf({
  first,
  last,
  attributes = 0,
  producer = -1,
  records,
  compress = (bytes) => bytes,
}: BatchParts): Buffer {
  const encoded = records.map(({ delta, time = 0, key = null, value = null }) => {
    const field = (bytes: Buffer | null): Buffer =>
      Buffer.concat([varint(bytes?.length ?? -1), bytes ?? Buffer.alloc(0)]);
    const header = Buffer.concat([varint(1), field(Buffer.from("h")), field(Buffer.from("v"))]);
    const body = Buffer.concat([
      Buffer.alloc(1),
      varint(time),
      varint(delta),
      field(key),
      field(value),
      header,
    ]);
    return Buffer.concat([varint(body.length), body]);
  });
  const head = Buffer.alloc(40);
  head.writeInt16BE(attributes, 0);
  head.writeInt32BE(last === undefined ? records.length - 1 : last - first, 2);
  head.writeBigInt64BE(1000n, 6);
  head.writeBigInt64BE(5000n, 14);
  head.writeBigInt64BE(BigInt(producer), 22);
  head.writeInt32BE(records.length, 36);
  const checked = Buffer.concat([head, compress(Buffer.concat(encoded))]);
  const start = Buffer.alloc(21);
  start.writeBigInt64BE(BigInt(first), 0);
  start.writeInt32BE(checked.length + 9, 8);
  start.writeInt8(2, 16);
  start.writeUInt32BE(crc32c(checked), 17);
  return Buffer.concat([start, checked]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const transactional = 0x10;
const control = 0x20;
const value = Buffer.from("v");

describe("a batch of messages", () => {
  test("gives offsets, times, keys and values; the last one may be cut off", () => {
    const records = [
      { delta: 0, time: -5, key: Buffer.from("k"), value: null },
      { delta: 3, time: 2 ** 40, value: Buffer.alloc(300, "x") },
    ];
    const whole = batchOf({ first: 2 ** 40, last: 2 ** 40 + 9, records });
    const [batch, ...more] = decodeRecordBatches(Buffer.concat([whole, whole.subarray(0, -1)]));
    expect(more).toEqual([]);
    expect(batch).toMatchObject({ firstOffset: 2 ** 40, lastOffset: 2 ** 40 + 9, isTransactional: false });
    expect(batch?.messages()).toEqual([
      { offset: 2 ** 40, timestamp: 995, key: Buffer.from("k"), value: null },
      { offset: 2 ** 40 + 3, timestamp: 1000 + 2 ** 40, key: null, value: Buffer.alloc(300, "x") },
    ]);
  });

  test("has the broker's time where the topic says so, and none where it is -1", () => {
    const records = [{ delta: 0, time: -1001, value }];
    expect(
      decodeRecordBatches(batchOf({ first: 0, attributes: 0x08, records }))[0]?.messages()[0]?.timestamp,
    ).toBe(5000);
    expect(decodeRecordBatches(batchOf({ first: 0, records }))[0]?.messages()[0]?.timestamp).toBeUndefined();
  });

  test("may be compressed with gzip", () => {
    const packed = batchOf({ first: 0, attributes: 1, records: [{ delta: 0, value }], compress: gzipSync });
    expect(decodeRecordBatches(packed)[0]?.messages()[0]?.value).toEqual(value);
  });

  test.each<[string, (batch: Buffer) => Buffer, string]>([
    ["damaged", (batch) => (batch.writeUInt8(0x77, batch.length - 1), batch), "bad-message"],
    ["of an older format", (batch) => (batch.writeInt8(1, 16), batch), "old-message-format"],
  ])("that is %s is an error", (_, change, code) => {
    const batch = change(batchOf({ first: 0, records: [{ delta: 0, value }] }));
    expect(() => decodeRecordBatches(batch).map((each) => each.messages())).toThrow(
      expect.objectContaining({ code }) as AquiferError,
    );
  });

  test("whose records say more than they hold is an error", () => {
    const batch = batchOf({
      first: 0,
      records: [{ delta: 0, value }],
      compress: (records) => records.subarray(0, -3),
    });
    expect(() => decodeRecordBatches(batch).map((each) => each.messages())).toThrow(
      "damaged: a record is cut off",
    );
  });

  test("has the checksum of RFC 3720", () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });
});

describe("what is committed", () => {
  const marker = (first: number, producer: number, type: "abort" | "commit"): Buffer =>
    batchOf({
      ...{ first, producer, attributes: transactional | control },
      records: [{ delta: 0, key: Buffer.from([0, 0, 0, type === "abort" ? 0 : 1]), value }],
    });
  const data = (first: number, count: number, producer: number, attributes = transactional): Buffer =>
    batchOf({
      first,
      producer,
      attributes,
      records: Array.from({ length: count }, (_, delta) => ({ delta, value })),
    });
  const decoded = (...batches: Buffer[]): RecordBatch[] => decodeRecordBatches(Buffer.concat(batches));
  const offsets = (
    batches: RecordBatch[],
    aborted: [producer: number, first: number][],
    range = { from: 0, to: 100 },
  ): { offsets: number[]; next: number } => {
    const transactions = aborted.map(([producer, firstOffset]) => ({
      producerId: BigInt(producer),
      firstOffset,
    }));
    const blocks = [...committedMessages(batches, transactions, range)];
    return {
      offsets: blocks.flatMap(({ messages }) => messages.map(({ offset }) => offset)),
      next: blocks.at(-1)?.next ?? range.from,
    };
  };

  test("is neither a control record nor in an aborted transaction, and reading goes on behind both", () => {
    const batches = decoded(
      ...[
        data(0, 2, 7),
        data(2, 1, 8),
        data(3, 1, -1, 0),
        marker(4, 7, "abort"),
        data(5, 1, 7),
        marker(6, 8, "commit"),
      ],
      ...[marker(7, 7, "commit")],
    );
    expect(offsets(batches, [[7, 0]])).toEqual({ offsets: [2, 3, 5], next: 8 });
  });

  test("a producer may abort again after a commit, and what it sends outside of transactions counts", () => {
    const batches = decoded(
      data(0, 1, 7),
      marker(1, 7, "commit"),
      data(2, 1, 7),
      data(3, 1, 7, 0),
      marker(4, 7, "abort"),
    );
    expect(offsets(batches, [[7, 2]])).toEqual({ offsets: [0, 3], next: 5 });
  });

  test("nothing of an answer that holds aborted messages only, and still it goes on", () => {
    expect(offsets(decoded(data(0, 3, 7), marker(3, 7, "abort")), [[7, 0]])).toEqual({
      offsets: [],
      next: 4,
    });
  });

  test("is unpacked one batch at a time", () => {
    const packed = batchOf({ first: 1, attributes: 1, records: [{ delta: 0, value }] });
    const blocks = committedMessages(decoded(data(0, 1, -1, 0), packed), [], { from: 0, to: 9 });
    expect(blocks.next().value).toMatchObject({ messages: [{ offset: 0 }], next: 1 });
    expect(() => blocks.next()).toThrow("cannot be unpacked with gzip");
  });

  test("lies within the range, though batches come whole, and past what compaction removed", () => {
    const batches = decoded(
      data(0, 5, -1, 0),
      batchOf({ first: 5, last: 9, records: [{ delta: 0, value }] }),
    );
    expect(offsets(batches, [], { from: 3, to: 100 })).toEqual({ offsets: [3, 4, 5], next: 10 });
    expect(offsets(batches, [], { from: 3, to: 4 })).toEqual({ offsets: [3], next: 4 });
    expect(offsets([], [], { from: 3, to: 4 })).toEqual({ offsets: [], next: 3 });
  });
});

describe("a broker's answer", () => {
  test.each([4, 5, 7, 10, 11])("is read in version %i", (version) => {
    const records = batchOf({ first: 0, records: [{ delta: 0, value }] });
    const parts = [int32(9)];
    if (version >= 7) parts.push(int16(0), int32(0));
    parts.push(int32(1), int16(1), Buffer.from("t"), int32(1), int32(3), int16(0), int64(8), int64(7));
    if (version >= 5) parts.push(int64(0));
    parts.push(int32(2), int64(5), int64(4), int64(6), int64(1));
    if (version >= 11) parts.push(int32(-1));
    parts.push(int32(records.length), records);
    const answer = decodeFetchResponse(Buffer.concat(parts), version);
    expect(answer).toMatchObject({
      errorCode: 0,
      isThrottled: true,
      aborted: [
        { producerId: 6n, firstOffset: 1 },
        { producerId: 5n, firstOffset: 4 },
      ],
    });
    expect(answer.records.equals(records)).toBe(true);
  });
});

const int16 = (number: number): Buffer => Buffer.from([number >> 8, number & 0xff]);
const int32 = (number: number): Buffer => bufferOf(4, (each) => each.writeInt32BE(number));
const int64 = (number: number): Buffer => bufferOf(8, (each) => each.writeBigInt64BE(BigInt(number)));

function bufferOf(size: number, write: (buffer: Buffer) => unknown): Buffer {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
}

test.each<[number, string | undefined]>([
  [0, "1970-01-01T00:00:00.000Z"],
  [253_402_300_800_000, "10000-01-01T00:00:00.000Z"],
  [-62_135_596_800_001, undefined],
  [9e15, undefined],
])("the time %i is %s", (milliseconds, text) => {
  expect(timestampText(milliseconds)).toBe(text);
});

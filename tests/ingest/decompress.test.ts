import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decompress } from "../../src/ingest/kafka/decompress.js";
import { openCluster } from "../../src/ingest/kafka/open-cluster.js";
import { unpackLz4 } from "../../src/ingest/kafka/unpack-lz4.js";
import { unpackSnappy } from "../../src/ingest/kafka/unpack-snappy.js";
import { kafkaBroker } from "../support/kafka.js";

const mega = 1024 * 1024;
const hasZstd = "zstdDecompressSync" in (await import("node:zlib"));

/** Text that repeats near and far, and text that never does. */
const values = Array.from({ length: 400 }, (_, index) => {
  const noise = createHash("sha512").update(String(index)).digest("base64");
  return `{"id": ${index}, "near": "${"ab".repeat(index % 90)}", "noise": "${noise.repeat(1 + (index % 3))}"}`;
});

for (const codec of ["none", "gzip", "snappy", "lz4", ...(hasZstd ? ["zstd"] : [])]) {
  test(`messages of librdkafka's producer arrive as they were sent with ${codec}`, async (context) => {
    const broker = await kafkaBroker(context);
    broker.send("packed", 0, values, "-z", codec);
    const cluster = await openCluster("stream", {
      brokers: [broker.address],
      tls: undefined,
      sasl: undefined,
    });
    const [{ end } = { end: 0 }] = await cluster.partitions("packed");
    const range = { topic: "packed", partition: 0, from: 0, to: end };
    const got: string[] = [];
    for await (const { messages } of cluster.read(range, new AbortController().signal))
      got.push(...messages.map(({ value }) => String(value)));
    await cluster.close();
    expect(got).toEqual(values);
  });
}

describe("Snappy", () => {
  const block = Buffer.from([8, 0x0c, 97, 98, 99, 100, 0x01, 4]);

  test("is literals and copies, which may overlap themselves", () => {
    expect(unpackSnappy(block, mega).toString()).toBe("abcdabcd");
    expect(unpackSnappy(Buffer.from([9, 0, 97, 0x1e, 1, 0]), mega).toString()).toBe("aaaaaaaaa");
    const long = Buffer.concat([Buffer.from([200, 1, 0xf0, 199]), Buffer.alloc(200, "x")]);
    expect(unpackSnappy(long, mega).toString()).toBe("x".repeat(200));
  });

  test("of Java is blocks behind a head", () => {
    const head = Buffer.from([0x82, ...Buffer.from("SNAPPY"), 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const framed = Buffer.concat([Buffer.from([0, 0, 0, block.length]), block]);
    expect(unpackSnappy(Buffer.concat([head, framed, framed]), mega).toString()).toBe("abcdabcdabcdabcd");
  });
});

test("LZ4 has blocks that are stored as they are, checksums, and a size", () => {
  const head = [0x04, 0x22, 0x4d, 0x18, 0x78, 0x40, ...Array<number>(8).fill(0), 0];
  const stored = [3, 0, 0, 0x80, 97, 98, 99, 1, 2, 3, 4];
  const packed = [6, 0, 0, 0, 0x14, 100, 4, 0, 0x10, 101, 1, 2, 3, 4];
  const frame = Buffer.from([...head, ...stored, ...packed, 0, 0, 0, 0]);
  expect(unpackLz4(frame, mega).toString()).toBe("abcdabcdabcde");
});

test.each<[string, number, Buffer, string]>([
  ["unpacks to more than is allowed", 1, gzipSync(Buffer.alloc(257 * mega)), "larger than"],
  ["copies what is not there", 2, Buffer.from([4, 0x01, 9]), "a copy of bytes before the start"],
  ["is cut off", 2, Buffer.from([4, 0x0c, 97]), "a literal is cut off"],
  ["is no frame", 3, Buffer.alloc(20), "no frame of LZ4"],
  ["ends early", 3, Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0]), "out of range"],
])("a batch that %s is an error that says so", (_, codec, packed, words) => {
  expect(() => decompress(codec, packed)).toThrow(words);
});

test("a codec that is not known is an error that says what is", () => {
  expect(() => decompress(7, Buffer.alloc(1))).toThrow("compressed with codec 7");
});

import avro from "avsc";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeError, type AquiferError } from "../../src/base/errors.js";
import { avroDecoder } from "../../src/ingest/kafka/decode-avro.js";
import type { DecodeValue } from "../../src/ingest/kafka/decode-value.js";
import type { AvroOrigin } from "../../src/project/kafka-source.js";

type Fields = readonly { readonly name: string; readonly type: unknown }[];

/** Reads values of a record with these fields, and writes them by avsc's own encoder. */
async function recordOf(fields: Fields, framing: AvroOrigin["framing"] = "none") {
  const schema = { type: "record", name: "r", fields } as Parameters<typeof avro.Type.forSchema>[0];
  const decode = await decoderOf({ "r.avsc": schema }, [{ id: undefined, file: "r.avsc" }], framing);
  const type = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)) as typeof schema, {
    wrapUnions: "always",
  });
  return { decode, encode: (value: unknown) => type.toBuffer(value) };
}

async function decoderOf(
  files: Readonly<Record<string, unknown>>,
  schemas: AvroOrigin["schemas"],
  framing: AvroOrigin["framing"],
): Promise<DecodeValue> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-avro-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return avroDecoder({ schemas, framing }, root, "shop/click");
}

const framed = (id: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, data]);
};

describe("the values of a record", () => {
  test.each<[unknown, unknown, string | null]>([
    ["string", 'tab\t"é" 😀', 'tab\t"é" 😀'],
    ["int", -7, "-7"],
    ["boolean", false, "false"],
    ["double", 0.1 + 0.2, "0.30000000000000004"],
    ["double", -Infinity, "-Infinity"],
    ["double", NaN, "NaN"],
    ["float", Math.fround(0.1), "0.1"],
    ["float", Math.fround(16777217.5), "16777218"],
    ["bytes", Buffer.from([0, 255]), "\\x00ff"],
    [{ type: "fixed", name: "f", size: 2 }, Buffer.from([1, 2]), "\\x0102"],
    [{ type: "enum", name: "e", symbols: ["A", "B"] }, "B", "B"],
    [["null", "string"], null, null],
    [["null", "string"], { string: "" }, ""],
    [["int", "string"], { int: 5 }, "5"],
    [
      { type: "array", items: ["null", "double"] },
      [{ double: 1.5 }, null, { double: Infinity }],
      '[1.5,null,"Infinity"]',
    ],
    [{ type: "map", values: "bytes" }, { 'a"b': Buffer.from([1]) }, '{"a\\"b":"\\\\x01"}'],
    [
      {
        type: "record",
        name: "n",
        fields: [
          { name: "x", type: "string" },
          { name: "y", type: "boolean" },
        ],
      },
      { x: "1", y: true },
      '{"x":"1","y":true}',
    ],
    [{ type: "int", logicalType: "date" }, 20_454, "2026-01-01"],
    [{ type: "int", logicalType: "date" }, -1, "1969-12-31"],
    [{ type: "int", logicalType: "time-millis" }, 86_399_050, "23:59:59.05"],
    [{ type: "long", logicalType: "timestamp-millis" }, 1_769_902_200_500, "2026-01-31 23:30:00.5+00"],
    [{ type: "long", logicalType: "timestamp-micros" }, -1, "1969-12-31 23:59:59.999999+00"],
    [{ type: "long", logicalType: "local-timestamp-millis" }, 0, "1970-01-01 00:00:00"],
    [{ type: "bytes", logicalType: "decimal", precision: 5, scale: 2 }, Buffer.from([0xff]), "-0.01"],
    [{ type: "bytes", logicalType: "decimal", precision: 5, scale: 0 }, Buffer.from([1, 0]), "256"],
    [{ type: "bytes", logicalType: "decimal", precision: 5, scale: 2 }, Buffer.from([0x30, 0x39]), "123.45"],
    [["null", { type: "int", logicalType: "date" }], { int: 0 }, "1970-01-01"],
    [{ type: "string", logicalType: "uuid" }, "u", "u"],
  ])("%j: %j is %j", async (type, value, text) => {
    const { decode, encode } = await recordOf([{ name: "a", type }]);
    expect(decode(encode({ a: value }))).toEqual({ fields: new Map([["a", text]]) });
  });

  test("of 64 bits keep every digit", async () => {
    const { decode } = await recordOf([
      { name: "a", type: "long" },
      { name: "b", type: ["null", { type: "long" }] },
    ]);
    const [largest, smallest] = [
      Buffer.from("feffffffffffffffff01", "hex"),
      Buffer.from("ffffffffffffffffff01", "hex"),
    ];
    expect(decode(Buffer.concat([largest, Buffer.from([2]), smallest])).fields).toEqual(
      new Map([
        ["a", "9223372036854775807"],
        ["b", "-9223372036854775808"],
      ]),
    );
  });
});

describe("values with the number of their schema", () => {
  const [one, two] = ["int", "string"].map((type) => ({
    type: "record",
    name: "r",
    fields: [{ name: "a", type }],
  }));

  test("are read by the schema of that number, and refused where the source has none", async () => {
    const schemas = [
      { id: 1, file: "1.avsc" },
      { id: 258, file: "2.avsc" },
    ];
    const decode = await decoderOf({ "1.avsc": one, "2.avsc": two }, schemas, "registry");
    expect(decode(framed(1, Buffer.from([84]))).fields?.get("a")).toBe("42");
    expect(decode(framed(258, Buffer.from([2, 65]))).fields?.get("a")).toBe("A");
    expect(decode(framed(3, Buffer.from([84]))).error).toBe("the source has no schema 3");
  });

  test("may lie beside JSON objects", async () => {
    const { decode } = await recordOf([{ name: "a", type: "int" }], "registry");
    expect(decode(Buffer.from('{"a": 1.0}')).fields?.get("a")).toBe("1.0");
    expect(decode(framed(9, Buffer.from([84]))).fields?.get("a")).toBe("42");
  });

  test.each([
    ["no frame", Buffer.from([1, 0, 0, 0, 1, 84]), /expected a zero byte/],
    ["nothing", Buffer.alloc(0), /expected a zero byte/],
    ["data that is cut off", framed(1, Buffer.from([0x80])), /expected Avro of schema 1: truncated buffer/],
    ["data after the record", framed(1, Buffer.from([84, 84])), /expected Avro of schema 1: trailing data/],
  ])("%s is an error", async (_, value, words) => {
    const { decode } = await recordOf([{ name: "a", type: "int" }], "registry");
    expect(decode(value).error).toMatch(words);
  });

  test("a text that is no UTF-8 is an error, and one that holds U+FFFD is none", async () => {
    const { decode, encode } = await recordOf([{ name: "a", type: "string" }]);
    expect(decode(Buffer.from([2, 0xff])).error).toContain("no UTF-8");
    expect(decode(encode({ a: "\ufffd" })).fields?.get("a")).toBe("\ufffd");
  });
});

test.each([
  ["is not there", {}, /ENOENT/],
  ["is no JSON", { "r.avsc": "{" }, /JSON/],
  ["is no schema", { "r.avsc": { type: "recrd" } }, /recrd/],
  ["is not one of a record", { "r.avsc": '"int"' }, /it is a schema of int, not of a record/],
])("a schema that %s is an error that names the file and the source", async (_, files, words) => {
  const error = await decoderOf(files, [{ id: undefined, file: "r.avsc" }], "registry").catch(
    (thrown: unknown) => thrown as AquiferError,
  );
  expect(error).toMatchObject({ code: "bad-avro-schema" });
  expect(describeError(error as AquiferError)).toMatch(words);
  expect(describeError(error as AquiferError)).toMatch(/^r.avsc: [^]*Source shop\/click/);
});

import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { brokenRow, isRepeated, valueChecks } from "../../src/ingest/check-values.js";
import type { RawFile } from "../../src/ingest/discover-files.js";
import { inspectAside } from "../../src/ingest/inspect-aside.js";
import { RecordInspection } from "../../src/ingest/inspect-records.js";
import type { TextShape } from "../../src/ingest/recognize-text.js";
import { nothingProven, ValueProof } from "../../src/ingest/value-proof.js";
import { defineSource } from "../../src/project/source.js";
import type { ColumnOptions } from "../../src/project/source-column.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";
import { ingestProject } from "./support.js";

/** What a proof says of these values of one column, as lines of a file with a second column. */
function prove(options: ColumnOptions, values: readonly string[]): { rules: boolean; unique: boolean } {
  const { columns, key } = defineSource({ name: "shop/x", files: "*", columns: { a: options } });
  const proof = new ValueProof(columns, ["a", "other"], key);
  for (const value of values) {
    const record = Buffer.from(`--${value},x--`);
    const length = record.length - 6;
    proof.addRow(record, 2, record.length - 2, Int32Array.of(length === 0 ? -1 : length, 1));
  }
  return { rules: proof.proven.rules.has("a"), unique: proof.proven.unique.has("a") };
}

const numbers = fc.array(fc.constantFrom("0", "1", "9", "99999999", "-", ".", "+", "e5", " ", "_", ""), {
  maxLength: 5,
});
const dates = fc.tuple(
  fc.constantFrom("0000", "0001", "1900", "2026", "9999", "26"),
  fc.constantFrom("-", "-", "/"),
  fc.constantFrom("00", "01", "02", "04", "12", "13", "1"),
  fc.constantFrom("-", "-", " "),
  fc.constantFrom("00", "01", "28", "29", "30", "31", "32", "1 ", "1:"),
);
const time = fc.tuple(
  fc.constantFrom("00", "23", "24", "1"),
  fc.constantFrom(":", "."),
  fc.constantFrom("00", "59", "60"),
  fc.constantFrom(":"),
  fc.constantFrom("00", "59", "60", "61"),
);
const times = fc.tuple(
  fc.constantFrom(" ", "T", "t", ""),
  fc.oneof(
    fc.constantFrom("00:00:00", "23:59:59"),
    time.map((each) => each.join("")),
  ),
  fc.constantFrom("", "Z", "z", ".5", "+07"),
);
const words = fc.constantFrom(
  "true",
  "false",
  "t",
  "T",
  "f",
  "yes",
  "no",
  "on",
  "off",
  "of",
  "1",
  "0",
  "2",
  "é",
  "",
);
const parts: fc.Arbitrary<readonly string[]> = fc.oneof(
  numbers,
  dates,
  fc.tuple(fc.oneof(fc.constant(["2026-01-28"]), dates), times).map(([date, at]) => [...date, ...at]),
  words.map((word) => [word]),
);
const value = parts.map((each) => each.join(""));

const checks: Readonly<Record<string, ColumnOptions>> = {
  integer: { type: "integer" },
  bigint: { type: "bigint" },
  numeric: { type: "numeric" },
  boolean: { type: "boolean" },
  date: { type: "date" },
  timestamp: { type: "timestamp", required: true },
  required: { required: true },
  domain: { domain: ["é", "true", "1"] },
};

test("what is proven of a value holds on the server as well, for any text and check", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const { serverVersion } = database.warehouse;
  const proven = new Set<string>();
  for (const [name, options] of Object.entries(checks)) {
    const source = defineSource({ name: "shop/x", files: "*", columns: { a: options } });
    const broken = brokenRow(valueChecks(source, ["a"], serverVersion, nothingProven));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 200, maxLength: 500 }), async (values) => {
        const sure = values.filter((each) => prove(options, [each]).rules);
        if (sure.length > 0) proven.add(name);
        const { rows } = await database.warehouse.query<{ a: string }>(
          `select a from unnest($1::text[]) as given (a) where coalesce(${broken}, false)`,
          [sure],
        );
        expect(rows).toEqual([]);
      }),
      { numRuns: 20 },
    );
  }
  expect([...proven]).toEqual(Object.keys(checks));
});

test("usual values are proven, so that the server is not asked", () => {
  expect(prove({ type: "integer", required: true }, ["1", "-20", "0"])).toMatchObject({ rules: true });
  expect(prove({ type: "numeric" }, ["1.25", "", "0"])).toMatchObject({ rules: true });
  expect(prove({ type: "date" }, ["2026-01-31", "2024-02-28"])).toMatchObject({ rules: true });
  expect(prove({ type: "timestamp" }, ["2026-01-31 23:59:59", "2026-01-31T00:00:00Z"])).toMatchObject({
    rules: true,
  });
  expect(prove({ unique: true }, ["a1", "a10", "a2", "b"])).toMatchObject({ unique: true });
  expect(prove({ unique: true }, ["1", "2", "10"])).toMatchObject({ unique: true });
  expect(prove({ unique: true }, ["c", "a", "", "b", ""])).toMatchObject({ unique: true });
  expect(prove({ unique: true }, ["c", "a", "b", "a"])).toMatchObject({ unique: false });
});

test("values in order stand once, whatever they are", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const short = fc.array(fc.string({ unit: fc.constantFrom("0", "1", "a", "é", "😀"), maxLength: 3 }), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        short,
        short.map((values) => [...values].sort()),
      ),
      async (values) => {
        if (!prove({ unique: true }, values).unique) return;
        const { rows } = await database.warehouse.query<{ repeated: boolean }>(
          `select ${isRepeated(["a"])} as repeated from unnest($1::text[]) as given (a)`,
          [values.map((each) => (each === "" ? null : each))],
        );
        expect(rows).toEqual([{ repeated: false }]);
      },
    ),
    { numRuns: 300 },
  );
});

test("a value is judged as it is stored, not as bytes that meant something else", async () => {
  const source = defineSource({
    name: "shop/x",
    files: "*.csv",
    columns: { id: {}, note: { domain: ["é"] } },
    maxRejected: 3,
  });
  // The byte makes it Windows-1252, so that the first note is not é.
  const text = Buffer.concat([Buffer.from("id,note\n1,é\n"), Buffer.of(0xfc), Buffer.from(",\n")]);
  const project = await ingestProject([source], { "raw/shop/x.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows: 1, rejected: 1, encoding: "windows-1252" }]);
  expect(await project.rows("select id, note from bronze.shop_x")).toEqual([["ü", null]]);
});

test("one value that is not sure has the server judge its column: what it accepts is loaded, what it does not is a reject", async () => {
  const source = defineSource({
    name: "shop/x",
    files: "*.csv",
    columns: { id: { unique: true }, day: { type: "date" }, amount: { type: "numeric", required: true } },
    maxRejected: 10,
  });
  const lines = [
    "1,2026-01-01,1",
    "3,2024-02-29,1e3",
    "2,2025-02-29,1",
    '4,"2026-01-02",x',
    "5,, ",
    "2,2026-01-03,NaN",
  ];
  const project = await ingestProject([source], { "raw/shop/x.csv": `id,day,amount\n${lines.join("\n")}\n` });
  await project.ingest();
  expect(await project.rows("select id, day, amount from bronze.shop_x order by _row")).toEqual([
    ["1", "2026-01-01", "1"],
    ["3", "2024-02-29", "1e3"],
  ]);
  expect(await project.rows("select row_number, column_name from aquifer.ingest_reject order by 1")).toEqual([
    ["3", "day"],
    ["4", "amount"],
    ["5", "amount"],
    ["6", "id"],
  ]);
});

const large = defineSource({
  name: "shop/x",
  files: "*.csv",
  columns: { id: { unique: true, required: true }, day: { type: "date" }, note: {} },
  maxRejected: 3,
});

/** 36 MB of records that are all right. */
const rightRows = 550_000;
const rightLines = Array.from(
  { length: rightRows },
  (_, row) => `${String(row).padStart(12, "0")},2026-01-02,${"x".repeat(40)}`,
);
const rightText = Buffer.from(`\ufeffid,day,note\n${rightLines.join("\n")}\n`);

function largeText(last: readonly string[]): Buffer {
  return Buffer.concat([rightText, Buffer.from(last.map((line) => `${line}\n`).join(""))]);
}

const shape: TextShape = {
  format: "delimited",
  delimiter: 44,
  crOnly: false,
  headerLine: 1,
  header: { columns: ["id", "day", "note"], cells: [], found: [], missing: [], added: [] },
};

function largeFile(text: Buffer): RawFile {
  const fullPath = join(temporaryProject({}), "x.csv");
  writeFileSync(fullPath, text);
  return { fullPath, bytes: text.length, packing: undefined } as RawFile;
}

test.each<[what: string, last: readonly string[], rules: readonly string[], unique: readonly string[]]>([
  ["nothing wrong", [], ["id", "day"], ["id"]],
  ["a day that is none", ["1000000000000,2026-02-30,x"], ["id"], ["id"]],
  ["an id that stands twice", ["000000000007,2026-01-01,x"], ["id", "day"], []],
  ["an id that is missing", [",2026-01-01,x"], ["day"], ["id"]],
  ["a row of other fields, which is a reject", ["x"], ["id", "day"], ["id"]],
  ["a quoted field, whose bytes are not its text", ['1000000000000,"2026-01-01",x'], [], []],
  ["a NUL, which is not stored", ["1000000000000,2026-01-0\x001,x"], ["id", "day"], ["id"]],
])(
  "a large file is looked at in a thread of its own, which finds what we would: %s",
  async (_, last, rules, unique) => {
    const text = largeText(last);
    const running = inspectAside(largeFile(text), shape, { encoding: "utf-8", skip: 3 }, large);
    onTestFinished(async () => {
      await running?.stop();
    });
    const found = await running?.answer(() => undefined);
    expect([[...(found?.proven.rules ?? [])], [...(found?.proven.unique ?? [])]]).toEqual([rules, unique]);
    const here = new RecordInspection(shape, large, 3);
    for (let at = 3; at < text.length; at += 1 << 20) here.push(text.subarray(at, at + (1 << 20)));
    expect(found).toEqual(here.end());
  },
);

test("a record that is too long is told by the thread as it is without one", async () => {
  const text = Buffer.concat([rightText, Buffer.alloc(17 * 1024 * 1024, "x")]);
  const running = inspectAside(largeFile(text), shape, { encoding: "utf-8", skip: 3 }, large);
  onTestFinished(async () => {
    await running?.stop();
  });
  await expect(running?.answer(() => undefined)).rejects.toMatchObject({
    code: "record-too-long",
    message: "line 550002 is longer than 16 MiB",
  });
});

test("a thread that cannot read the file says nothing, so that it is read without it", async () => {
  const file = { ...largeFile(rightText), fullPath: "/does/not/exist.csv" };
  const running = inspectAside(file, shape, { encoding: "utf-8", skip: 3 }, large);
  expect(await running?.answer(() => undefined)).toBeUndefined();
  await running?.stop();
});

test("of a large file exactly the rows are rejected that break a check", async () => {
  const text = largeText(["1000000000000,2026-02-30,x", "1000000000001,2026-02-28,x", ",2026-02-28,x"]);
  const project = await ingestProject([large], { "raw/shop/x.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows: 550_001, rejected: 2 }]);
  expect(await project.rows("select row_number, column_name from aquifer.ingest_reject order by 1")).toEqual([
    ["550001", "day"],
    ["550003", "id"],
  ]);
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([["550001"]]);
});

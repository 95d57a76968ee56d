import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { brokenRow, isRepeated, valueChecks } from "../../src/ingest/check-values.js";
import { nothingProven, ValueProof } from "../../src/ingest/value-proof.js";
import { defineSource } from "../../src/project/source.js";
import type { ColumnOptions } from "../../src/project/source-column.js";
import { freshDatabase } from "../support/database.js";
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

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RawFile } from "../../src/ingest/discover-files.js";
import { inspectAside } from "../../src/ingest/inspect-aside.js";
import { RecordInspection } from "../../src/ingest/inspect-records.js";
import type { TextShape } from "../../src/ingest/recognize-text.js";
import { defineSource } from "../../src/project/source.js";
import { temporaryProject } from "../support/temporary-project.js";
import { ingestProject } from "./support.js";

vi.mock("../../src/ingest/large-file.js", () => ({ largeFile: { bytes: 3 * 1024 * 1024, rows: 500_000 } }));

const large = defineSource({
  name: "shop/x",
  files: "*.csv",
  columns: { id: { unique: true, required: true }, day: { type: "date" }, note: {} },
  maxRejected: 3,
});

/** Some megabytes of records that are all right. */
const rightRows = 50_000;
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
    const running = inspectAside(largeFile(text), shape, 3, large);
    onTestFinished(async () => {
      await running.stop();
    });
    const found = await running.answer(() => undefined);
    expect([[...(found?.proven.rules ?? [])], [...(found?.proven.unique ?? [])]]).toEqual([rules, unique]);
    const here = new RecordInspection(shape, large, 3);
    for (let at = 3; at < text.length; at += 1 << 20) here.push(text.subarray(at, at + (1 << 20)));
    expect(found).toEqual(here.end());
  },
);

test("a record that is too long is told by the thread as it is without one", async () => {
  const text = Buffer.concat([rightText, Buffer.alloc(17 * 1024 * 1024, "x")]);
  const running = inspectAside(largeFile(text), shape, 3, large);
  onTestFinished(async () => {
    await running.stop();
  });
  await expect(running.answer(() => undefined)).rejects.toMatchObject({
    code: "record-too-long",
    message: "line 50002 is longer than 16 MiB",
  });
});

test("a thread that cannot read the file says nothing, so that it is read without it", async () => {
  const file = { ...largeFile(rightText), fullPath: "/does/not/exist.csv" };
  const running = inspectAside(file, shape, 3, large);
  expect(await running.answer(() => undefined)).toBeUndefined();
  await running.stop();
});

test("of a large file exactly the rows are rejected that break a check", async () => {
  const text = largeText(["1000000000000,2026-02-30,x", "1000000000001,2026-02-28,x", ",2026-02-28,x"]);
  const project = await ingestProject([large], { "raw/shop/x.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows: 50_001, rejected: 2 }]);
  expect(await project.rows("select row_number, column_name from aquifer.ingest_reject order by 1")).toEqual([
    ["50001", "day"],
    ["50003", "id"],
  ]);
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([["50001"]]);
});

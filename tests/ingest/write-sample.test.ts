import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { read, utils } from "@e965/xlsx";
import { AquiferError } from "../../src/base/errors.js";
import { writeSample } from "../../src/ingest/write-sample.js";
import type { SampleItem } from "../../src/project/sample.js";

async function folder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-sample-"));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

async function written(
  root: string,
  item: SampleItem,
  signal = new AbortController().signal,
): Promise<Buffer> {
  await writeSample({ root, system: "shop", item, signal, onBytes: () => undefined });
  return readFile(join(root, "raw/shop", item.path));
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("a query becomes a Parquet file, the same bytes each time, also over many row groups", async () => {
  const root = await folder();
  const item = {
    path: "a/x.parquet",
    query: "select i as id, hash(i) % 100 as value from range(400000) as t(i)",
  };
  const [first, second] = [await written(root, item), await written(root, item)];
  expect(first.subarray(0, 4).toString()).toBe("PAR1");
  expect(digest(second)).toBe(digest(first));
  expect(await readdir(join(root, "raw/shop/a"))).toEqual(["x.parquet"]);
});

test("sheets become a workbook, the same bytes each time, dates in UTC", async () => {
  const root = await folder();
  const rows = [
    ["Title"],
    [],
    ["id", "at", "done"],
    ["x1", new Date(Date.UTC(2026, 0, 31, 23, 30)), true],
    [null, 2.5],
  ];
  const item = { path: "x.xlsx", sheets: [{ name: "2026", rows }] };
  const [first, second] = [await written(root, item), await written(root, item)];
  expect(digest(second)).toBe(digest(first));
  const sheet = read(first).Sheets["2026"];
  expect(utils.sheet_to_json(sheet ?? {}, { header: 1, raw: false })).toEqual([
    ["Title"],
    [],
    ["id", "at", "done"],
    ["x1", "2026-01-31 23:30", "TRUE"],
    [undefined, "2.5"],
  ]);
});

test("a path out of the folder, a wrong query and an interruption leave nothing", async () => {
  const root = await folder();
  const failure = async (item: SampleItem, signal?: AbortSignal): Promise<unknown> =>
    written(root, item, signal).then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(await failure({ path: "../x.csv", content: [""] })).toMatchObject({ code: "bad-sample" });
  const wrong = await failure({ path: "x.parquet", query: "select nothing" });
  expect(wrong).toBeInstanceOf(AquiferError);
  expect(String(wrong)).toContain("x.parquet");
  const content = function* (): Generator<string> {
    yield "a,b\n";
    throw new Error("stopped");
  };
  expect(await failure({ path: "x.csv", content: content() })).toMatchObject({ message: "stopped" });
  expect(await failure({ path: "x.parquet", query: "select 1" }, AbortSignal.abort())).toBeDefined();
  expect(await readdir(join(root, "raw/shop"))).toEqual([]);
});

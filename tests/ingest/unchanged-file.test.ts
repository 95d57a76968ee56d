import { utimes } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject, type IngestProject } from "./support.js";

const columns = { id: {}, note: {} };
const period = { grain: "month", fromName: /(?<year>\d{4})(?<month>\d\d)/ } as const;
const source = defineSource({ name: "shop/x", files: "*.csv", columns, period });
const text = "id,note\n1,a\n2,b\n";

/** A loaded project whose ledger tells of the files what none of them says, so that it shows who was asked. */
async function loadedProject(): Promise<IngestProject> {
  const project = await ingestProject([source], {
    "raw/shop/x_202601.csv": text,
    "raw/shop/x_202602.csv.gz": gzipSync("id,note\n3,c\n"),
  });
  await project.ingest();
  await project.database.warehouse.query("update aquifer.ingest_file set rows_read = rows_read + 70");
  return project;
}

test("an unchanged file is hashed and not parsed again, packed or not, whenever it was touched", async () => {
  const project = await loadedProject();
  await utimes(join(project.root, "raw/shop/x_202601.csv"), 1e9, 1e9);
  const skipped = { action: "skip", reason: "unchanged", rejected: 0, method: "bytes", encoding: "utf-8" };
  const expected = [
    { ...skipped, file: "raw/shop/x_202601.csv", rows: 72, period: "2026-01-01" },
    { ...skipped, file: "raw/shop/x_202602.csv.gz", rows: 71, period: "2026-02-01" },
  ];
  expect((await project.ingest({ dryRun: true })).files).toMatchObject(expected);
  expect((await project.ingest()).files).toMatchObject(expected);
});

test("other content of the same size and time is loaded", async () => {
  const project = await loadedProject();
  const path = join(project.root, "raw/shop/x_202601.csv");
  await utimes(path, 1e9, 1e9);
  await project.ingest();
  await project.write("raw/shop/x_202601.csv", text.replace("a", "z"));
  await utimes(path, 1e9, 1e9);
  expect((await project.ingest()).files).toMatchObject([{ action: "skip" }, { action: "load", rows: 2 }]);
  expect(await project.rows("select note from bronze.shop_x order by id")).toEqual([["z"], ["b"], ["c"]]);
});

test("when a declaration has changed, the period is given or force is, everything is read again", async () => {
  const project = await loadedProject();
  const changed = defineSource({
    name: "shop/x",
    files: "*.csv",
    columns: { id: { header: "No" }, note: {} },
    period,
  });
  const read = [{ rows: 2 }, { rows: 1 }];
  expect((await project.ingest({ sources: [changed], selected: [changed] })).files).toMatchObject(read);
  expect((await project.ingest({ period: "2026-01-01" })).files).toMatchObject(read);
  expect((await project.ingest({ version: "next" })).files).toMatchObject(read);
  expect((await project.ingest()).files).toMatchObject([{ rows: 72 }, { rows: 71 }]);
  expect((await project.ingest({ force: true })).files).toMatchObject(read);
});

test("content that comes back after its correction is read for the ledger", async () => {
  const project = await loadedProject();
  await project.write("raw/shop/x_202601.csv", "id,note\n1,corrected\n");
  await project.ingest();
  await project.write("raw/shop/x_202601.csv", text);
  expect((await project.ingest()).files).toMatchObject([{ action: "skip" }, { action: "restore", rows: 2 }]);
  expect(
    await project.rows(
      "select header::text, rows_read, declaration is not null from aquifer.ingest_file order by file_id desc limit 1",
    ),
  ).toEqual([['["id", "note"]', "2", true]]);
  expect(await project.rows("select note from bronze.shop_x order by id")).toEqual([["a"], ["b"], ["c"]]);
});

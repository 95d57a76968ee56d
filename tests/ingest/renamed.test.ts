import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject } from "./support.js";

const columns = { id: {}, note: {} };
const before = defineSource({ name: "shop/x", table: "shop_x", files: "*.csv", columns });
const after = defineSource({ name: "shop/bobs", table: "shop_x", files: "*.csv", columns });

test("a source that has another name and the same table keeps what was loaded, and takes what is new", async () => {
  const project = await ingestProject([before], {
    "raw/shop/a.csv": "id,note\n1,a\n",
    "raw/shop/b.csv": "id,note\n2,b\n",
  });
  await project.ingest();
  await project.write("raw/shop/a.csv", "id,note\n1,corrected\n");
  await project.write("raw/shop/c.csv", "id,note\n3,c\n");
  const { files } = await project.ingest({ sources: [after], selected: [after] });
  expect(files.map(({ file, action }) => [file, action])).toEqual([
    ["raw/shop/b.csv", "skip"],
    ["raw/shop/a.csv", "load"],
    ["raw/shop/c.csv", "load"],
  ]);
  expect(await project.rows("select id, note from bronze.shop_x order by id")).toEqual([
    ["1", "corrected"],
    ["2", "b"],
    ["3", "c"],
  ]);
});

test("a view is left alone while nothing about its source changes", async () => {
  const project = await ingestProject([after], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  const version = "select xmin from pg_rewrite where ev_class = 'bronze.shop_x'::regclass";
  const first = await project.rows(version);
  await project.write("raw/shop/b.csv", "id,note\n2,b\n");
  await project.ingest();
  expect(await project.rows(version)).toEqual(first);
});

test("another history schema is refused: its ledger would take rows for those of other files", async () => {
  const project = await ingestProject([before], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.write("raw/shop/a.csv", "id,note\n2,b\n");
  await expect(project.ingest({ historySchema: "other" })).rejects.toMatchObject({
    code: "other-ledger",
    details: ['their ledger is in schema "aquifer"'],
  });
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["1"]]);
  expect(await project.rows("select count(*) from bronze_store.shop_x")).toEqual([["1"]]);

  await project.database.warehouse.query("drop schema other cascade; alter schema aquifer rename to other");
  await project.ingest({ historySchema: "other" });
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["2"]]);
});

test("a ledger that was dropped and begins anew does not take up what the store holds", async () => {
  const project = await ingestProject([before], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.database.warehouse.query("drop schema aquifer cascade");
  await project.write("raw/shop/a.csv", "id,note\n2,b\n");
  await expect(project.ingest()).rejects.toMatchObject({ code: "other-ledger", details: [] });
  await project.database.warehouse.query("drop schema if exists bronze, bronze_store cascade");
  await project.ingest();
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["2"]]);
});

import { expect, test } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { defineSource } from "../../src/project/source.js";
import { ingestProject } from "./support.js";

test("a seed becomes a table of the types that its header names, empty cells as NULL", async () => {
  const project = await ingestProject([], {
    "seeds/price_group.csv":
      "id:integer key,low:numeric,from:date,active:boolean,note\n1,10.50,2026-01-31,true,\n2,,,,x\n",
  });
  await project.ingest();
  expect(
    await project.rows('select id, low, "from", active, note from bronze.price_group order by id'),
  ).toEqual([
    [1, "10.50", "2026-01-31", true, null],
    [2, null, null, null, "x"],
  ]);
});

test("a changed seed replaces the last version, which stays in the store", async () => {
  const project = await ingestProject([], { "seeds/g.csv": "id:integer key\n1\n2\n" });
  await project.ingest();
  await project.write("seeds/g.csv", "id:integer key\n3\n");
  await project.ingest();
  expect(await project.rows("select id from bronze.g")).toEqual([[3]]);
  expect(await project.rows("select count(*) from bronze_store.g")).toEqual([["3"]]);
});

test("the rules of a seed hold however many rows it has", async () => {
  const header = "id:integer key,label:text required\n";
  const rows = (first: string): string =>
    `${header}${first}\n${Array.from({ length: 520_000 }, (_, index) => `${index + 2},n`).join("\n")}\n`;
  const project = await ingestProject([], { "seeds/area.csv": rows("1,") });
  await expect(project.ingest()).rejects.toMatchObject({
    code: "bad-seed",
    details: ["row 1: label is empty"],
  });
  await project.write("seeds/area.csv", rows("520001,n"));
  await expect(project.ingest()).rejects.toMatchObject({
    code: "bad-seed",
    details: ["rows 1 and 520001 share the key 520001"],
  });
  await project.write("seeds/area.csv", rows("1,n"));
  await project.ingest();
  expect(await project.rows("select count(*), count(distinct id) as ids from bronze.area")).toEqual([
    ["520001", "520001"],
  ]);
});

test("a seed that would fill a source's table is refused", async () => {
  const orders = defineSource({ name: "shop/orders", files: "*.csv", columns: { id: {} } });
  const project = await ingestProject([orders], { "seeds/shop_orders.csv": "id\n1\n" });
  await expect(project.ingest()).rejects.toThrow("would fill bronze.shop_orders, the table of shop/orders");
});

test.each([
  [
    "a value of another type",
    "id:integer key,n:numeric\n1,2\n2,three\n",
    'invalid input syntax for type numeric: "three"',
  ],
  ["a key twice", "id:integer key,n\n1,a\n1,b\n", "rows 1 and 2 share the key 1"],
  ["an empty key", "id:integer key,n\n,a\n", "row 1: id is empty"],
  ["an empty required cell", "id:integer key,n:text required\n1,\n", "row 1: n is empty"],
  ["an unknown type", "id:integr key\n1\n", 'Did you mean "integer"?'],
  ["an unknown flag", "id:integer primary\n1\n", 'unknown flag "primary"'],
  ["a name in capitals", "ID:integer\n1\n", "lower snake case"],
])("%s is an error and the last version stays", async (_what, content, words) => {
  const project = await ingestProject([], { "seeds/g.csv": "id:integer key,n:text\n7,ok\n" });
  await project.ingest();
  await project.write("seeds/other.csv", content);
  const thrown: unknown = await project.ingest().catch((error: unknown) => error);
  if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
  expect(describeError(thrown)).toContain(words);
  expect(await project.rows("select id, n from bronze.g")).toEqual([[7, "ok"]]);
  expect(await project.rows("select count(*) from aquifer.ingest_batch where status = 'loaded'")).toEqual([
    ["1"],
  ]);
});

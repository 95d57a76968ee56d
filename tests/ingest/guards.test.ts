import { appendFileSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject } from "./support.js";

const orders = defineSource({ name: "shop/orders", files: "**/*.csv", columns: { id: {}, note: {} } });

test("a link that leads out of the raw folder is refused", async () => {
  const project = await ingestProject([orders], {
    "secret.csv": "id,note\n1,a\n",
    "elsewhere/x.csv": "id,note\n",
  });
  await mkdir(join(project.root, "raw/shop"), { recursive: true });
  await symlink(join(project.root, "secret.csv"), join(project.root, "raw/shop/a.csv"));
  await expect(project.ingest()).rejects.toThrow("raw/shop/a.csv is a link that leads out of raw/shop/");
});

test("a linked folder that leads out of the raw folder is refused", async () => {
  const project = await ingestProject([orders], { "elsewhere/x.csv": "id,note\n1,a\n" });
  await mkdir(join(project.root, "raw/shop"), { recursive: true });
  await symlink(join(project.root, "elsewhere"), join(project.root, "raw/shop/folder"));
  await expect(project.ingest()).rejects.toThrow("raw/shop/folder/x.csv is a link");
});

test("a link within the raw folder is followed", async () => {
  const project = await ingestProject([orders], { "raw/shop/.kept/x.txt": "id,note\n1,a\n" });
  await symlink(join(project.root, "raw/shop/.kept/x.txt"), join(project.root, "raw/shop/a.csv"));
  await project.ingest();
  expect(await project.rows("select id from bronze.shop_orders")).toEqual([["1"]]);
});

test("a file that grows while it is read is not loaded", async () => {
  const project = await ingestProject([orders], { "raw/shop/a.csv": "id,note\n1,a\n" });
  let grown = false;
  const growing = project.ingest({
    onEvent: (event) => {
      if (event.kind !== "progress" || event.phase !== "loading" || grown) return;
      grown = true;
      appendFileSync(join(project.root, "raw/shop/a.csv"), "2,b\n");
    },
  });
  await expect(growing).rejects.toThrow("raw/shop/a.csv changed while it was read");
  expect(await project.rows("select id from bronze.shop_orders")).toEqual([]);
  await project.ingest();
  expect(await project.rows("select id from bronze.shop_orders order by 1")).toEqual([["1"], ["2"]]);
});

test("a row that PostgreSQL does not take fails the batch", async () => {
  const project = await ingestProject([orders], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.database.warehouse.query(`
    create function drop_row() returns trigger language plpgsql as 'begin return null; end';
    create trigger eats before insert on bronze_store.shop_orders
      for each row when (new.id = '3') execute function drop_row()`);
  await writeFile(join(project.root, "raw/shop/b.csv"), "id,note\n2,b\n3,c\n");
  await expect(project.ingest()).rejects.toThrow("PostgreSQL took 1 rows where 2 were counted");
  expect(await project.rows("select id from bronze.shop_orders")).toEqual([["1"]]);
  expect(await project.rows("select id from bronze_store.shop_orders")).toEqual([["1"]]);
});

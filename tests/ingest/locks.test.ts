import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { AquiferError } from "../../src/base/errors.js";
import { IngestLedger } from "../../src/history/ingest-ledger.js";
import { defineSource } from "../../src/project/source.js";
import { ingestProject, type IngestProject } from "./support.js";

const source = defineSource({ name: "shop/x", files: "*.csv", columns: { id: {}, note: {} } });
const wider = defineSource({ name: "shop/x", files: "*.csv", columns: { id: {}, note: { optional: true } } });

async function loadedProject(columns = "id,note\n1,a\n"): Promise<IngestProject> {
  const project = await ingestProject([source], { "raw/shop/x.csv": columns });
  await project.ingest();
  return project;
}

/** Holds a lock on the store until `release` is called. */
async function holdLock(project: IngestProject, mode: string): Promise<() => Promise<void>> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let locked = (): void => undefined;
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const holding = project.database.warehouse.withSession((session) =>
    session.transaction(async (transaction) => {
      await transaction.query("set local application_name = 'the holder'");
      await transaction.query(`lock table bronze_store.shop_x in ${mode} mode`);
      locked();
      await released;
    }),
  );
  await isLocked;
  return async () => {
    release();
    await holding;
  };
}

test("a new column waits for a reader, letting others read meanwhile, and is there when the reader ends", async () => {
  const project = await loadedProject();
  const release = await holdLock(project, "access share");
  await project.write("raw/shop/y.csv", "id,note,extra\n2,b,c\n");
  const waiting: string[][] = [];
  const ingesting = project.ingest({
    onEvent: (event) => event.kind === "waiting" && waiting.push([...event.holders]),
  });
  while (waiting.length === 0) await sleep(20);
  expect(waiting[0]?.join()).toContain("the holder");
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["1"]]);
  await release();
  await ingesting;
  expect(await project.rows("select id, extra from bronze.shop_x order by id")).toEqual([
    ["1", null],
    ["2", "c"],
  ]);
});

test("a vacuum that keeps statistics from being taken is named, and what was loaded is there", async () => {
  const project = await loadedProject();
  const release = await holdLock(project, "share update exclusive");
  await project.write("raw/shop/y.csv", "id,note\n2,b\n");
  const told: string[] = [];
  await project.ingest({
    lockPatience: 100,
    onEvent: (event) => event.kind === "unanalyzed" && told.push(event.table, ...event.details),
  });
  expect(told[0]).toBe("bronze_store.shop_x");
  expect(told.join()).toContain("the holder");
  expect(await project.rows("select id from bronze.shop_x order by id")).toEqual([["1"], ["2"]]);
  await release();
});

test("statistics that the server cannot take are told, and what was loaded is there", async () => {
  const project = await loadedProject();
  await project.rows("create statistics on (1 / (id::integer - 2)), note from bronze_store.shop_x");
  await project.write("raw/shop/y.csv", "id,note\n2,b\n");
  const told: string[] = [];
  await project.ingest({
    onEvent: (event) => event.kind === "unanalyzed" && told.push(event.table, ...event.details),
  });
  expect(told.join(": ")).toBe("bronze_store.shop_x: postgres error: division by zero");
  expect(await project.rows("select id from bronze.shop_x order by id")).toEqual([["1"], ["2"]]);
});

test("a reader that does not end is named, and nothing is changed", async () => {
  const project = await loadedProject();
  const release = await holdLock(project, "access share");
  await project.write("raw/shop/y.csv", "id,note,extra\n2,b,c\n");
  const thrown: unknown = await project.ingest({ lockPatience: 100 }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AquiferError);
  expect(thrown).toMatchObject({ code: "relation-busy" });
  expect((thrown as AquiferError).details.join()).toContain("the holder");
  await release();
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["1"]]);
  await project.ingest({ sources: [wider], selected: [wider] });
  expect(await project.rows("select id, extra from bronze.shop_x order by id")).toHaveLength(2);
});

test("a large file is not published past a lock that does not end, and leaves no table", async () => {
  const project = await loadedProject();
  const rows = Array.from({ length: 520_000 }, (_, row) => `${row},n`);
  await project.write("raw/shop/big.csv", `id,note\n${rows.join("\n")}\n`);
  const release = await holdLock(project, "share update exclusive");
  await expect(project.ingest({ lockPatience: 100 })).rejects.toMatchObject({ code: "relation-busy" });
  await release();
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["1"]]);
  expect(await project.rows("select relname from pg_class where relname like '\\_file\\_%'")).toEqual([]);
});

/** As many rows as make a file large, all with this note. */
function largeFile(note: string): string {
  return `id,note\n${Array.from({ length: 520_000 }, (_, row) => `${row},${note}`).join("\n")}\n`;
}

/** A statement that has been planned and not yet begun, until `release` is called. */
async function holdPlanned(
  project: IngestProject,
  sql: string,
): Promise<{ release: () => Promise<void>; rows: Promise<readonly unknown[]> }> {
  const { warehouse } = project.database;
  await warehouse.query(`create function gate() returns bigint language plpgsql stable as $$
    begin perform pg_advisory_xact_lock_shared(7); return -1; end $$`);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let locked = (): void => undefined;
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const holding = warehouse.withSession((session) =>
    session.transaction(async (transaction) => {
      await transaction.query("select pg_advisory_xact_lock(7)");
      locked();
      await released;
    }),
  );
  await isLocked;
  const rows = warehouse.withSession(async (session) => {
    await session.query("set application_name = 'the reader'");
    return (await session.query(sql)).rows;
  });
  const waits = "select 1 from pg_locks where locktype = 'advisory' and objid = 7 and not granted";
  while ((await project.rows(waits)).length === 0) await sleep(20);
  return {
    release: async (): Promise<void> => {
      release();
      await holding;
    },
    rows,
  };
}

const planned = "select note, count(*) from bronze.shop_x where _row > gate() group by 1";
const read = "select note, count(*) from bronze.shop_x group by 1";

test("a reader that planned before a large file took another's place sees the one or the other", async () => {
  const project = await ingestProject([source], { "raw/shop/x.csv": largeFile("old") });
  await project.ingest();
  const reader = await holdPlanned(project, planned);
  await project.write("raw/shop/x.csv", largeFile("new"));
  const waiting: string[][] = [];
  const ingesting = project.ingest({
    onEvent: (event) => event.kind === "waiting" && waiting.push([...event.holders]),
  });
  let isDone = false;
  void ingesting.then(() => (isDone = true));
  while (waiting.length === 0 && !isDone) await sleep(20);
  const meanwhile = await project.rows(read);
  await reader.release();
  expect(await reader.rows).toEqual([{ note: "old", count: "520000" }]);
  expect(meanwhile).toEqual([["old", "520000"]]);
  expect(waiting.join()).toContain("the reader");
  await ingesting;
  expect(await project.rows(read)).toEqual([["new", "520000"]]);
});

test("a large file is not published past a reader that does not end, and leaves no table", async () => {
  const project = await loadedProject();
  const reader = await holdPlanned(project, planned);
  await project.write("raw/shop/x.csv", largeFile("new"));
  const thrown: unknown = await project.ingest({ lockPatience: 100 }).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "relation-busy" });
  expect((thrown as AquiferError).details.join()).toContain("the reader");
  await reader.release();
  expect(await reader.rows).toEqual([{ note: "a", count: "1" }]);
  expect(await project.rows("select relname from pg_class where relname like '\\_file\\_%'")).toEqual([]);
  await project.ingest();
  expect(await project.rows(read)).toEqual([["new", "520000"]]);
});

test("a store that may not be written is waited for, and who keeps it is named", async () => {
  const project = await loadedProject();
  const release = await holdLock(project, "share");
  await project.write("raw/shop/y.csv", "id,note\n2,b\n");
  const thrown: unknown = await project.ingest({ lockPatience: 100 }).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "relation-busy" });
  expect((thrown as AquiferError).details.join()).toContain("the holder");
  const waiting: string[][] = [];
  const ingesting = project.ingest({
    onEvent: (event) => event.kind === "waiting" && waiting.push([...event.holders]),
  });
  while (waiting.length === 0) await sleep(20);
  await release();
  await ingesting;
  expect(await project.rows("select id from bronze.shop_x order by id")).toEqual([["1"], ["2"]]);
});

test("rows of a dead load that the server commits late are removed all the same", async () => {
  const project = await loadedProject();
  const ledger = new IngestLedger("aquifer");
  const { warehouse } = project.database;
  await warehouse.query(`
    insert into aquifer.ingest_batch (name, aquifer_version) values ('batch_010126_1', 'test');
    insert into aquifer.ingest_file (file_id, batch_id, source, bronze_table, file_name, slot, content_hash, content_file_id,
      bytes, modified_at, encoding, dialect, classification, header, columns_added, columns_missing, rows_read, rows_loaded,
      rows_rejected, rows_repaired, nul_bytes, method)
    overriding system value
    select 1000, max(batch_id), 'shop/x', 'shop_x', 'z.csv', 'name z.csv', '', 1000, 0, now(), 'utf-8', '{}', '', '[]', '{}', '{}',
      0, 0, 0, 0, 0, 'bytes' from aquifer.ingest_batch`);
  let ingesting: Promise<unknown> = Promise.resolve();
  await warehouse.withSession((session) =>
    session.transaction(async (transaction) => {
      await ledger.enterStream(transaction);
      const table = `bronze_store._file_${await ledger.tag(transaction)}_1000_0`;
      await transaction.query(`create table ${table} (like bronze_store.shop_x)`);
      await transaction.query("insert into bronze_store.shop_x (_file_id, _row) values (1000, 1)");
      ingesting = project.ingest();
      await sleep(300);
    }),
  );
  await ingesting;
  expect(await project.rows("select relname from pg_class where relname like '\\_file\\_%'")).toEqual([]);
  expect(await project.rows("select count(*) from bronze_store.shop_x")).toEqual([["1"]]);
  expect(await project.rows("select status from aquifer.ingest_file where file_id = 1000")).toEqual([
    ["failed"],
  ]);
});

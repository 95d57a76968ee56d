import { expect, test, vi } from "vitest";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { AquiferError } from "../../src/base/errors.js";
import { freshDatabase } from "../support/database.js";
import { describeOnServers } from "../support/servers.js";
import { ingestProject } from "./support.js";

// So that files of some pieces are large ones.
vi.mock("../../src/ingest/large-file.js", () => ({ largeFile: { bytes: 32 * 1024 * 1024, rows: 200_000 } }));

/** Enough rows for two streams, each into a table of its own. */
const rows = 210_000;

function sourceWith(options: Partial<SourceOptions> = {}): ReturnType<typeof defineSource> {
  return defineSource({ name: "shop/x", files: "*", columns: { id: {}, note: {} }, ...options });
}

function content(noteOf: (row: number) => string, endOf: (row: number) => string = () => "\n"): string {
  const lines = Array.from(
    { length: rows },
    (_, index) => `${index + 1},${noteOf(index + 1)}${endOf(index + 1)}`,
  );
  return `id,note\n${lines.join("")}`;
}

const childrenOfStore = `
  select count(*), bool_and(not attidentity = 'd' and not atthasdef)
  from pg_inherits join pg_attribute on attrelid = inhrelid and attname in ('_file_id', '_row')
  where inhparent = 'bronze_store.shop_x'::regclass`;

describeOnServers("a file of many rows", (major) => {
  test("goes as its own bytes over two streams, numbered by the server", async () => {
    const database = await freshDatabase({ major });
    const project = await ingestProject(
      [sourceWith()],
      { "raw/shop/x.csv": content((row) => `n${row}`) },
      database,
    );
    try {
      const { files } = await project.ingest();
      expect(files).toMatchObject([{ rows, rejected: 0, method: "bytes" }]);
      expect(
        await project.rows(
          "select count(*), count(distinct _row) as numbers, bool_and(id = _row::text and note = 'n' || id), count(distinct _file_id) as files from bronze.shop_x",
        ),
      ).toEqual([[String(rows), String(rows), true, "1"]]);
      expect(await project.rows(childrenOfStore)).toEqual([["4", true]]);
      expect(await project.rows("select count(*) from only bronze_store.shop_x")).toEqual([["0"]]);
      // Each has statistics of all its columns, and so has the store of all of them together.
      expect(
        await project.rows(
          "select count(*), count(*) filter (where inherited) as together from pg_stats where schemaname = 'bronze_store' and tablename ~ 'file|shop'",
        ),
      ).toEqual([["12", "4"]]);

      await project.write("raw/shop/x.csv", "id,note\n7,small\n");
      await project.ingest();
      expect(await project.rows("select id, note from bronze.shop_x")).toEqual([["7", "small"]]);
      await project.write(
        "raw/shop/x.csv",
        content((row) => `n${row}`),
      );
      expect((await project.ingest()).files).toMatchObject([{ action: "restore" }]);
      expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([[String(rows)]]);
    } finally {
      await database.drop();
    }
  });
});

test("readers are planned by the rows that are current, not by guesses", async () => {
  const file = (version: string): string => content((row) => `${version} ${row}`);
  const project = await ingestProject([sourceWith()], {
    "raw/shop/x.csv": file("a"),
    "raw/shop/y.csv": file("b"),
  });
  await project.ingest();
  await project.write("raw/shop/x.csv", file("c"));
  await project.ingest();
  const [[plan] = []] = await project.rows("explain (format json) select * from bronze.shop_x");
  const { "Plan Rows": expected } = (plan as [{ Plan: { "Plan Rows": number } }])[0].Plan;
  expect(expected / (2 * rows)).toBeGreaterThan(0.5);
  expect(expected / (2 * rows)).toBeLessThan(2);
});

test("with stray quotes, mixed line ends and quoted fields every value arrives as it is", async () => {
  const notes = [
    (row: number) => `5" pipe ${row}`,
    (row: number) => `"a ""b"", ${row}"`,
    (row: number) => `plain ${row}`,
    () => "",
    () => '""',
  ];
  const text = content(
    (row) => notes[row % 5]?.(row) ?? "",
    (row) => (row % 3 === 0 ? "\r\n" : "\n"),
  );
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows, method: "repaired", repaired: rows / 5 }]);
  expect(
    await project.rows(`
      select count(*), count(distinct _row) as numbers, bool_and(id = _row::text) as in_place, bool_and(case _row % 5
        when 0 then note = '5" pipe ' || id when 1 then note = 'a "b", ' || id when 2 then note = 'plain ' || id
        when 3 then note is null else note = '' end) as whole
      from bronze.shop_x`),
  ).toEqual([[String(rows), String(rows), true, true]]);
});

test("a value that stands once in each stream is found, though nothing else is wrong, and keeps its line", async () => {
  const source = sourceWith({ columns: { id: { type: "integer" }, note: { unique: true } }, maxRejected: 3 });
  const text = content((row) => (row === rows ? "n1" : `n${row}`));
  const project = await ingestProject([source], { "raw/shop/x.csv": text });
  expect((await project.ingest()).files).toMatchObject([{ rows: rows - 1, rejected: 1 }]);
  expect(
    await project.rows("select row_number, line, column_name, error, raw from aquifer.ingest_reject"),
  ).toEqual([[String(rows), String(rows + 1), "note", '"n1" stands on row 1 already', `${rows},n1`]]);
  expect(await project.rows("select count(*), max(_row) from bronze.shop_x")).toEqual([
    [String(rows - 1), String(rows - 1)],
  ]);
});

test("more bad values than allowed are refused before they are fetched, and leave no table", async () => {
  const source = sourceWith({ columns: { id: { type: "integer" }, note: {} }, maxRejected: "10%" });
  const text = content((row) => `n${row}`).replaceAll(/\n(\d+)/g, "\nx$1");
  const project = await ingestProject([source], { "raw/shop/x.csv": text });
  const thrown: unknown = await project.ingest().catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AquiferError);
  expect((thrown as AquiferError).message).toBe(
    `raw/shop/x.csv: ${rows.toLocaleString("en")} rows of ${rows} cannot be loaded; shop/x allows 10%`,
  );
  expect((thrown as AquiferError).details).toHaveLength(6);
  expect(await project.rows("select relname from pg_class where relname like '\\_file\\_%'")).toEqual([]);
});

test("after a byte order mark NULs are removed and counted, and the values stay whole", async () => {
  const text = content((row) => (row === 1 ? "a\0b" : `n${row}`));
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": `\uFEFF${text}` });
  expect((await project.ingest()).files).toMatchObject([{ rows, rejected: 0 }]);
  expect(
    await project.rows("select count(*), bool_and(id = _row::text and note like '_%') from bronze.shop_x"),
  ).toEqual([[String(rows), true]]);
  expect(await project.rows("select note from bronze.shop_x where _row in (1, 2) order by _row")).toEqual([
    ["ab"],
    ["n2"],
  ]);
  expect(await project.rows("select nul_bytes from aquifer.ingest_file")).toEqual([["1"]]);
});

test("a column of another type is refused with statements that make room for it", async () => {
  const lines = Array.from({ length: rows }, (_, index) => `${index + 1}`).join("\n");
  const project = await ingestProject([], { "seeds/area.csv": `id:text\n${lines}\n` });
  await project.ingest();
  await project.write("seeds/area.csv", `id:integer\n${lines}\n`);
  const thrown: unknown = await project.ingest().catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "changed-type" });
  const statements = /drop table .*;/.exec((thrown as AquiferError).hint ?? "")?.[0] ?? "";
  await project.database.warehouse.query(statements);
  await project.ingest();
  expect(await project.rows("select count(*), pg_typeof(max(id))::text as type from bronze.area")).toEqual([
    [String(rows), "integer"],
  ]);
});

test("a refused file of another ledger removes no table but its own", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": content((row) => `n${row}`) });
  await project.ingest();
  // A store from before stores knew their ledger is claimed by whoever comes first.
  await project.database.warehouse.query("drop table bronze_store._ledger");
  const strict = defineSource({ name: "zoo/y", files: "*", columns: { id: { type: "integer" }, note: {} } });
  const other = await ingestProject([strict], { "raw/zoo/y.csv": "id,note\nx,y\n" }, project.database);
  await expect(other.ingest({ historySchema: "other" })).rejects.toMatchObject({ code: "too-many-rejects" });
  expect(await other.rows("select file_id, status from other.ingest_file")).toEqual([["1", "failed"]]);
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([[String(rows)]]);
});

test("a value that the server holds otherwise than it was sent fails the batch", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.database.warehouse.query(`
    create function cut() returns trigger language plpgsql as 'begin new.note := left(new.note, 1); return new; end';
    create trigger cuts before insert on bronze_store.shop_x for each row execute function cut()`);
  await project.write("raw/shop/y.csv", 'id,note\n2,"bc"\n');
  await expect(project.ingest()).rejects.toThrow(
    "raw/shop/y.csv: PostgreSQL holds other texts in note than were sent (2 bytes and values, sent 3)",
  );
  expect(await project.rows("select id from bronze_store.shop_x")).toEqual([["1"]]);
});

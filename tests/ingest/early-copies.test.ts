import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { EarlyCopies, EarlyCopy } from "../../src/ingest/early-copies.js";
import { FollowedText } from "../../src/ingest/followed-text.js";
import { openWarehouse } from "../../src/warehouse/connect.js";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { ingestProject, type IngestProject } from "./support.js";

// So that files of some pieces are large ones.
vi.mock("../../src/ingest/large-file.js", () => ({ largeFile: { bytes: 3 * 1024 * 1024, rows: 500_000 } }));

/** Of more than 3 MiB together. */
const rows = 45_000;
const note = "x".repeat(70);
const lines = linesOf(rows);

function linesOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `${index + 1},${note}\n`).join("");
}

/** What is large to a command as well, and takes its time. */
const manyRows = 10 * rows;
const muchText = `id,note\n${linesOf(manyRows)}`;

function text(last = ""): string {
  return `id,note\n${lines}${last}`;
}

function sourceWith(options: Partial<SourceOptions> = {}): ReturnType<typeof defineSource> {
  return defineSource({
    ...{ name: "shop/x", files: "*.csv", columns: { id: {}, note: {} }, maxRejected: 1 },
    ...options,
  });
}

/** Tables of files that no file of the ledger has. */
const strayTables = `
  select relname from pg_class where relname ~ '^_file_' and relkind = 'r'
    and not exists (select from aquifer.ingest_file where relname ~ ('^_file_[0-9a-f]+_' || file_id || '_') and status = 'loaded')`;

interface Watched {
  /** Copies that were begun while files were read. */
  readonly begun: number;
  /** Tables of them that were taken. */
  readonly early: number;
  readonly files: Awaited<ReturnType<IngestProject["ingest"]>>["files"];
}

/** Loads, and tells what was copied before all files were read. */
async function ingestWatched(
  project: IngestProject,
  options: Parameters<IngestProject["ingest"]>[0] = {},
): Promise<Watched> {
  const begin = vi.spyOn(EarlyCopies.prototype, "begin");
  const take = vi.spyOn(EarlyCopy.prototype, "take");
  onTestFinished(() => void vi.restoreAllMocks());
  const { files } = await project.ingest(options);
  const begun = begin.mock.results.filter(({ value }) => value instanceof EarlyCopy).length;
  const taken = await Promise.all(
    take.mock.results.map(({ value }) => value as ReturnType<EarlyCopy["take"]>),
  );
  return { begun, early: taken.reduce((sum, each) => sum + (each?.tables.length ?? 0), 0), files };
}

const whole = `
  select count(*), count(distinct _row) as numbers, bool_and(id = _row::text and note = '${note}') as in_place from bronze.shop_x`;

/** Whose values a thread looks at; where nothing is wanted of them, the copy proves the records. */
const checked = { columns: { id: { required: true }, note: {} } } as const;

test.each<[what: string, options: Partial<SourceOptions>, proofs: number]>([
  ["and proves its records", {}, 1],
  ["while a thread looks at its values", checked, 0],
])("a large file is copied by two connections %s", async (_, options, proofs) => {
  const proven = vi.spyOn(FollowedText.prototype, "findings", "get");
  const project = await ingestProject([sourceWith(options)], { "raw/shop/x.csv": text() });
  const { early, files } = await ingestWatched(project);
  expect(proven).toHaveBeenCalledTimes(proofs);
  expect(files).toMatchObject([{ rows, rejected: 0, method: "bytes" }]);
  expect(early).toBe(2);
  expect(await project.rows(whole)).toEqual([[String(rows), String(rows), true]]);
  expect(await project.rows(strayTables)).toEqual([]);
  expect(
    await project.rows("select count(*) from pg_inherits where inhparent = 'bronze_store.shop_x'::regclass"),
  ).toEqual([["2"]]);
});

test.each<[what: string, last: string, rejected: number, check: string, options?: Partial<SourceOptions>]>([
  ["a quoted field", `a,"b ""c"""\n`, 0, `id = 'a' and note = 'b "c"'`],
  ["a quoted field, seen by a thread", `a,"b ""c"""\n`, 0, `id = 'a' and note = 'b "c"'`, checked],
  ["a row of other fields, seen by a thread", "a,b,c\nb,c\n", 1, "id = 'b' and note = 'c'", checked],
  ["a backslash", "a,b\\c\n", 0, "id = 'a' and note = 'b\\c'"],
  ["the end of data, as copy knows it", "\\.\na,b\n", 1, "id = 'a' and note = 'b'"],
  ["a byte that is no UTF-8", "a,b\xfc\n", 0, "id = 'a' and note = 'bü'"],
  ["a row of other fields", "a,b,c\nb,c\n", 1, "id = 'b' and note = 'c'"],
  ["no line end", "a,b", 0, "id = 'a' and note = 'b'"],
])(
  "a file that is otherwise near its end is loaded as any other: %s",
  async (what, last, rejected, check, options) => {
    const bytes = what === "a byte that is no UTF-8" ? Buffer.from(text(last), "latin1") : text(last);
    const project = await ingestProject([sourceWith(options)], { "raw/shop/x.csv": bytes });
    const { files } = await ingestWatched(project);
    expect(files).toMatchObject([{ rows: rows + 1, rejected }]);
    expect(await project.rows(`${whole} where _row <= ${rows}`)).toEqual([
      [String(rows), String(rows), true],
    ]);
    expect(await project.rows(`select _row, ${check} from bronze.shop_x where _row > ${rows}`)).toEqual([
      [String(rows + 1 + rejected), true],
    ]);
    expect(await project.rows(strayTables)).toEqual([]);
  },
);

test("a file with backslashes is copied as CSV, while a thread looks at it", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": `id,note\n0,c:\\d\n${lines}` });
  const { early } = await ingestWatched(project);
  expect(early).toBe(2);
  expect(await project.rows("select count(*), min(note) from bronze.shop_x")).toEqual([
    [String(rows + 1), "c:\\d"],
  ]);
});

test("of a file that is refused at its end nothing stays", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": text("a,b,c\na,b,c\n") });
  await expect(project.ingest()).rejects.toMatchObject({ code: "too-many-rejects" });
  expect(await project.rows("select relname from pg_class where relname ~ '^_file_'")).toEqual([]);
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([["0"]]);
});

test("beside a file that is refused nothing stays", async () => {
  const project = await ingestProject([sourceWith()], {
    "raw/shop/x.csv": text(),
    "raw/shop/y.csv": "other\n1\n",
  });
  await expect(project.ingest()).rejects.toMatchObject({ code: "wrong-columns" });
  expect(await project.rows("select relname from pg_class where relname ~ '^_file_'")).toEqual([]);
});

test("files keep their order in the ledger, so that of two for one slot the later one stands", async () => {
  const source = sourceWith({ reload: "snapshot" });
  const project = await ingestProject([source], {
    "raw/shop/a.csv": "id,note\na,small\n",
    "raw/shop/b.csv": text(),
    "raw/shop/c.csv": "id,note\nc,small\n",
    "raw/shop/d.csv": "id,note\nd,small\n",
    "raw/shop/e.csv": text("very,last\n"),
  });
  await project.ingest();
  expect(await project.rows("select file_name from aquifer.ingest_file order by file_id")).toEqual(
    ["a", "b", "c", "d", "e"].map((name) => [`shop/${name}.csv`]),
  );
  expect(
    await project.rows(
      `select count(*), min(id) filter (where _row > ${rows}) as last, min(_file_name), max(_file_name) from bronze.shop_x`,
    ),
  ).toEqual([[String(rows + 1), "very", "shop/e.csv", "shop/e.csv"]]);
  expect(await project.rows(strayTables)).toEqual([]);
});

test("a file whose content is known keeps its place before one that is copied early", async () => {
  const source = sourceWith({ reload: "snapshot" });
  const project = await ingestProject([source], { "raw/shop/a.csv": "id,note\na,small\n" });
  await project.ingest();
  await project.write("raw/shop/b.csv", "id,note\nb,small\n");
  await project.ingest();
  await utimes(join(project.root, "raw/shop/a.csv"), 1, 1);
  await project.write("raw/shop/b.csv", text());
  const { files } = await ingestWatched(project);
  expect(files.map(({ action }) => action)).toEqual(["restore", "load"]);
  expect(await project.rows(whole)).toEqual([[String(rows), String(rows), true]]);
});

test("a column that another file brings, or that is declared anew, does not part the copy from its store", async () => {
  const project = await ingestProject([sourceWith()], {
    "raw/shop/a.csv": text(),
    "raw/shop/b.csv": "id,note,more\nb,small,m\n",
  });
  expect(await ingestWatched(project)).toMatchObject({ begun: 1, early: 0 });
  expect(await project.rows("select count(*), count(more) as more from bronze.shop_x")).toEqual([
    [String(rows + 1), "1"],
  ]);
  await project.write("raw/shop/c.csv", text("c,\n"));
  const wider = sourceWith({ columns: { id: {}, note: {}, later: { optional: true } } });
  await project.ingest({ sources: [wider], selected: [wider] });
  expect(await project.rows("select count(*), count(later) as later from bronze.shop_x")).toEqual([
    [String(2 * rows + 2), "0"],
  ]);
  expect(await project.rows(strayTables)).toEqual([]);
});

test("a renamed source keeps its rows when the ingest that renames it is refused", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  const renamed = sourceWith({ name: "shop/y", table: "shop_x" });
  await project.write("raw/shop/b.csv", text());
  await project.write("raw/shop/c.csv", "other\n1\n");
  await expect(project.ingest({ sources: [renamed], selected: [renamed] })).rejects.toMatchObject({
    code: "wrong-columns",
  });
  expect(await project.rows("select id from bronze.shop_x")).toEqual([["1"]]);
});

test("an ingest that ends while the first large file is read is no hindrance", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.write("raw/shop/b.csv", text());
  const other = new pg.Client(project.database.url);
  await other.connect();
  const lock = (call: string): Promise<unknown> =>
    other.query(`select ${call}(hashtextextended('aquifer ingest ' || '"aquifer"', 0))`);
  await lock("pg_advisory_lock");
  let released: Promise<unknown> | undefined;
  await project.ingest({
    onEvent: (event) => {
      if (event.kind === "progress" && event.phase === "reading" && event.bytes > 3e6)
        released ??= lock("pg_advisory_unlock");
    },
  });
  await other.end();
  expect(released).toBeDefined();
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([[String(rows + 1)]]);
});

test("a file of a source that was not asked for is not copied", async () => {
  const other = defineSource({ name: "shop/z", files: "*.csv", columns: { key: {} } });
  const project = await ingestProject([sourceWith(), other], {
    "raw/shop/a.csv": text(),
    "raw/shop/b.csv": "key\n1\n",
  });
  const { begun, files } = await ingestWatched(project, { selected: [other] });
  expect(begun).toBe(0);
  expect(files).toMatchObject([{ source: "shop/z", rows: 1 }]);
});

test("content that is loaded already is not copied again, under another name either", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": text() });
  await project.ingest();
  await project.write("raw/shop/y.csv", text());
  const { files } = await ingestWatched(project);
  expect(files).toMatchObject([
    { action: "skip", reason: "unchanged" },
    { action: "skip", reason: "its content is loaded as shop/x.csv" },
  ]);
  // No id was taken for it.
  expect(
    await project.rows(
      "select last_value::text from pg_sequences where sequencename ~ '^ingest_file_file_id'",
    ),
  ).toEqual([["1"]]);
});

test("the same content twice in one batch is loaded once", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": text(), "raw/shop/y.csv": text() });
  const { files } = await ingestWatched(project);
  expect(files.map(({ action }) => action).sort()).toEqual(["load", "skip"]);
  expect(await project.rows(whole)).toEqual([[String(rows), String(rows), true]]);
  expect(await project.rows(strayTables)).toEqual([]);
});

test("a file with a column that the store lacks, and one with a footer, wait until they were seen", async () => {
  const footed = defineSource({
    name: "shop/y",
    files: "y.csv",
    columns: { id: {}, note: {} },
    footer: /^Total/,
  });
  const project = await ingestProject([sourceWith({ files: "x.csv" }), footed], {
    "raw/shop/x.csv": `id,note,more\n${lines.replaceAll("\n", ",m\n")}`,
    "raw/shop/y.csv": text("Total,1\n"),
  });
  const { begun, files } = await ingestWatched(project);
  expect(begun).toBe(0);
  expect(files).toMatchObject([{ rows }, { rows }]);
  expect(await project.rows("select count(*), min(more) from bronze.shop_x")).toEqual([[String(rows), "m"]]);
});

test("a large seed is loaded with the types of its header", async () => {
  const project = await ingestProject([], { "seeds/area.csv": `id:integer,note\n${lines}` });
  await project.ingest();
  expect(
    await project.rows(
      "select count(*), sum(id), pg_typeof(max(id))::text as type, bool_and(_row = id) from bronze.area",
    ),
  ).toEqual([[String(rows), String((rows * (rows + 1)) / 2), "integer", true]]);
});

test("one connection beside the ledger's is enough", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": text() });
  const warehouse = await openWarehouse({
    ...{ projectRoot: project.root, env: { DATABASE_URL: project.database.url }, maxSessions: 2 },
  });
  onTestFinished(() => warehouse.close());
  const { early } = await ingestWatched(project, { warehouse });
  expect(early).toBe(1);
  expect(await project.rows(whole)).toEqual([[String(rows), String(rows), true]]);
});

test("a store that somebody holds is waited for, and the file is loaded then", async () => {
  const project = await ingestProject([sourceWith()], { "raw/shop/x.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.write("raw/shop/x.csv", text());
  const told: unknown[] = [];
  await project.database.warehouse.withSession(async (holder) => {
    await holder.query("begin; lock table bronze_store.shop_x in access exclusive mode");
    const loading = project.ingest({
      onEvent: (event) => event.kind === "waiting" && told.push(event.holders),
    });
    await pause(7000);
    await holder.query("commit");
    await loading;
  });
  expect(told).toHaveLength(1);
  expect(await project.rows(whole)).toEqual([[String(rows), String(rows), true]]);
  expect(await project.rows(strayTables)).toEqual([]);
}, 60_000);

test("an interrupted ingest does not wait for who reads what it has copied; the next one removes that", async () => {
  const project = await ingestProject([sourceWith()], {
    "raw/shop/x.csv": muchText,
    "raw/shop/y.csv": `${muchText}more,\n`,
  });
  const reader = new pg.Client(project.database.url);
  await reader.connect();
  const interrupt = new AbortController();
  const loading = project.ingest({ signal: interrupt.signal }).catch((error: unknown) => error);
  for (;;) {
    const { rows: found } = await reader.query<{ name: string }>(
      "select format('%I.%I', 'bronze_store', relname) as name from pg_class where relname ~ '^_file_.*_0$'",
    );
    const [table] = found;
    if (table) {
      await reader.query(`begin; select from ${table.name} limit 1`);
      break;
    }
    await pause(2);
  }
  interrupt.abort();
  expect(await Promise.race([loading, pause(15_000)])).toMatchObject({ code: "interrupted" });
  await reader.end();
  await project.ingest();
  expect(await project.rows("select count(*) from bronze.shop_x")).toEqual([[String(2 * manyRows + 1)]]);
  expect(await project.rows(strayTables)).toEqual([]);
});

const declaration = `
import { defineSource } from "aquifer";
export const x = defineSource({ name: "shop/x", files: "*.csv", columns: { id: {}, note: {} } });
`;

test("what a killed process has copied early is removed by the next ingest, which loads every row once", async () => {
  const project = await ingestProject([sourceWith()], {
    "dataform.json": '{ "warehouse": "postgres" }',
    "ingest/shop.ts": declaration,
    "raw/shop/x.csv": muchText,
    // Read after it, so that what was copied is committed when the process is killed.
    "raw/shop/y.csv": `${muchText}more,\n`,
    "raw/shop/z.csv": `${muchText}most,\n`,
  });
  const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
  const child = spawn(process.execPath, [bin, "ingest"], {
    ...{ cwd: project.root, env: { ...process.env, DATABASE_URL: project.database.url }, stdio: "ignore" },
  });
  for (;;) {
    const found = await project.rows("select relname from pg_class where relname ~ '^_file_.*_0$'");
    if (found.length > 0 || child.exitCode !== null) break;
    await pause(2);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await project.rows("select count(*) from aquifer.ingest_file where status = 'loaded'")).toEqual([
    ["0"],
  ]);
  expect(await project.rows("select count(*) from pg_class where relname ~ '^_file_'")).not.toEqual([["0"]]);
  await project.ingest();
  expect(
    await project.rows("select _file_name, count(*), sum(_row) from bronze.shop_x group by 1 order by 1"),
  ).toEqual([
    ["shop/x.csv", String(manyRows), String((manyRows * (manyRows + 1)) / 2)],
    ["shop/y.csv", String(manyRows + 1), String(((manyRows + 1) * (manyRows + 2)) / 2)],
    ["shop/z.csv", String(manyRows + 1), String(((manyRows + 1) * (manyRows + 2)) / 2)],
  ]);
  expect(await project.rows(strayTables)).toEqual([]);
});

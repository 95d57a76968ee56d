import { describe, expect, onTestFinished, test } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import type { IngestOptions, IngestResult } from "../../src/ingest/ingest.js";
import { defineSource, type Source } from "../../src/project/source.js";
import { freshDatabase, open, type TestDatabase } from "../support/database.js";
import { describeOnServers, type ServerMajor } from "../support/servers.js";
import { ingestProject, type IngestProject } from "./support.js";

interface Shop extends IngestProject {
  /** The operational database. */
  readonly till: TestDatabase;
  /** Runs statements there. */
  at(sql: string): Promise<void>;
  load(options?: Partial<IngestOptions>): Promise<IngestResult>;
}

async function shopOn(
  sources: readonly Source[],
  sql: string,
  majors: { from?: ServerMajor; to?: ServerMajor } = {},
): Promise<Shop> {
  const till = await freshDatabase({ maxSessions: 2, major: majors.from ?? 18 });
  onTestFinished(() => till.drop());
  const shared = majors.to === undefined ? undefined : await freshDatabase({ major: majors.to });
  if (shared) onTestFinished(() => shared.drop());
  const project = await ingestProject(sources, {}, shared);
  await till.warehouse.query(sql);
  const openConnection = (): ReturnType<typeof open> => open(till.url, 2);
  return {
    ...project,
    till,
    at: async (statement) => {
      await till.warehouse.query(statement);
    },
    load: (options) => project.ingest({ openConnection, ...options }),
  };
}

async function failure(promise: Promise<unknown>): Promise<AquiferError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AquiferError) return error;
  throw new Error(`expected an AquiferError, got ${String(error)}`);
}

const sale = defineSource({
  name: "shop/sale",
  database: { connection: "till", relation: "shop.sale" },
  columns: { id: {}, note: {} },
});
const saleTable = "create schema shop; create table shop.sale (id int, note text)";

describe("a relation that is taken as a whole", () => {
  test("arrives, is skipped when nothing changed, and replaces what was there", async () => {
    const shop = await shopOn(
      [sale],
      `${saleTable}; insert into shop.sale values (1, 'a'), (2, null), (3, '')`,
    );
    expect((await shop.load()).files).toMatchObject([
      {
        file: "till/shop.sale",
        action: "load",
        reason: "new",
        rows: 3,
        method: "copy",
        bytes: expect.any(Number) as number,
      },
    ]);
    const all = "select _row, id, note from bronze.shop_sale order by id";
    expect(await shop.rows(all)).toEqual([
      ["1", "1", "a"],
      ["2", "2", null],
      ["3", "3", ""],
    ]);
    const again = await shop.load();
    expect(again).toMatchObject({ batch: undefined, files: [{ action: "skip", reason: "unchanged" }] });
    // Another order of the same rows is no change.
    await shop.at("update shop.sale set note = note where id = 1");
    expect((await shop.load()).batch).toBeUndefined();

    await shop.at("delete from shop.sale where id = 1; update shop.sale set note = 'b' where id = 2");
    expect((await shop.load()).files).toMatchObject([{ action: "load", rows: 2 }]);
    expect(await shop.rows("select id, note from bronze.shop_sale order by id")).toEqual([
      ["2", "b"],
      ["3", ""],
    ]);
    expect((await shop.load({ force: true })).files).toMatchObject([{ action: "load" }]);
    expect(await shop.rows("select count(*) from bronze.shop_sale")).toEqual([["2"]]);
  });

  test("content that was there before is current again without being copied", async () => {
    const shop = await shopOn([sale], `${saleTable}; insert into shop.sale values (1, 'a')`);
    await shop.load();
    await shop.at("update shop.sale set note = 'b'");
    await shop.load();
    await shop.at("update shop.sale set note = 'a'");
    expect((await shop.load()).files).toMatchObject([{ action: "restore" }]);
    expect(await shop.rows("select note from bronze.shop_sale")).toEqual([["a"]]);
    expect(await shop.rows("select count(*) from bronze_store.shop_sale")).toEqual([["2"]]);
  });

  test("an empty one empties", async () => {
    const shop = await shopOn([sale], `${saleTable}; insert into shop.sale values (1, 'a')`);
    await shop.load();
    await shop.at("truncate shop.sale");
    await shop.load();
    expect(await shop.rows("select * from bronze.shop_sale")).toEqual([]);
  });

  test("a dry run tells the plan and writes nothing", async () => {
    const shop = await shopOn([sale], `${saleTable}; insert into shop.sale values (1, 'a')`);
    const { files } = await shop.load({ dryRun: true });
    expect(files).toMatchObject([
      {
        action: "load",
        rows: 1,
        classification: expect.stringMatching(
          /^shop.sale in .*, snapshot .*; 2 declared columns, 0 others/,
        ) as string,
      },
    ]);
    expect(await shop.rows("select to_regclass('bronze.shop_sale')")).toEqual([[null]]);
  });

  test("a connection that leads to no database yet means no data yet", async () => {
    const project = await ingestProject([sale]);
    const result = await project.ingest({ openConnection: () => Promise.resolve(undefined) });
    expect(result).toEqual({ batch: undefined, files: [], waiting: ["shop/sale"], missing: [] });
    expect(await project.rows("select id, note from bronze.shop_sale")).toEqual([]);
  });

  test("the ledger tells where it is from", async () => {
    const shop = await shopOn([sale], `${saleTable}; insert into shop.sale values (1, 'a')`);
    await shop.load();
    expect(
      await shop.rows("select file_name, slot, rows_loaded, method, dialect from aquifer.ingest_file"),
    ).toEqual([
      [
        "till/shop.sale",
        "snapshot",
        "1",
        "copy",
        { connection: "till", relation: "shop.sale", types: { id: "integer", note: "text" } },
      ],
    ]);
  });
});

describe("a relation that is taken by period", () => {
  const bill = defineSource({
    name: "shop/bill",
    database: { connection: "till", relation: "shop.bill" },
    columns: { id: {}, year: {}, month: {} },
    period: { grain: "month", fromSql: "make_date(year, month, 1)" },
  });
  const table = `create schema shop; create table shop.bill (id int, year int, month int);
    insert into shop.bill values (1, 2024, 1), (2, 2024, 1), (3, 2024, 2), (4, null, null)`;
  const byPeriod =
    "select string_agg(id, ',' order by id), _period::text from bronze.shop_bill group by 2 order by 2";

  test("each month is an extract of its own, rows without a date too", async () => {
    const shop = await shopOn([bill], table);
    expect((await shop.load()).files.map(({ file, rows, period }) => [file, rows, period])).toEqual([
      ["till/shop.bill 2024-01", 2, "2024-01-01"],
      ["till/shop.bill 2024-02", 1, "2024-02-01"],
      ["till/shop.bill without a period", 1, undefined],
    ]);
    expect(await shop.rows(byPeriod)).toEqual([
      ["1,2", "2024-01-01"],
      ["3", "2024-02-01"],
      ["4", null],
    ]);
  });

  test("only months whose content changed are taken again, and replace exactly themselves", async () => {
    const shop = await shopOn([bill], table);
    await shop.load();
    await shop.at(
      "delete from shop.bill where id = 1; insert into shop.bill values (5, 2024, 1), (6, 2024, 3)",
    );
    expect((await shop.load()).files.map(({ file, action }) => [file, action])).toEqual([
      ["till/shop.bill 2024-02", "skip"],
      ["till/shop.bill without a period", "skip"],
      ["till/shop.bill 2024-01", "load"],
      ["till/shop.bill 2024-03", "load"],
    ]);
    expect(await shop.rows(byPeriod)).toEqual([
      ["2,5", "2024-01-01"],
      ["3", "2024-02-01"],
      ["6", "2024-03-01"],
      ["4", null],
    ]);
  });

  test("--period takes that one only", async () => {
    const shop = await shopOn([bill], table);
    expect((await shop.load({ period: "2024-02-01" })).files).toMatchObject([
      { file: "till/shop.bill 2024-02" },
    ]);
    expect(await shop.rows(byPeriod)).toEqual([["3", "2024-02-01"]]);
  });

  test("a month that is gone at the source is kept and said, until --period asks for it", async () => {
    const shop = await shopOn([bill], table);
    await shop.load();
    await shop.at("delete from shop.bill where month = 1");
    expect((await shop.load()).files).toContainEqual(
      expect.objectContaining({
        file: "till/shop.bill 2024-01",
        action: "skip",
        reason: "kept: gone at the source; --period replaces it",
      }),
    );
    expect(await shop.rows("select count(*) from bronze.shop_bill where _period = '2024-01-01'")).toEqual([
      ["2"],
    ]);
    await shop.load({ period: "2024-01-01" });
    expect(await shop.rows("select count(*) from bronze.shop_bill where _period = '2024-01-01'")).toEqual([
      ["0"],
    ]);
    expect((await shop.load()).files.every(({ reason }) => reason === "unchanged")).toBe(true);
  });

  test("a month that was closed is refused when it changes", async () => {
    const closed = defineSource({
      name: "shop/bill",
      database: { connection: "till", relation: "shop.bill" },
      columns: { id: {}, year: {}, month: {} },
      period: { grain: "month", fromSql: "make_date(year, month, 1)" },
      reload: "refuse",
    });
    const shop = await shopOn([closed], table);
    await shop.load();
    await shop.at("insert into shop.bill values (7, 2024, 2)");
    expect((await failure(shop.load())).code).toBe("refused-reload");
  });

  test("days and instants fall into the period of their date in UTC", async () => {
    const visit = defineSource({
      name: "shop/visit",
      database: { connection: "till", relation: "shop.visit" },
      columns: { at: {} },
      period: { grain: "day", fromSql: "at" },
    });
    const shop = await shopOn(
      [visit],
      `create schema shop; create table shop.visit (at timestamptz);
       insert into shop.visit values ('2024-01-31 23:30+00'), ('2024-02-01 06:30+07'), ('2024-02-01 00:00+00'), ('infinity')`,
    );
    await shop.load();
    expect(await shop.rows("select at, _period::text from bronze.shop_visit order by at")).toEqual([
      ["2024-01-31 23:30:00+00", "2024-01-31"],
      ["2024-01-31 23:30:00+00", "2024-01-31"],
      ["2024-02-01 00:00:00+00", "2024-02-01"],
      ["infinity", null],
    ]);
  });

  test("a period that is no date is an error that says what it is", async () => {
    const wrong = defineSource({
      name: "shop/bill",
      database: { connection: "till", relation: "shop.bill" },
      columns: { id: {}, year: {}, month: {} },
      period: { grain: "month", fromSql: "year" },
    });
    const error = await failure((await shopOn([wrong], table)).load());
    expect(describeError(error)).toContain("period.fromSql is of type integer");
  });
});

describe("a relation that is taken by a cursor", () => {
  const payment = defineSource({
    name: "shop/payment",
    database: { connection: "till", relation: "shop.payment", cursor: { column: "at", lag: "1h" } },
    columns: { id: {}, at: {} },
  });
  const table = "create schema shop; create table shop.payment (id int, at timestamp)";
  const ids = "select string_agg(id, ',' order by id::int) from bronze.shop_payment";

  test("what is new is taken; rows that share a value, come late within the lag or are corrected in it are there once", async () => {
    const shop = await shopOn(
      [payment],
      `${table}; insert into shop.payment values (1, '2024-01-01 08:00'), (2, '2024-01-01 09:30'), (3, '2024-01-01 10:00')`,
    );
    const first = await shop.load();
    expect(first.files.map(({ file, rows }) => [file, rows])).toEqual([
      ["till/shop.payment at before 2024-01-01 09:00:00", 1],
      ["till/shop.payment at from 2024-01-01 09:00:00", 2],
    ]);
    expect((await shop.load()).batch).toBeUndefined();
    // 4 shares the highest value, 5 comes late, 3 is corrected, 2 is taken back.
    await shop.at(`insert into shop.payment values (4, '2024-01-01 10:00'), (5, '2024-01-01 09:00');
      update shop.payment set id = 33 where id = 3; delete from shop.payment where id = 2`);
    await shop.load();
    expect(await shop.rows(ids)).toEqual([["1,4,5,33"]]);
    await shop.at("insert into shop.payment values (6, '2024-01-01 12:00'), (7, '2024-01-01 11:00')");
    const third = await shop.load();
    expect(third.files.map(({ file, rows }) => [file, rows])).toEqual([
      ["till/shop.payment at from 2024-01-01 09:00:00 before 2024-01-01 11:00:00", 3],
      ["till/shop.payment at from 2024-01-01 11:00:00", 2],
    ]);
    expect(await shop.rows(ids)).toEqual([["1,4,5,6,7,33"]]);
  });

  test("a row later than the lag is not seen, until --force asks all ranges again", async () => {
    const shop = await shopOn(
      [payment],
      `${table}; insert into shop.payment values (1, '2024-01-01 08:00'), (2, '2024-01-01 10:00')`,
    );
    await shop.load();
    await shop.at("insert into shop.payment values (3, '2024-01-01 07:00')");
    await shop.load();
    expect(await shop.rows(ids)).toEqual([["1,2"]]);
    await shop.load({ force: true });
    expect(await shop.rows(ids)).toEqual([["1,2,3"]]);
  });

  test("a time in the future settles nothing that is still to come, and rows without a cursor are not lost", async () => {
    const shop = await shopOn(
      [payment],
      `${table}; insert into shop.payment values (1, '2024-01-01'), (2, '9999-01-01'), (3, null), (4, 'infinity')`,
    );
    await shop.load();
    await shop.at("insert into shop.payment values (5, now() at time zone 'UTC'), (6, null)");
    await shop.load();
    expect(await shop.rows(ids)).toEqual([["1,2,3,4,5,6"]]);
  });

  test("an empty relation is the beginning", async () => {
    const shop = await shopOn([payment], table);
    await shop.load();
    await shop.at("insert into shop.payment values (1, '2024-01-01 08:00'), (2, '2024-01-01 10:00')");
    await shop.load();
    expect(await shop.rows(ids)).toEqual([["1,2"]]);
  });

  test("numbers are cursors too", async () => {
    const numbered = defineSource({
      name: "shop/payment",
      database: { connection: "till", relation: "shop.payment", cursor: { column: "id", lag: 2 } },
      columns: { id: {}, at: {} },
    });
    const shop = await shopOn(
      [numbered],
      `${table}; insert into shop.payment select i, null from generate_series(1, 10) as i where i <> 9`,
    );
    await shop.load();
    await shop.at("insert into shop.payment values (9, null), (11, null)");
    expect((await shop.load()).files).toMatchObject([{ rows: 1 }, { rows: 3 }]);
    expect(await shop.rows(ids)).toEqual([["1,2,3,4,5,6,7,8,9,10,11"]]);
  });

  test.each([
    [{ column: "note" }, "its type is text; a cursor is a time, a date or a number"],
    [{ column: "at", lag: 5 }, "so its lag is a duration"],
    [{ column: "id", lag: "1h" }, "so its lag is a number"],
    [{ column: "gone" }, "has no such column"],
  ])("%j is refused", async (cursor, words) => {
    const source = defineSource({
      name: "shop/payment",
      database: { connection: "till", relation: "shop.payment", cursor },
      columns: { id: {}, at: {} },
    });
    const shop = await shopOn([source], `${table}; alter table shop.payment add note text`);
    expect(describeError(await failure(shop.load()))).toContain(words);
  });
});

describe("columns that changed at the source", () => {
  const withDrift = (drift: "evolve" | "freeze" | "rescue" | "discard"): Source =>
    defineSource({
      name: "shop/sale",
      database: { connection: "till", relation: "shop.sale" },
      columns: { id: {}, note: { optional: true } },
      drift,
    });
  const changed = `create schema shop; create table shop.sale (id int, "Extra Column" numeric); insert into shop.sale values (1, 1.50), (2, null)`;

  test("evolve takes them as text", async () => {
    const shop = await shopOn([withDrift("evolve")], changed);
    expect((await shop.load()).files).toMatchObject([
      { columnsAdded: ["extra_column"], columnsMissing: ["note"] },
    ]);
    expect(await shop.rows("select id, note, extra_column from bronze.shop_sale order by id")).toEqual([
      ["1", null, "1.50"],
      ["2", null, null],
    ]);
  });

  test("rescue keeps them as JSON, discard leaves them out", async () => {
    const rescue = await shopOn([withDrift("rescue")], changed);
    await rescue.load();
    expect(await rescue.rows("select id, _rescued from bronze.shop_sale order by id")).toEqual([
      ["1", { extra_column: "1.50" }],
      ["2", { extra_column: null }],
    ]);
    const discard = await shopOn([withDrift("discard")], changed);
    await discard.load();
    await discard.at(`update shop.sale set "Extra Column" = 7`);
    expect((await discard.load()).batch).toBeUndefined();
  });

  test("freeze refuses an added column and a new type", async () => {
    const added = await shopOn([withDrift("freeze")], changed);
    expect(describeError(await failure(added.load()))).toContain("not declared: extra_column");
    const retyped = await shopOn(
      [withDrift("freeze")],
      "create schema shop; create table shop.sale (id int, note text)",
    );
    await retyped.load();
    await retyped.at("alter table shop.sale alter id type bigint");
    expect(describeError(await failure(retyped.load()))).toContain("id was integer, is bigint");
  });

  test("a new type is told", async () => {
    const shop = await shopOn(
      [withDrift("evolve")],
      "create schema shop; create table shop.sale (id int, note text); insert into shop.sale values (1, 'a')",
    );
    await shop.load();
    await shop.at("alter table shop.sale alter id type numeric(10, 2)");
    expect((await shop.load()).files).toMatchObject([
      { classification: expect.stringContaining("id was integer, is numeric(10,2)") as string },
    ]);
    expect(await shop.rows("select id from bronze.shop_sale")).toEqual([["1.00"]]);
  });
});

describe("values", () => {
  test("that break a check are rejects with the row, or fail the batch beyond the limit", async () => {
    const checked = (maxRejected: number): Source =>
      defineSource({
        name: "shop/sale",
        database: { connection: "till", relation: "shop.sale" },
        columns: { id: { unique: true }, note: { required: true } },
        maxRejected,
      });
    const sql = `${saleTable}; insert into shop.sale values (1, 'a'), (1, 'b'), (2, null)`;
    const shop = await shopOn([checked(2)], sql);
    expect((await shop.load()).files).toMatchObject([{ rows: 1, rejected: 2 }]);
    expect(
      await shop.rows("select row_number, column_name, raw from aquifer.ingest_reject order by 1"),
    ).toEqual([
      ["2", "id", '{"id" : "1", "note" : "b"}'],
      ["3", "note", '{"id" : "2", "note" : null}'],
    ]);
    const strict = await shopOn([checked(1)], sql);
    expect(describeError(await failure(strict.load()))).toMatch(/2 rows of 3 cannot be loaded[^]*row 2, id/);
    expect(await strict.rows("select * from bronze.shop_sale")).toEqual([]);
  });
});

describe("errors name the relation, the place and the remedy, never the password", () => {
  test("no relation", async () => {
    const shop = await shopOn([sale], "create schema shop; create table shop.sales (id int)");
    const error = describeError(await failure(shop.load()));
    expect(error).toMatch(/The database of till .* has no relation shop.sale\n.*Did you mean shop.sales/);
  });

  test("no column", async () => {
    const shop = await shopOn([sale], "create schema shop; create table shop.sale (id int)");
    expect(describeError(await failure(shop.load()))).toContain("shop.sale of till lacks note");
  });

  test("no permission, and rows hidden by a policy", async () => {
    const shop = await shopOn([sale], `${saleTable}; insert into shop.sale values (1, 'a')`);
    const role = `clerk_${shop.till.name}`;
    onTestFinished(async () => shop.at(`drop owned by ${role}; drop role ${role}`));
    await shop.at(`create role ${role} login password 'hidden-word'; grant usage on schema shop to ${role}`);
    const url = new URL(shop.till.url);
    [url.username, url.password] = [role, "hidden-word"];
    const asClerk = { openConnection: () => open(url.href, 2) };
    const denied = await failure(shop.ingest(asClerk));
    expect(denied.code).toBe("source-permission");
    expect(describeError(denied)).toMatch(
      /shop.sale of till .*permission denied for table sale\n.*grant select/,
    );
    await shop.at(`grant select on shop.sale to ${role}; alter table shop.sale enable row level security`);
    const hidden = describeError(await failure(shop.ingest(asClerk)));
    expect(hidden).toContain("row-level security policy");
    expect(denied.message + hidden).not.toContain("hidden-word");
  });
});

describeOnServers("every value arrives as it is", (from) => {
  test(`to PostgreSQL ${from === 18 ? 15 : 18}`, async () => {
    const columns = ["t", "n", "ts", "tz", "a", "b", "f", "j", "c", "i", "d", "u"];
    const odd = `we"ird 'Näme'; drop--`;
    const source = defineSource({
      name: "shop/odd",
      database: { connection: "till", relation: { schema: "Sch.ema", name: 'ta"b.le' } },
      columns: { ...Object.fromEntries(columns.map((name) => [name, {}])), odd: { header: odd } },
    });
    const texts = [
      "",
      " ",
      "a\tb",
      "a\nb",
      "a\r\nb",
      "\\",
      "\\N",
      "\\.",
      "\\\\.",
      "\\x00",
      "\\0",
      "'",
      '"',
      "$$",
      "--",
      "\u0001\u001f\u007f",
      "é😀\u2028",
      "NULL",
      "null",
      "{}",
      "x".repeat(100_000),
    ];
    const shop = await shopOn(
      [source],
      `create schema "Sch.ema"; create table "Sch.ema"."ta""b.le" (t text, n numeric, ts timestamp, tz timestamptz, a text[], b bytea, f float8, j jsonb, c char(5), i interval, d date, u uuid, "${odd.replaceAll('"', '""')}" text)`,
      { from, to: from === 18 ? 15 : 18 },
    );
    await shop.till.warehouse.query(
      `insert into "Sch.ema"."ta""b.le" select t, 12345678901234567890.1234567890, '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59+07',
         array[t, null, ''], convert_to(t, 'UTF8') || '\\x00ff'::bytea, 0.1::float8 + 0.2, jsonb_build_object('k', t), 'ab', '1 mon -2 days 03:04:05', '0044-03-15 BC', '00000000-0000-0000-0000-000000000001', t
       from unnest($1::text[]) as t`,
      [texts],
    );
    await shop.at(
      `insert into "Sch.ema"."ta""b.le" (n, f, ts, d) values ('NaN', '-Infinity', 'infinity', 'infinity')`,
    );
    await shop.load();
    const cast = `n::numeric, ts::timestamp, tz::timestamptz, a::text[], b::bytea, f::float8, j::jsonb, c::char(5), i::interval, d::date, u::uuid`;
    const list = (columnsOf: string, last: string): string =>
      `select md5(coalesce(t, '')) as key, t, ${columnsOf}, ${last} from `;
    const there = await shop.till.warehouse.query(
      `${list("n, ts, tz, a, b, f, j, c, i, d, u", `"${odd.replaceAll('"', '""')}" as odd`)} "Sch.ema"."ta""b.le" order by key`,
    );
    const here = await shop.database.warehouse.query(`${list(cast, "odd")} bronze.shop_odd order by key`);
    expect(here.rows).toHaveLength(texts.length + 1);
    expect(here.rows).toEqual(there.rows);
  });
});

test("concurrent writes during the extract: all relations show one moment", async () => {
  const copy = (name: string): Source =>
    defineSource({
      name: `shop/${name}`,
      database: { connection: "till", relation: `shop.${name}` },
      columns: { id: {} },
    });
  const [left, right] = [copy("left"), copy("right")];
  const shop = await shopOn(
    [left, right],
    `create schema shop; create table shop."left" (id int); create table shop."right" (id int);
     insert into shop."left" select generate_series(1, 1000); insert into shop."right" select generate_series(1, 1000)`,
  );
  let writes = 0;
  let isDone = false;
  const writer = (async () => {
    while (!isDone) {
      writes++;
      await shop.at(
        `begin; insert into shop."left" values (${-writes}); insert into shop."right" values (${-writes}); commit`,
      );
    }
  })();
  let before = 0;
  await shop.load({
    onEvent: (event) => {
      if (event.kind === "progress") before ||= writes;
    },
  });
  while (writes < before + 3) await new Promise((resolve) => setTimeout(resolve, 5));
  isDone = true;
  await writer;
  const difference = `select count(*) from (select id from bronze.shop_left except select id from bronze.shop_right union all
    (select id from bronze.shop_right except select id from bronze.shop_left)) as either`;
  expect(await shop.rows(difference)).toEqual([["0"]]);
  expect(Number((await shop.rows("select count(*) from bronze.shop_left"))[0]?.[0])).toBeLessThan(
    1000 + writes,
  );
});

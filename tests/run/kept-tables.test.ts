import { describe, expect, test } from "vitest";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

/** Tables that keep their identity from run to run. */
const kinds = {
  incremental: 'type: "incremental"',
  delta: 'type: "table"',
} as const;
type Kind = keyof typeof kinds;

function settingsOf(kind: Kind, settings: string): string {
  const all = kind === "delta" ? [`replace: "delta"`, settings] : [settings];
  return `${kinds[kind]}, metadata: { extraProperties: { postgres: { ${all.filter((each) => each !== "").join(", ")} } } }`;
}

/** Runs `silver.t` with settings; its rows have another number each time. */
async function run(warehouse: Warehouse, kind: Kind, settings: string, from: number): Promise<RunOutcome> {
  const query = `select n as id, n % 3 as part, 'note ' || n as note, date '2024-01-01' + n as day from generate_series(${from}, ${from} + 9) as n`;
  return runAll(await compiled({ "t.sqlx": `config { ${settingsOf(kind, settings)} } ${query}` }), warehouse);
}

async function made(kind: Kind, settings: string): Promise<Warehouse> {
  const { warehouse } = await testDatabase();
  await warehouse.query(
    "create schema raw; create table raw.parts (part int primary key, alias int unique); insert into raw.parts select n, n from generate_series(0, 2) as n",
  );
  expect(failures(await run(warehouse, kind, settings, 1))).toEqual([]);
  return warehouse;
}

/** Definitions of keys and storage, without the marks of the model. */
async function shape(warehouse: Warehouse): Promise<string[]> {
  const answer = await warehouse.query<{ line: string }>(`
select regexp_replace(pg_get_indexdef(indexrelid), ' USING btree', '') as line from pg_index where indrelid = 'silver.t'::regclass
union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = 'silver.t'::regclass and contype <> 'n'
union all select 'options ' || array_to_string(reloptions, ',') from pg_class where oid = 'silver.t'::regclass and reloptions is not null
order by 1`);
  return answer.rows.map(({ line }) => line);
}

describe.each(["incremental", "delta"] as const)("the model of a table that is kept (%s) changes", (kind) => {
  test.for([
    [
      "an index under its name",
      'indexes: [{ name: "mine", columns: ["id"] }]',
      'indexes: [{ name: "mine", columns: ["part", "(lower(note))"], include: ["day"], where: "id > 0" }]',
      ["CREATE INDEX mine ON silver.t (part, lower(note)) INCLUDE (day) WHERE (id > 0)"],
    ],
    [
      "an index to a unique one",
      'indexes: [{ name: "mine", columns: ["id"] }]',
      'indexes: [{ name: "mine", columns: ["id"], unique: true }]',
      ["CREATE UNIQUE INDEX mine ON silver.t (id)"],
    ],
    ["an index that it no longer has", 'indexes: [{ columns: ["id"] }]', "", []],
    [
      "the primary key",
      'primaryKey: ["id"]',
      'primaryKey: ["id", "part"]',
      ["CREATE UNIQUE INDEX t_pkey ON silver.t (id, part)", "t_pkey PRIMARY KEY (id, part)"],
    ],
    ["a primary key that it no longer has", 'primaryKey: ["id"]', "", []],
    [
      "a foreign key",
      'foreignKeys: [{ columns: ["part"], references: "raw.parts" }]',
      'foreignKeys: [{ columns: ["part"], references: "raw.parts", referencedColumns: ["alias"] }]',
      ["t_part_fkey FOREIGN KEY (part) REFERENCES raw.parts(alias)"],
    ],
    ["the fillfactor", "fillfactor: 70", "fillfactor: 80", ["options fillfactor=80"]],
  ] as const)("%s: it is followed where the table stands", async ([, first, then, expected]) => {
    const warehouse = await made(kind, first);
    const oid = await warehouse.query("select 'silver.t'::regclass::oid as oid");
    const second = await run(warehouse, kind, then, 11);
    expect(failures(second)).toEqual([]);
    expect(await shape(warehouse)).toEqual(expected);
    expect(await warehouse.query("select 'silver.t'::regclass::oid as oid")).toEqual(oid);
    // What stands as the model says is left alone.
    const files = "select indexrelid from pg_index where indrelid = 'silver.t'::regclass";
    const indexes = await warehouse.query(files);
    expect(failures(await run(warehouse, kind, then, 21))).toEqual([]);
    expect(await warehouse.query(files)).toEqual(indexes);
  });

  test("an index that is the replica identity stays that", async () => {
    const warehouse = await made(kind, 'indexes: [{ name: "mine", columns: ["id"], unique: true }]');
    await warehouse.query(
      "alter table silver.t alter id set not null, alter part set not null; alter table silver.t replica identity using index mine",
    );
    const changed = 'indexes: [{ name: "mine", columns: ["id", "part"], unique: true }]';
    expect(failures(await run(warehouse, kind, changed, 11))).toEqual([]);
    const answer = await warehouse.query(
      "select indexrelid::regclass::text as name from pg_index where indrelid = 'silver.t'::regclass and indisreplident",
    );
    expect(answer.rows).toEqual([{ name: "silver.mine" }]);
  });

  test("a key that somebody's foreign key needs is refused by name, and nothing changes", async () => {
    const warehouse = await made(kind, 'primaryKey: ["id"]');
    await warehouse.query("create table raw.refs (id int references silver.t (id))");
    const catalog = await catalogSnapshot(warehouse);
    const refused = outcomeOf(await run(warehouse, kind, 'primaryKey: ["id", "part"]', 11), "silver.t");
    expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
    expect(refused.error?.details.join()).toContain("refs_id_fkey");
    expect(await catalogSnapshot(warehouse)).toEqual(catalog);
  });

  test("an index of people's under a name of the model is left alone: as it should be, or refused", async () => {
    const warehouse = await made(kind, "");
    await warehouse.query("create index t_id_idx on silver.t (id)");
    const same = 'indexes: [{ columns: ["id"] }]';
    expect(failures(await run(warehouse, kind, same, 11))).toEqual([]);
    await warehouse.query("drop index silver.t_id_idx; create index t_id_idx on silver.t (id desc)");
    const catalog = await catalogSnapshot(warehouse);
    const refused = await run(warehouse, kind, same, 21);
    if (kind === "incremental")
      expect(failures(refused).join()).toContain(
        "index t_id_idx has a name of the model's settings, which did not make it",
      );
    else expect(outcomeOf(refused, "silver.t").path).toBe("swap");
    if (kind === "incremental") expect(await catalogSnapshot(warehouse)).toEqual(catalog);
  });
});

describe("settings that only another table can have", () => {
  test.for([
    [
      "unlogged: true",
      "",
      'silver.t is unlogged and becomes logged, which rewrites the table: alter table "silver"."t" set logged, or unlogged: true in the model',
    ],
    [
      "",
      "unlogged: true",
      'silver.t is logged and becomes unlogged, which rewrites the table: alter table "silver"."t" set unlogged, or unlogged: false in the model',
    ],
    [
      "",
      'partitionBy: { column: "day", granularity: "month" }',
      "silver.t is not partitioned and becomes partitioned by range (day)",
    ],
    [
      'partitionBy: { column: "day", granularity: "month" }',
      'partitionBy: { column: "id", hash: 3 }',
      "silver.t is partitioned by range (day) and becomes partitioned by hash (id)",
    ],
    [
      'partitionBy: { column: "day", granularity: "month" }',
      'partitionBy: { column: "day", granularity: "day" }',
      "silver.t has a partition a month and is to have one a day",
    ],
    [
      'partitionBy: { column: "id", hash: 3 }',
      'partitionBy: { column: "id", hash: 4 }',
      "silver.t has 3 hash partitions and is to have 4",
    ],
  ] as const)("from (%s) to (%s)", async ([first, then, said]) => {
    const warehouse = await made("incremental", first);
    const catalog = await catalogSnapshot(warehouse);
    const refused = outcomeOf(await run(warehouse, "incremental", then, 11), "silver.t");
    expect(refused).toMatchObject({
      status: "failed",
      error: {
        code: "cannot-replace",
        details: [said],
        hint: expect.stringContaining("--full-refresh") as unknown,
      },
    });
    expect(await catalogSnapshot(warehouse)).toEqual(catalog);
    expect((await warehouse.query("select from silver.t")).rowCount).toBe(10);
  });

  test("a table whose rows are changed in place is swapped for them, saying why", async () => {
    const warehouse = await made("delta", "");
    expect(outcomeOf(await run(warehouse, "delta", "unlogged: true", 11), "silver.t")).toMatchObject({
      status: "successful",
      path: "swap",
      reason:
        'not in place: silver.t is logged and becomes unlogged, which rewrites the table: alter table "silver"."t" set unlogged, or unlogged: false in the model',
    });
  });

  test("a table whose identity is needed is refused them, naming who needs it", async () => {
    const warehouse = await made("delta", "");
    await warehouse.query("create view raw.rows as select t from silver.t");
    const refused = outcomeOf(await run(warehouse, "delta", "unlogged: true", 11), "silver.t");
    expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
    expect(refused.error?.details).toEqual([
      "silver.t cannot change its identity: row type used by view column raw.rows.t",
      'silver.t is logged and becomes unlogged, which rewrites the table: alter table "silver"."t" set unlogged, or unlogged: false in the model',
    ]);
  });
});

test("partitions have the fillfactor of the model, new ones too, and follow it", async () => {
  const by = 'partitionBy: { column: "day", granularity: "month" }';
  const warehouse = await made("incremental", `${by}, fillfactor: 70`);
  const options = `select distinct array_to_string(reloptions, ',') as options, count(*)::int as n from pg_class
where relispartition and relkind = 'r' and relnamespace = 'silver'::regnamespace group by 1`;
  expect((await warehouse.query(options)).rows).toEqual([{ options: "fillfactor=70", n: 2 }]);
  expect(failures(await run(warehouse, "incremental", `${by}, fillfactor: 80`, 31))).toEqual([]);
  expect((await warehouse.query(options)).rows).toEqual([{ options: "fillfactor=80", n: 3 }]);
});

test("a materialized view whose index changed under its name is swapped rather than refreshed", async () => {
  const { warehouse } = await testDatabase();
  const build = async (columns: string): Promise<RunOutcome> =>
    runAll(
      await compiled({
        "m.sqlx": `config { type: "view", materialized: true, metadata: { extraProperties: { postgres: { indexes: [{ name: "mine", columns: [${columns}], unique: true }] } } } } select 1 as id, 2 as part`,
      }),
      warehouse,
    );
  await build('"id"');
  expect(outcomeOf(await build('"id"'), "silver.m").path).toBe("refresh");
  expect(outcomeOf(await build('"id", "part"'), "silver.m").path).toBe("swap");
  const definition = await warehouse.query("select pg_get_indexdef('silver.mine'::regclass) as text");
  expect(definition.rows).toEqual([{ text: expect.stringContaining("(id, part)") as unknown }]);
});

test("a partition of people's of another size does not keep new rows out", async () => {
  const by = 'partitionBy: { column: "day", granularity: "month" }';
  const warehouse = await made("incremental", by);
  await warehouse.query(
    "create table silver.t_2020 partition of silver.t for values from ('2020-01-01') to ('2021-01-01')",
  );
  expect(failures(await run(warehouse, "incremental", by, 31))).toEqual([]);
  expect((await warehouse.query("select from silver.t_2024_02")).rowCount).toBeGreaterThan(0);
});

test("keys with another mark are left alone where they are what the model says, others are made anew", async () => {
  const keys = (index: string): string => `primaryKey: ["id"], indexes: [{ name: "mine", ${index} }]`;
  const warehouse = await made("incremental", keys('columns: ["part", "day"], include: ["note"]'));
  await warehouse.query(`comment on index silver.t_pkey is 'made by aquifer from the model';
comment on index silver.mine is 'made by aquifer from the model';
create table raw.refs (id int references silver.t (id))`);
  const files = `select oid::int from pg_class where oid in ('silver.t_pkey'::regclass, 'silver.mine'::regclass) order by 1`;
  const before = await warehouse.query(files);
  const same = keys('columns: ["part", "day"], include: ["note"], method: "btree"');
  expect(failures(await run(warehouse, "incremental", same, 11))).toEqual([]);
  expect(await warehouse.query(files)).toEqual(before);
  await warehouse.query("comment on index silver.mine is 'made by aquifer from the model'");
  expect(failures(await run(warehouse, "incremental", keys('columns: ["part"]'), 21))).toEqual([]);
  expect(await shape(warehouse)).toContain("CREATE INDEX mine ON silver.t (part)");
});

test("an index is made anew under a name that no other key has", async () => {
  const indexes = (columns: string): string =>
    `indexes: [{ name: "mine", columns: [${columns}] }, { name: "mine_new", columns: ["part"] }]`;
  const warehouse = await made("incremental", indexes('"id"'));
  expect(failures(await run(warehouse, "incremental", indexes('"id", "day"'), 11))).toEqual([]);
  expect(await shape(warehouse)).toEqual([
    "CREATE INDEX mine ON silver.t (id, day)",
    "CREATE INDEX mine_new ON silver.t (part)",
  ]);
});

import { expect, test } from "vitest";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";

/** Columns whose types a result's description, a schema's name or a modifier could make look like others. */
const columns: Readonly<Record<string, string>> = {
  mail: "('a@' || n)::raw.mail",
  amount: "n::raw.amount",
  own_domain: "('a@' || n)::silver.address",
  nested: "('a@' || n)::raw.work_mail",
  mails: "array['a@b'::raw.mail]",
  mood: "'sad'::raw.mood",
  own_mood: "'sad'::silver.mood",
  moods: "array['sad'::silver.mood]",
  pair: "row(n, 'x')::silver.pair",
  spans: "raw.int_span(n, n + 1)",
  varying: "'x'::varchar(10)",
  fixed: "'x'::char(5)",
  one: `'x'::"char"`,
  label: "'x'::name",
  exact: "n::numeric(10, 2)",
  exacts: "array[n]::numeric(10, 2)[]",
  grid: "array[[n]]",
  collated: `'x' collate "C"`,
  at: "now()::timestamptz(3)",
  during: "interval '1 hour'::interval(2)",
  bits: "b'101'::bit(3)",
  unknown: "'x'",
  nothing: "null",
};

const query = (from: number): string =>
  `select n as id, ${Object.entries(columns)
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(", ")} from generate_series(${from}, ${from} + 9) as n`;

async function stage(): Promise<Warehouse> {
  const { warehouse } = await testDatabase();
  await warehouse.query(`create schema raw; create schema silver;
create domain raw.mail as text check (value like '%@%');
create domain raw.work_mail as raw.mail check (length(value) < 100);
create domain raw.amount as numeric(10, 2) not null;
create domain silver.address as text check (value like '%@%');
create type raw.mood as enum ('sad', 'glad');
create type silver.mood as enum ('sad', 'glad');
create type silver.pair as (id int, note text);
create type raw.int_span as range (subtype = int)`);
  return warehouse;
}

async function run(warehouse: Warehouse, config: string, from: number): Promise<RunOutcome> {
  return runAll(await compiled({ "t.sqlx": `config { ${config} } ${query(from)}` }), warehouse);
}

const postgres = (settings: string): string => `metadata: { extraProperties: { postgres: { ${settings} } } }`;

test.for([
  ['type: "incremental", onSchemaChange: "FAIL"', "append"],
  ['type: "incremental", onSchemaChange: "IGNORE"', "append"],
  ['type: "incremental", onSchemaChange: "EXTEND"', "append"],
  ['type: "incremental", onSchemaChange: "SYNCHRONIZE"', "append"],
  ['type: "table"', "swap"],
  [`type: "table", ${postgres('primaryKey: ["id"], replace: "delta"')}`, "delta"],
  ['type: "view"', "replace"],
  ['type: "view", materialized: true', "swap"],
] as const)("types of every kind are the same again in the next version: %s", async ([config, path]) => {
  const warehouse = await stage();
  expect(failures(await run(warehouse, config, 1))).toEqual([]);
  await warehouse.query(
    "create view raw.theirs as select * from silver.t; create materialized view raw.kept as select * from silver.t",
  );
  const types =
    "select attname, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = 'silver.t'::regclass and attnum > 0 order by attnum";
  const before = await warehouse.query(types);
  const next = await run(warehouse, config, 11);
  expect(failures(next)).toEqual([]);
  expect(outcomeOf(next, "silver.t").path).toBe(path);
  expect(await warehouse.query(types)).toEqual(before);
  expect((await warehouse.query("select from raw.theirs")).rowCount).toBe(path === "append" ? 20 : 10);
});

test("a table that a publication needs keeps its columns of domains", async () => {
  const warehouse = await stage();
  const config = `type: "table", ${postgres('primaryKey: ["id"]')}`;
  expect(failures(await run(warehouse, config, 1))).toEqual([]);
  await warehouse.query("create publication everything for table silver.t");
  const next = await run(warehouse, config, 11);
  expect(failures(next)).toEqual([]);
  expect(outcomeOf(next, "silver.t").path).toBe("delta");
});

test.for(["FAIL", "EXTEND"])(
  "a column that becomes another domain is named as that, under %s",
  async (policy) => {
    const warehouse = await stage();
    const build = async (type: string): Promise<RunOutcome> =>
      runAll(
        await compiled({
          "t.sqlx": `config { type: "incremental", onSchemaChange: "${policy}" } select 1 as id, 'a@b'::${type} as mail`,
        }),
        warehouse,
      );
    expect(failures(await build("raw.mail"))).toEqual([]);
    expect(failures(await build("silver.address")).join()).toMatch(/mail.*silver\.address/);
  },
);

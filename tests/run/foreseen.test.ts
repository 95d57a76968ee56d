import { describe, expect, test } from "vitest";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { dataform } from "../support/command-line.js";
import { temporaryProject } from "../support/temporary-project.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

/** Fails when a row of it is made, not when only its columns are asked for. */
const bang = "select id, 2 as amount, 1 / (id - id) as bang from generate_series(1, 1) as id";

/** What people put on column `old` of `silver.t`, and what a refusal calls it. */
const users: Readonly<Record<string, string>> = {
  "create index plain on silver.t (old)": "index silver.plain needs",
  "create index expression on silver.t (lower(old))": "index silver.expression needs",
  "create index predicate on silver.t (id) where old <> 'x'": "index silver.predicate needs",
  "create unique index covering on silver.t (id) include (old)": "index silver.covering needs",
  "alter table silver.t add constraint filled check (old <> '')": "table constraint filled on silver.t needs",
  "alter table silver.t add constraint once unique (id, old)": "table constraint once on silver.t needs",
  "create statistics people.pairs on id, old from silver.t": "statistics object people.pairs needs",
  "create policy own on silver.t using (old <> 'x')": "policy own on silver.t needs",
  "create policy others on people.other using (id in (select old from silver.t))":
    "policy others on people.other needs",
  "create trigger watch after update of old on silver.t execute function people.touch()":
    "trigger watch on silver.t needs",
  "create rule note as on delete to silver.t where old.old = 'x' do also select 1":
    "rule note on silver.t needs",
  "create function people.newest() returns text language sql begin atomic select max(old) from silver.t; end":
    "function people.newest() needs",
  "create view people.plain as select old from silver.t": "view people.plain reads",
  "create materialized view people.kept as select old from silver.t": "materialized view people.kept reads",
};

/** As above, and they depend on the identity of the table too. */
const identities: Readonly<Record<string, string>> = {
  "alter table silver.t add constraint key unique (old)": "table constraint key on silver.t needs",
  "create table people.child (old text references silver.t (old))":
    "table constraint child_old_fkey on people.child needs",
  "create sequence silver.counter owned by silver.t.old": "sequence silver.counter needs",
};

const before = "select 1 as id, 'a' as old, 2 as amount";

function model(config: string, query: string): Record<string, string> {
  return { "t.sqlx": `config { ${config} } ${query}` };
}

const delta = 'metadata: { extraProperties: { postgres: { replace: "delta" } } }';

async function stage(config: string, statement: string): Promise<{ warehouse: Warehouse; url: string }> {
  const { warehouse, url } = await testDatabase({ maxSessions: 3 });
  expect(failures(await runAll(await compiled(model(config, before)), warehouse))).toEqual([]);
  await warehouse.query(`create schema people;
create table people.other (id text);
create function people.touch() returns trigger language plpgsql as 'begin return null; end';
${statement}`);
  return { warehouse, url };
}

/** Tries the next version; nothing may change, and nothing may have been built. */
async function refusal(
  { warehouse }: { warehouse: Warehouse },
  files: Record<string, string>,
): Promise<readonly string[]> {
  const catalog = await catalogSnapshot(warehouse);
  const rows = (await warehouse.query("select to_jsonb(t) as row from silver.t order by id")).rows;
  const outcome = outcomeOf(await runAll(await compiled(files), warehouse), "silver.t");
  expect(outcome).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
  expect(await catalogSnapshot(warehouse)).toEqual(catalog);
  expect((await warehouse.query("select to_jsonb(t) as row from silver.t order by id")).rows).toEqual(rows);
  return outcome.error?.details ?? [];
}

const kinds: readonly (readonly [kind: string, config: string])[] = [
  ["table", 'type: "table"'],
  ["table that is changed in place", `type: "table", ${delta}`],
  ["incremental table that is synchronized", 'type: "incremental", onSchemaChange: "SYNCHRONIZE"'],
];

describe("what people put on a column keeps it from going, and is named, before anything is built", () => {
  const cases = [users, identities].flatMap((group) =>
    kinds.map(([kind, config]) => [kind, config, group] as const),
  );
  test.for(cases)("under a %s", async ([, config, group]) => {
    const set = await stage(config, Object.keys(group).join(";\n"));
    const details = await refusal(set, model(config, bang));
    expect(details.filter((line) => line.endsWith("which goes away"))).toEqual(
      expect.arrayContaining(
        Object.values(group).map((named) => `${named} column silver.t.old, which goes away`),
      ),
    );
  });
});

describe("what does not fit a column's new type refuses it, before anything is built", () => {
  const retyped = "select id, id as old, 1 / (id - id) as bang from generate_series(1, 1) as id";
  test.for([
    [
      "create index mine on silver.t (old text_pattern_ops)",
      /^create index mine .* does not fit the new version: .*operator class/i,
    ],
    [
      "alter table silver.t alter column old set default 'none'",
      /set default 'none'.* does not fit the new version: .*integer/,
    ],
    [
      "create policy mine on silver.t using (old like 'a%')",
      /^create policy mine .* does not fit the new version/,
    ],
    [
      "create function people.newest() returns text language sql begin atomic select lower(old) from silver.t; end",
      /^function people\.newest\(\) does not fit the new version: .*lower\(integer\)/,
    ],
    [
      "create view people.plain as select old from silver.t",
      /^view people\.plain reads .* becomes integer \(was text\)/,
    ],
  ] as const)("%s", async ([statement, said]) => {
    const set = await stage('type: "table"', statement);
    expect((await refusal(set, model('type: "table"', retyped)))[0]).toMatch(said);
  });
});

test("a model above that cannot follow the new columns refuses them before anything is built", async () => {
  const above = { "v.sqlx": 'config { type: "view" } select old from ${ref("t")}' };
  const { warehouse } = await testDatabase();
  const first = { ...model('type: "table"', before), ...above };
  expect(failures(await runAll(await compiled(first), warehouse))).toEqual([]);
  const details = await refusal({ warehouse }, { ...model('type: "table"', bang), ...above });
  expect(details[0]).toBe(
    'view silver.v of this project does not fit the new version: postgres error: column "old" does not exist',
  );
});

test("a dry run shows what would be refused and why, what would not, and what it cannot know, and leaves no trace", async () => {
  const { warehouse, url } = await testDatabase();
  const project = (query: string): Record<string, string> => ({
    "definitions/t.sqlx": `config { type: "table" }\n${query}`,
    "definitions/i.sqlx": `config { type: "incremental", onSchemaChange: "FAIL" }\n${query}`,
    "definitions/v.sqlx": `config { type: "view" }\n${query}`,
    "definitions/m.sqlx": `config { type: "view", materialized: true }\n${query}`,
    "definitions/free.sqlx": `config { type: "table" }\n${query}`,
    "definitions/later.sqlx": 'config { type: "table" }\nselect bang from ${ref("free")}',
  });
  const call = (query: string, ...argv: string[]): ReturnType<typeof dataform> =>
    dataform(argv, { cwd: temporaryProject(project(query)), env: { DATABASE_URL: url } });
  expect((await call("select 1 as id, 'a' as old, 2 as bang", "run")).exitCode).toBe(0);
  await warehouse.query(`create schema people;
create index mine on silver.t (old);
create view people.of_view as select old from silver.v;
create materialized view people.of_rows as select old from silver.m;
create view people.of_later as select bang from silver.later`);
  const trace =
    "select pg_current_xact_id_if_assigned(), (select count(*) from pg_namespace), (select count(*) from pg_class)";
  const [catalog, counts] = [await catalogSnapshot(warehouse), await warehouse.query(trace)];
  const { exitCode, stdout } = await call(bang, "run", "--dry-run");
  expect(stdout).toMatch(
    /silver\.t +table +refused +index silver\.mine needs column silver\.t\.old, which goes away\n/,
  );
  expect(stdout).toMatch(
    /silver\.i +incremental +refused +The columns of silver\.i changed .* onSchemaChange is FAIL/,
  );
  expect(stdout).toMatch(
    /silver\.v +view +refused +view people\.of_view reads column silver\.v\.old, which goes away/,
  );
  expect(stdout).toMatch(
    /silver\.m +view +refused +materialized view people\.of_rows reads column silver\.m\.old/,
  );
  expect(stdout).toMatch(/silver\.free +table +swap +nothing reads it/);
  expect(stdout).toMatch(/silver\.later +table +swap +1 view is pointed to the new version/);
  expect(stdout).toContain("2 actions would run, 4 would be refused and leave what stands there as it is.");
  expect(exitCode).toBe(1);
  expect(await catalogSnapshot(warehouse)).toEqual(catalog);
  expect(await warehouse.query(trace)).toEqual(counts);
  const json = JSON.parse(
    (await call(bang, "run", "--dry-run", "--json", "--actions", "t")).stdout,
  ) as unknown;
  expect(json).toMatchObject({ actions: [{ aquifer: { path: "refused" } }] });
});

test("a fault of syntax in a model that something reads is told at its place", async () => {
  const { warehouse } = await stage('type: "table"', "create view people.reads as select id from silver.t");
  const run = await runAll(await compiled(model('type: "table"', "select 1 as id,\n  selct ((1")), warehouse);
  expect(outcomeOf(run, "silver.t")).toMatchObject({
    status: "failed",
    error: { code: "sql-42601", message: expect.stringContaining("syntax error") as string },
  });
  expect((await warehouse.query("select id from people.reads")).rows).toEqual([{ id: 1 }]);
});

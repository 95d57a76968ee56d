import { realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeGeneratedProject } from "../../bench/_generated-project.js";
import { quoteIdentifier, quoteRelation } from "../../src/base/identifiers.js";
import { checkProject } from "../../src/check/check-project.js";
import type { KnownRelation } from "../../src/check/empty-build.js";
import type { WarehouseModel } from "../../src/check/warehouse-model.js";
import { knownRelations } from "../../src/cli/check-inputs.js";
import { isRelationAction, toActions } from "../../src/project/action.js";
import { compileProject } from "../../src/project/compile.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, runAll, testDatabase, type TestProject } from "../support/project.js";
import { temporaryProject } from "../support/temporary-project.js";
import { known, sharedServer } from "./check-support.js";

const repository = realpathSync(join(import.meta.dirname, "../.."));

/** Models whose types are not said anywhere: the server infers them. */
const files: Readonly<Record<string, string>> = {
  "definitions/bronze/orders.sqlx": 'config { type: "declaration", schema: "bronze", name: "orders" }',
  "definitions/bronze/customers.sqlx": 'config { type: "declaration", schema: "bronze", name: "customers" }',
  "definitions/typed.sqlx": `config { type: "table", metadata: { extraProperties: { postgres: { primaryKey: ["id"] } } } }
select id, amount::numeric(10, 2) as amount, ordered_at, note::varchar(20) as note, array[id] as ids,
  '{"a": 1}'::jsonb as doc, now() as at, row_number() over () as n, null as nothing from \${ref("orders")}`,
  "definitions/joined.sqlx": `config { type: "view" }
select t.*, c.city, t.amount / 3 as third, coalesce(t.n, 0) > 1 as many, interval '1 day' * t.id as days
from \${ref("typed")} t left join \${ref("customers")} c on c.id = t.id`,
  "definitions/kept.sqlx": `config { type: "incremental", uniqueKey: ["city"] }
select city, sum(amount) as total, avg(n) as mean, string_agg(note, ',') as notes from \${ref("joined")}
group by city \${when(incremental(), "having count(*) > 0")}`,
  "definitions/seen.sqlx":
    'config { type: "view", materialized: true }\nselect city, total::real as t from ${ref("kept")}',
  "definitions/log.sqlx":
    'config { type: "operations", hasOutput: true }\ncreate table if not exists ${self()} (id bigint generated always as identity, what text not null)',
  "definitions/split.sqlx": `config { type: "table", metadata: { extraProperties: { postgres: { partitionBy: { column: "ordered_at", granularity: "month" } } } } }
select id, ordered_at, amount * 2 as twice, note::char(3) as code from \${ref("orders")}`,
  "definitions/slices.sqlx": `config { type: "incremental", metadata: { extraProperties: { postgres: { partitionBy: { column: "id", hash: 2 } } } } }
select id, count(*) as n from \${ref("split")} \${when(incremental(), "where id > 3")} group by id`,
  "definitions/union.sqlx": `config { type: "table" }
select id, amount from \${ref("orders")} union all select id, null from \${ref("customers")}`,
};

/** Columns with their types, by relation. */
type Columns = Readonly<Record<string, readonly string[]>>;

it("says of every model the columns and types that a real run then builds", async () => {
  const { said, built } = await bothOf(await compiled(files), known);
  expect(said).toEqual(built);
  expect(Object.keys(said)).toHaveLength(8);
});

it("says so of every model of this repository, and finds nothing", { timeout: 300_000 }, async () => {
  const { said, built } = await bothOf(await projectAt(repository), await knownRelations(repository));
  expect(said).toEqual(built);
  expect(Object.keys(said).length).toBeGreaterThan(10);
});

it("says so of a project of a thousand models, and finds nothing", { timeout: 600_000 }, async () => {
  const root = temporaryProject({});
  writeGeneratedProject(root, 1000, join(repository, "node_modules"));
  const { said, built } = await bothOf(await projectAt(root), []);
  expect(said).toEqual(built);
  expect(Object.keys(said)).toHaveLength(1000);
});

async function projectAt(root: string): Promise<TestProject> {
  const project = await compileProject({ projectRoot: root });
  return { project, actions: toActions(project) };
}

/** What a check says of what a project makes, and what a run on empty sources makes. */
async function bothOf(
  tested: TestProject,
  sources: readonly KnownRelation[],
): Promise<{ said: Columns; built: Columns }> {
  const relationOf = (ref: { schema: string; name: string }): { schema: string; name: string } => ref;
  const { model, findings } = await checkProject({
    ...{ project: tested.project, server: sharedServer(), known: sources, reports: [], relationOf },
    historySchema: "aquifer",
  });
  expect(findings).toEqual([]);
  const made = [...tested.actions.values()].filter(
    (action) => isRelationAction(action) || action.kind === "operations",
  );
  const { warehouse } = await testDatabase();
  await makeSources(warehouse, sources);
  // Assertions make no relations, and would wait for each other.
  const selected = new Set(made.map(({ key }) => key));
  expect(failures(await runAll(tested, warehouse, { selected }))).toEqual([]);
  return { said: saidOf(model, selected), built: await builtOf(warehouse, selected) };
}

async function makeSources(warehouse: Warehouse, sources: readonly KnownRelation[]): Promise<void> {
  for (const schema of new Set(sources.map(({ name }) => name.schema)))
    await warehouse.query(`create schema ${quoteIdentifier(schema)}`);
  for (const { name, columns } of sources) {
    const list = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(", ");
    await warehouse.query(`create table ${quoteRelation(name)} (${list})`);
  }
}

function saidOf({ relations }: WarehouseModel, keys: ReadonlySet<string>): Columns {
  return Object.fromEntries(
    Object.entries(relations).flatMap(([key, { columns }]) =>
      keys.has(key) ? [[key, columns.map(({ name, type }) => `${name} ${type}`)]] : [],
    ),
  );
}

async function builtOf(warehouse: Warehouse, keys: ReadonlySet<string>): Promise<Columns> {
  const { rows } = await warehouse.query<{ key: string; columns: string[] }>(
    `select n.nspname || '.' || c.relname as key,
       to_jsonb(array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum)) as columns
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped group by 1`,
  );
  return Object.fromEntries(rows.flatMap(({ key, columns }) => (keys.has(key) ? [[key, columns]] : [])));
}

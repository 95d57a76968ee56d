import { expect, it } from "vitest";
import { checkProject } from "../../src/check/check-project.js";
import { compiled, failures, runAll, testDatabase } from "../support/project.js";
import { known, sharedServer } from "./check-support.js";

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
  "definitions/union.sqlx": `config { type: "table" }
select id, amount from \${ref("orders")} union all select id, null from \${ref("customers")}`,
};

it("says of every model the columns and types that a real run then builds", async () => {
  const project = await compiled(files);
  const relationOf = (ref: { schema: string; name: string }): { schema: string; name: string } => ref;
  const { model, findings } = await checkProject({
    ...{ project: project.project, server: sharedServer(), known, reports: [], relationOf },
    historySchema: "aquifer",
  });
  expect(findings).toEqual([]);
  const { warehouse } = await testDatabase();
  await warehouse.query("create schema bronze");
  for (const { name, columns } of known) {
    const list = columns.map((column) => `${column.name} ${column.type}`).join(", ");
    await warehouse.query(`create table bronze.${name.name} (${list})`);
  }
  expect(failures(await runAll(project, warehouse))).toEqual([]);
  const { rows } = await warehouse.query<{ key: string; columns: string[] }>(
    `select n.nspname || '.' || c.relname as key,
       to_jsonb(array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum)) as columns
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'silver' and c.relkind in ('r', 'v', 'm') and a.attnum > 0 and not a.attisdropped group by 1`,
  );
  const built = Object.fromEntries(rows.map(({ key, columns }) => [key, columns]));
  const said = Object.fromEntries(
    Object.entries(model.relations)
      .filter(([key]) => key.startsWith("silver."))
      .map(([key, { columns }]) => [key, columns.map(({ name, type }) => `${name} ${type}`)]),
  );
  expect(said).toEqual(built);
  expect(Object.keys(said)).toHaveLength(6);
});

import { expect, test } from "vitest";
import { runLockKey } from "../../src/history/run-store.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, outcomeOf, ownedDatabase, runAll, testDatabase } from "../support/project.js";

async function privateSchemas(warehouse: Warehouse): Promise<string[]> {
  const answer = await warehouse.query<{ name: string }>(
    "select nspname as name from pg_namespace where nspname like 'aquifer\\_%' order by 1",
  );
  return answer.rows.map(({ name }) => name);
}

function tables(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => `t${index}`);
  return Object.fromEntries(names.map((name) => [`${name}.sqlx`, `config { type: "table" } select 1 as id`]));
}

test("a run of many actions keeps one private schema a session, and none when it is over", async () => {
  const { warehouse } = await testDatabase();
  const counter = (dependencies: readonly string[]): string =>
    `config { type: "operations", name: "count", dependencies: ${JSON.stringify(dependencies)} }
create table public.seen as select nspname from pg_namespace where nspname like 'aquifer\\_%'`;
  const files = tables(12);
  expect(failures(await runAll(await compiled(files), warehouse))).toEqual([]);
  const project = await compiled({
    ...files,
    "count.sqlx": counter(Array.from({ length: 12 }, (_, n) => `t${n}`)),
  });
  const run = await runAll(project, warehouse, { concurrency: 2 });
  expect(failures(run)).toEqual([]);
  expect(outcomeOf(run, "silver.t0").path).toBe("swap");
  const seen = (await warehouse.query("table public.seen")).rowCount;
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThanOrEqual(2);
  expect(await privateSchemas(warehouse)).toEqual([]);
});

test("what a dead run left is swept; what is alive, in use or not ours is left alone", async () => {
  const { warehouse } = await testDatabase();
  const ids = ["dead", "live", "full"].map(() => crypto.randomUUID());
  const [dead = "", alive = "", full = ""] = ids;
  const name = (id: string): string => `aquifer_${id.slice(0, 8)}_1`;
  for (const id of ids)
    await warehouse.query(
      `create schema "${name(id)}"; comment on schema "${name(id)}" is 'private schema of aquifer run ${id}'`,
    );
  await warehouse.query(`create table "${name(full)}".kept (); create schema aquifer_0a0a0a0a_1`);
  await warehouse.withSession(async (session) => {
    await session.query(`select pg_advisory_lock(${runLockKey("$1")})`, [alive]);
    expect(failures(await runAll(await compiled(tables(1)), warehouse))).toEqual([]);
    await session.query("select pg_advisory_unlock_all()");
  });
  const left = await privateSchemas(warehouse);
  expect(left).toEqual([name(alive), name(full), "aquifer_0a0a0a0a_1"].sort());
  expect(left).not.toContain(name(dead));
});

test("the schema for what is temporary is made once a session, not for each look at the columns of a query", async () => {
  const { warehouse } = await testDatabase();
  const views = Object.entries(tables(6)).map(([file], n): [string, string] => [
    `over_${file}`,
    `config { type: "view" } select * from \${ref("t${n}")}`,
  ]);
  const files = { ...tables(6), ...Object.fromEntries(views) };
  const project = await compiled(files);
  expect(failures(await runAll(project, warehouse))).toEqual([]);
  const run = await runAll(project, warehouse, { concurrency: 1 });
  expect(failures(run)).toEqual([]);
  // One that is undone takes the plans of all that its session has prepared with it.
  const { rows } = await warehouse.query(
    "select nspname from pg_namespace where pg_is_other_temp_schema(oid) or oid = pg_my_temp_schema()",
  );
  expect(rows.length).toBeGreaterThan(0);
});

test("a role that may make nothing temporary runs all the same", async () => {
  const { admin, warehouse, database } = await ownedDatabase();
  const project = await compiled({
    ...tables(12),
    "v.sqlx": `config { type: "view" } select * from \${ref("t0")}`,
  });
  await admin.query(`revoke temporary on database "${database.name}" from public`);
  await expect(warehouse.query("create temporary table refused ()")).rejects.toThrow(/permission denied/);
  for (const path of ["create", "swap"]) {
    const run = await runAll(project, warehouse);
    expect(failures(run)).toEqual([]);
    expect(outcomeOf(run, "silver.t0").path).toBe(path);
  }
});

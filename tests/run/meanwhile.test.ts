import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

const kinds = {
  table: 'type: "table"',
  "table that is changed in place":
    'type: "table", metadata: { extraProperties: { postgres: { replace: "delta", primaryKey: ["id"] } } }',
  view: 'type: "view", assertions: { nonNull: ["id"] }',
  "materialized view": 'type: "view", materialized: true',
};

/** A model whose build, or audit where it is a view, takes a while from its second version on. */
async function version(
  kind: keyof typeof kinds,
  number: number,
): Promise<Awaited<ReturnType<typeof compiled>>> {
  const slow = number === 1 ? "" : ", (select pg_sleep(1.5)) as slept";
  return compiled({
    "items.sqlx": `config { ${kinds[kind]} } select n as id, ${number} as version from generate_series(1, 3) as n${slow}`,
  });
}

async function until(warehouse: Warehouse, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if ((await warehouse.query(condition)).rowCount > 0) return;
    await pause(10);
  }
  throw new Error(`never true: ${condition}`);
}

const building = "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";

/** What the catalog knows, without the text of the model itself and the run's private schema. */
async function peoples(warehouse: Warehouse): Promise<string[]> {
  const lines = await catalogSnapshot(warehouse);
  return lines.filter((line) => !/^(definition of silver\.items|schema aquifer_)/.test(line));
}

describe("what somebody does to a relation while its new version is built stays", () => {
  test.for(Object.keys(kinds) as (keyof typeof kinds)[])(
    "a %s: grants, on columns too, and comments",
    async (kind) => {
      const { warehouse, name } = await testDatabase({ maxSessions: 4 });
      const role = `"${name}_reader"`;
      expect(failures(await runAll(await version(kind, 1), warehouse))).toEqual([]);
      await warehouse.query(`create role ${role}; grant select on silver.items to public`);
      const running = runAll(await version(kind, 2), warehouse, { concurrency: 1 });
      await until(warehouse, building);
      const noun =
        { table: "table", view: "view" }[kind as string] ?? (kind.startsWith("mat") ? kind : "table");
      await warehouse.query(`
revoke select on silver.items from public;
grant select on silver.items to ${role} with grant option;
grant update (version) on silver.items to ${role};
comment on ${noun} silver.items is 'said while it was built'`);
      expect((await warehouse.query(building)).rowCount).toBe(1);
      const before = await peoples(warehouse);
      expect(failures(await running)).toEqual([]);
      expect(await peoples(warehouse)).toEqual(before);
      expect((await warehouse.query("select distinct version from silver.items")).rows).toEqual([
        { version: 2 },
      ]);
    },
  );

  test("a table: policies, triggers, indexes, a view, and another owner", async () => {
    const { warehouse, name } = await testDatabase({ maxSessions: 4 });
    expect(failures(await runAll(await version("table", 1), warehouse))).toEqual([]);
    await warehouse.query(`create role "${name}_owner"; grant all on schema silver to "${name}_owner"`);
    const running = runAll(await version("table", 2), warehouse, { concurrency: 1 });
    await until(warehouse, building);
    await warehouse.query(`
create function public.touch() returns trigger language plpgsql as 'begin return null; end';
create policy own on silver.items using (version > 0);
alter table silver.items enable row level security;
create trigger watch after delete on silver.items execute function public.touch();
create index mine on silver.items (version);
create view public.theirs as select id from silver.items;
alter table silver.items owner to "${name}_owner"`);
    const before = await catalogSnapshot(warehouse);
    expect(failures(await running)).toEqual([]);
    expect(await catalogSnapshot(warehouse)).toEqual(before);
    expect((await warehouse.query("select distinct version from silver.items")).rows).toEqual([
      { version: 2 },
    ]);
  });

  test("a grant that is still open when the table is swapped is not lost: it is there, or was refused", async () => {
    const { warehouse, name } = await testDatabase({ maxSessions: 5 });
    expect(failures(await runAll(await version("table", 1), warehouse))).toEqual([]);
    await warehouse.query(`create role "${name}_reader"`);
    let outcome: RunOutcome | undefined;
    await warehouse.withSession(async (session) => {
      await session.query(`begin; grant select on silver.items to "${name}_reader"`);
      const running = runAll(await version("table", 2), warehouse, { concurrency: 1 });
      await until(warehouse, building);
      // The swap begins about now, and finds the grant before it is committed.
      await pause(2500);
      await session.query("commit");
      outcome = await running;
    });
    expect(outcome === undefined ? [] : failures(outcome)).toEqual([]);
    const granted = await warehouse.query(
      `select has_table_privilege('${name}_reader', 'silver.items', 'select') as granted, max(version) as version from silver.items`,
    );
    expect(granted.rows).toEqual([{ granted: true, version: 2 }]);
  });

  test("grants to and fro while a table is swapped again and again: the last word holds", async () => {
    const { warehouse, name } = await testDatabase({ maxSessions: 5 });
    const role = `"${name}_reader"`;
    const model = (n: number): ReturnType<typeof compiled> =>
      compiled({ "items.sqlx": `config { type: "table" } select ${n} as version` });
    expect(failures(await runAll(await model(0), warehouse))).toEqual([]);
    await warehouse.query(`create role ${role}`);
    let done = false;
    let words = 0;
    const speaking = (async (): Promise<void> => {
      while (!done) {
        const verb =
          words % 2 === 0 ? "grant select on silver.items to" : "revoke select on silver.items from";
        // Who meets the swap itself is told so, and says it again.
        const heard = await warehouse.query(`${verb} ${role}`).then(
          () => true,
          () => false,
        );
        if (!heard) continue;
        words += 1;
        const has = await warehouse.query<{ has: boolean }>(
          `select has_table_privilege('${name}_reader', 'silver.items', 'select') as has`,
        );
        expect(has.rows[0]?.has, `after ${words} words`).toBe(words % 2 === 1);
        await pause(5);
      }
    })();
    const projects = await Promise.all(Array.from({ length: 12 }, (_, n) => model(n + 1)));
    for (const project of projects) {
      const run = await runAll(project, warehouse, { concurrency: 1 });
      expect(failures(run)).toEqual([]);
      expect(outcomeOf(run, "silver.items").path).toBe("swap");
    }
    done = true;
    await speaking;
    expect(words).toBeGreaterThan(5);
  });
});

import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { dataform as spawned, type Ended } from "../cli/support.js";
import { open } from "../support/database.js";
import { testDatabase } from "../support/project.js";
import { temporaryProject } from "../support/temporary-project.js";

/** The history of all snapshots, from nothing: neighbouring snapshots with the same value are one version. */
const recomputed = `
select key, value, min(day) as valid_from, max(next_day) as valid_to
from (
  select *, count(*) filter (where is_new) over (partition by key order by day) as version
  from (
    select key, value, day, next_day,
      value is distinct from lag(value) over keys or lag(next_day) over keys is distinct from day as is_new
    from raw.snapshots
    join (select day, lead(day, 1, 'infinity') over (order by day) as next_day from (select distinct day from raw.snapshots) as days) as days using (day)
    window keys as (partition by key order by day)
  ) as rows
) as numbered
group by key, value, version`;

/** Waits where the test asks for it, so that a kill can meet the transaction between two statements. */
const stop = (name: string): string => `select pg_sleep(30) from raw.control where stop_after = '${name}'`;

/** Brings the history of the keys whose snapshots changed up to date, wherever in time those lie. */
const slotIn = `config { type: "operations", name: "history", schema: "silver", hasOutput: true }
create table if not exists \${self()} (
  key integer, value text, valid_from date, valid_to date, primary key (key, valid_from))
---
create temporary table wanted on commit drop as ${recomputed}
---
delete from \${self()} as history
where not exists (select from wanted where wanted.key = history.key and wanted.valid_from = history.valid_from)
---
${stop("delete")}
---
update \${self()} as history set value = wanted.value, valid_to = wanted.valid_to from wanted
where wanted.key = history.key and wanted.valid_from = history.valid_from
  and (wanted.value, wanted.valid_to) is distinct from (history.value, history.valid_to)
---
${stop("update")}
---
insert into \${self()} select * from wanted
where not exists (select from \${self()} as history where wanted.key = history.key and wanted.valid_from = history.valid_from)
---
${stop("insert")}
---
update \${self()} set valid_to = valid_to + 1 where valid_to < 'infinity' and exists (select from raw.control where spoil)`;

const project = {
  "definitions/history.sqlx": slotIn,
  "definitions/overlaps.sqlx": `config { type: "assertion" }
select one.key, one.valid_from, other.valid_from as other_from
from \${ref("silver", "history")} as one
join \${ref("silver", "history")} as other
  on one.key = other.key and one.valid_from < other.valid_from and other.valid_from < one.valid_to`,
  "definitions/current.sqlx": `config { type: "table", schema: "gold" }
select key, value from \${ref("silver", "history")} as history where valid_to = 'infinity'`,
};

const contents =
  "select coalesce(md5(string_agg(history::text, ';' order by key, valid_from)), '') as digest, count(*)::int as n from silver.history";

async function digest(warehouse: Warehouse): Promise<string> {
  return (await warehouse.query<{ digest: string }>(contents)).rows[0]?.digest ?? "";
}

test("a late snapshot slots into the middle of a history in one audited transaction, under readers, a refusal and kills", async () => {
  const { warehouse, url } = await testDatabase({ maxSessions: 3 });
  await warehouse.query(`
create schema raw;
create table raw.control (stop_after text, spoil boolean);
create table raw.snapshots (day date, key integer, value text);
insert into raw.snapshots select day, key, case when key % 3 = 0 then 'same' else 'v' || (day - date '2024-01-01') / 20 || key % 2 end
from unnest('{2024-01-01,2024-01-21,2024-02-10}'::date[]) as day, generate_series(1, 300) as key where key % 10 <> 0 or day <> '2024-01-21'`);
  const cwd = temporaryProject(project);
  const run = (argv: readonly string[], onStart?: (kill: () => void) => void): Promise<Ended> => {
    let told = false;
    return spawned(argv, {
      cwd,
      env: { DATABASE_URL: url },
      onOutput: (_, send) => {
        if (told) return;
        told = true;
        onStart?.(() => send("SIGKILL"));
      },
    });
  };
  const first = await run(["run"]);
  expect(first.code, first.stderr).toBe(0);
  const before = await digest(warehouse);

  const seen = new Set<string>();
  const errors: string[] = [];
  let done = false;
  const readers = [1, 2].map(async () => {
    const reader = await open(url, 1);
    while (!done)
      await digest(reader).then(
        (each) => seen.add(each),
        (thrown: unknown) => errors.push(String(thrown)),
      );
    await reader.close();
  });
  onTestFinished(() => {
    done = true;
  });

  // In the middle: some keys go on as they were, some have another value for a while, some are absent, some are new.
  await warehouse.query(`insert into raw.snapshots
select date '2024-01-31', key, case key % 4 when 0 then 'late' when 1 then 'v2' || key % 2 else (
  select value from raw.snapshots where snapshots.key = late.key and day = '2024-01-21') end
from generate_series(1, 310) as late (key) where key % 7 <> 0`);

  await warehouse.query("insert into raw.control values (null, true)");
  const refused = await run(["run"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("not published: quality.overlaps failed on the new version");
  expect(await digest(warehouse)).toBe(before);

  for (const where of ["delete", "update", "insert"]) {
    await warehouse.query(`update raw.control set stop_after = '${where}', spoil = false`);
    const killed = run(["run"], (kill) => {
      void until(
        warehouse,
        "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
      ).then(kill);
    });
    expect((await killed).code).toBeNull();
    await until(
      warehouse,
      "select where not exists (select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database())",
    );
    expect(await digest(warehouse), `killed after ${where}`).toBe(before);
  }

  await warehouse.query("delete from raw.control");
  const retried = await run(["retry"]);
  expect(retried.code, retried.stderr).toBe(0);
  done = true;
  await Promise.all(readers);
  const after = await digest(warehouse);
  expect(errors).toEqual([]);
  expect([...seen].filter((each) => each !== before && each !== after)).toEqual([]);
  expect(seen.has(before)).toBe(true);
  expect(after).not.toBe(before);
  const wanted = await warehouse.query(
    `(table silver.history except all (${recomputed})) union all ((${recomputed}) except all table silver.history)`,
  );
  expect(wanted.rows).toEqual([]);
  const statuses = await warehouse.query<{ status: string }>(
    "select status from aquifer.run_summary order by started_at",
  );
  expect(statuses.rows.map(({ status }) => status)).toEqual([
    "successful",
    "failed",
    "crashed",
    "crashed",
    "crashed",
    "successful",
  ]);
});

async function until(warehouse: Warehouse, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    if ((await warehouse.query(condition)).rowCount > 0) return;
    await pause(20);
  }
  throw new Error(`never true: ${condition}`);
}

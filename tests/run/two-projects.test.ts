import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { dataform } from "../support/command-line.js";
import { testDatabase } from "../support/project.js";
import { temporaryProject } from "../support/temporary-project.js";

type Call = (...argv: string[]) => ReturnType<typeof dataform>;

/** A project by name; all of them write to the same schemas of one warehouse. */
function named(name: string, url: string, files: Readonly<Record<string, string>>): Call {
  const cwd = temporaryProject({
    "dataform.json": '{ "warehouse": "postgres", "defaultSchema": "silver", "assertionSchema": "quality" }',
    "package.json": JSON.stringify({ name }),
    ...files,
  });
  return (...argv) => dataform(argv, { cwd, env: { DATABASE_URL: url } });
}

async function until(warehouse: Warehouse, condition: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if ((await warehouse.query(condition)).rowCount > 0) return;
    await pause(20);
  }
  throw new Error(`never true: ${condition}`);
}

const checked = 'assertions: { nonNull: ["n"] }';

test("two projects in one warehouse neither wait for each other nor take the other's runs for theirs", async () => {
  const { warehouse, url } = await testDatabase();
  const bank = named("bank", url, {
    "definitions/bank_slow.sqlx": `config { type: "table", ${checked} }\nselect 1 as n from (select pg_sleep(case when to_regclass('public.go') is null then 20 else 0 end)) as slept`,
    "definitions/bank_broken.sqlx": 'config { type: "table" }\nselect 1 / 0 as n',
  });
  const telco = named("telco", url, {
    "definitions/telco_fine.sqlx": `config { type: "table", ${checked} }\nselect 2 as n`,
    "definitions/telco_broken.sqlx": 'config { type: "table" }\nselect count(*) / 0 as n from pg_class',
  });
  // The other's first run makes the schemas, so that both find them.
  expect((await telco("run", "--actions", "telco_fine")).exitCode).toBe(0);
  const running = bank("run");
  const sleeping =
    "select from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()";
  await until(warehouse, sleeping);

  const meanwhile = await telco("run");
  expect(meanwhile.stdout).toMatch(/Table created: +silver\.telco_fine/);
  expect(meanwhile.stderr).not.toMatch(/Waiting for another run|crashed/);
  expect((await warehouse.query(sleeping)).rowCount).toBe(1);
  const status = "select project, status from aquifer.run_summary order by started_at desc limit 2";
  expect((await warehouse.query(status)).rows).toEqual([
    { project: "telco:silver", status: "failed" },
    { project: "bank:silver", status: "running" },
  ]);

  const retried = await telco("retry");
  expect([...retried.stdout.matchAll(/silver\.\w+/g)].map(([name]) => name)).toEqual(["silver.telco_broken"]);
  await warehouse.query(
    "create table public.go (); select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()",
  );
  const ended = await running;
  expect(ended.stderr).not.toContain("telco");
  const again = await bank("retry");
  expect([...new Set([...again.stdout.matchAll(/silver\.\w+/g)].map(([name]) => name))].sort()).toEqual([
    "silver.bank_broken",
    "silver.bank_slow",
  ]);
  const pruned = await bank("prune");
  expect(pruned.stdout).not.toContain("telco");
});

test("a second run of one project waits and gives up, whichever folder it is started in", async () => {
  const { warehouse, url } = await testDatabase();
  const files = { "definitions/a.sqlx": 'config { type: "table" }\nselect pg_sleep(8)::text as slept' };
  const running = named("bank", url, files)("run");
  await until(
    warehouse,
    "select from pg_stat_activity where query like '%pg_sleep(8)%' and state = 'active' and pid <> pg_backend_pid()",
  );
  const second = await named("bank", url, {
    "definitions/b.sqlx": 'config { type: "table" }\nselect 1 as n',
  })("run");
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toMatch(/Another run of this project works on these schemas: .*silver/);
  await warehouse.query(
    "select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(8)%' and pid <> pg_backend_pid()",
  );
  await running;
});

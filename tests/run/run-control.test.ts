import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { actionsOfRun, findRun } from "../../src/history/run-query.js";
import { resolveConfig } from "../../src/project/config.js";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { RunOptions } from "../../src/run/run-options.js";
import { dataform } from "../support/command-line.js";
import { freshDatabase, open, type TestDatabase } from "../support/database.js";
import { compiled, runAll } from "../support/project.js";
import { temporaryProject } from "../support/temporary-project.js";

async function database(): Promise<TestDatabase> {
  const made = await freshDatabase({ maxSessions: 6 });
  onTestFinished(() => made.drop());
  return made;
}

async function run(
  target: Pick<TestDatabase, "warehouse">,
  files: Readonly<Record<string, string>>,
  options: Partial<RunOptions> = {},
): Promise<RunOutcome> {
  return runAll(await compiled(files), target.warehouse, options);
}

function statuses(outcome: RunOutcome): Record<string, string> {
  return Object.fromEntries(outcome.actions.map((action) => [action.key, action.status]));
}

const table = (query: string): string => `config { type: "table" }\n${query}`;

test("a failed action skips what depends on it and names itself; the rest runs", async () => {
  const target = await database();
  const outcome = await run(target, {
    "definitions/a.sqlx": table("select 1 / 0 as a"),
    "definitions/b.sqlx": table('select * from ${ref("a")}'),
    "definitions/c.sqlx": table('select * from ${ref("b")}'),
    "definitions/d.sqlx": table("select 1 as d"),
  });
  expect(outcome.status).toBe("failed");
  expect(statuses(outcome)).toEqual({
    "silver.a": "failed",
    "silver.b": "skipped",
    "silver.c": "skipped",
    "silver.d": "successful",
  });
  expect(outcome.actions.find(({ key }) => key === "silver.c")?.because).toBe("silver.a");
  const recorded = await actionsOfRun(target.warehouse, "aquifer", outcome.runId);
  expect(Object.fromEntries(recorded.map(({ action, status }) => [action, status]))).toEqual(
    statuses(outcome),
  );
  expect((await findRun(target.warehouse, "aquifer", {}))?.status).toBe("failed");
});

test("--fail-fast starts nothing more", async () => {
  const target = await database();
  const outcome = await run(
    target,
    {
      "definitions/a.sqlx": table("select 1 / 0 as a"),
      "definitions/z.sqlx": table("select 1 as z"),
    },
    { failFast: true, concurrency: 1 },
  );
  expect(statuses(outcome)).toEqual({ "silver.a": "failed", "silver.z": "cancelled" });
});

test("an abort cancels what runs on the server, records it, and leaves nothing of it", async () => {
  const target = await database();
  const abort = new AbortController();
  const running = run(
    target,
    {
      "definitions/slow.sqlx": table("select pg_sleep(30)::text as a"),
      "definitions/after.sqlx": table('select * from ${ref("slow")}'),
    },
    { signal: abort.signal },
  );
  await until(
    target,
    "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()",
  );
  const aborted = performance.now();
  abort.abort();
  const outcome = await running;
  expect(performance.now() - aborted).toBeLessThan(5000);
  expect(outcome.status).toBe("cancelled");
  expect(statuses(outcome)).toEqual({ "silver.slow": "cancelled", "silver.after": "cancelled" });
  const active = await target.warehouse.query(
    "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid()",
  );
  expect(active.rowCount).toBe(0);
  expect((await target.warehouse.query("select 1 from pg_class where relname = 'slow'")).rowCount).toBe(0);
  expect((await findRun(target.warehouse, "aquifer", {}))?.status).toBe("cancelled");
});

test("the execution timeout ends a run as timed out", async () => {
  const target = await database();
  const outcome = await run(
    target,
    { "definitions/slow.sqlx": table("select pg_sleep(30)::text as a") },
    { executionTimeoutMs: 300 },
  );
  expect(outcome.status).toBe("timed_out");
});

test("the statement timeout of aquifer.config.ts holds for every action, a model's own comes first", async () => {
  const target = await database();
  const own = 'metadata: { extraProperties: { aquifer: { statementTimeout: "10s" } } }';
  const outcome = await run(
    target,
    {
      "definitions/a.sqlx": table("select pg_sleep(0.5)::text as a"),
      "definitions/b.sqlx": `config { type: "table", ${own} }\nselect pg_sleep(0.5)::text as a`,
    },
    { config: resolveConfig({ timeouts: { statement: "200ms" } }) },
  );
  expect(statuses(outcome)).toEqual({ "silver.a": "failed", "silver.b": "successful" });
});

test("an action whose connection is cut is tried again and succeeds once", async () => {
  const target = await database();
  await target.warehouse.query("create table public.attempts (at timestamptz)");
  const admin = await open(target.url, 1);
  const running = run(target, {
    "definitions/a.sqlx": `config { type: "incremental" }\nselect 1 as one, pg_sleep(1)::text as slept`,
  });
  await until(
    target,
    "select 1 from pg_stat_activity where query like '%pg_sleep(1)%' and state = 'active' and datname = current_database() and pid <> pg_backend_pid()",
  );
  await admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(1)%' and datname = current_database() and pid <> pg_backend_pid()",
  );
  await admin.close();
  const outcome = await running;
  expect(outcome.actions).toMatchObject([{ key: "silver.a", status: "successful", attempts: 2 }]);
  expect((await target.warehouse.query("select 1 from silver.a")).rowCount).toBe(1);
});

test("--action-retry-limit tries a failed action again", async () => {
  const target = await database();
  await target.warehouse.query("create sequence public.tries");
  const outcome = await run(
    target,
    { "definitions/a.sqlx": table("select 1 / (nextval('public.tries') - 1) as a") },
    { actionRetryLimit: 1 },
  );
  expect(outcome.actions).toMatchObject([{ status: "successful", attempts: 2 }]);
});

test("two runs on the same schemas: the second gives up and names the first; another schema goes on", async () => {
  const target = await database();
  const second = await open(target.url, 6);
  onTestFinished(() => second.close());
  const running = run(target, { "definitions/a.sqlx": table("select pg_sleep(2)::text as a") });
  await until(
    target,
    "select 1 from pg_stat_activity where query like '%pg_sleep(2)%' and state = 'active' and pid <> pg_backend_pid()",
  );
  const files = { "definitions/a.sqlx": table("select 1 as a") };
  await expect(run({ ...target, warehouse: second }, files, { patienceMs: 200 })).rejects.toMatchObject({
    code: "run-locked",
    details: [expect.stringMatching(/schema silver: backend \d+/)],
  });
  const elsewhere = { "definitions/b.sqlx": 'config { type: "table", schema: "gold" }\nselect 1 as b' };
  expect((await run({ ...target, warehouse: second }, elsewhere)).status).toBe("successful");
  expect((await running).status).toBe("successful");
});

test("the run that a dead command left is recorded as crashed by the next one", async () => {
  const target = await database();
  const files = { "definitions/a.sqlx": table("select 1 as a") };
  await run(target, files);
  await target.warehouse.query(
    "insert into aquifer.run (run_id, project, command, planned, aquifer_version) values ('00000000-0000-0000-0000-000000000001', 'silver', 'run', '{silver.a}', '0')",
  );
  await target.warehouse.query(
    "insert into aquifer.run_status (run_id, status) values ('00000000-0000-0000-0000-000000000001', 'running')",
  );
  await run(target, files);
  const crashed = await findRun(target.warehouse, "aquifer", { prefix: "00000000" });
  expect(crashed?.status).toBe("crashed");
});

test("a run that loses its lock publishes nothing more", async () => {
  const target = await database();
  const running = run(target, { "definitions/a.sqlx": table("select pg_sleep(1)::text as a") });
  await until(
    target,
    "select 1 from pg_stat_activity where query like '%pg_sleep(1)%' and state = 'active' and datname = current_database() and pid <> pg_backend_pid()",
  );
  await target.warehouse.query(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()",
  );
  const outcome = await running.catch((error: unknown) => error as Error);
  expect(outcome instanceof Error ? outcome.message : outcome.actions[0]?.error?.message).toMatch(
    /lost its lock|terminat/,
  );
  expect((await target.warehouse.query("select 1 from pg_class where relname = 'a'")).rowCount).toBe(0);
});

test("a declared relation that does not exist is named before anything runs", async () => {
  const target = await database();
  const files = {
    "definitions/raw.sqlx": 'config { type: "declaration", schema: "bronze", name: "raw" }',
    "definitions/a.sqlx": table('select * from ${ref("bronze", "raw")}'),
    "definitions/b.sqlx": table("select 1 as b"),
  };
  await expect(run(target, files)).rejects.toMatchObject({
    code: "missing-declaration",
    message: "The declared relation bronze.raw does not exist",
    details: ["bronze.raw, read by silver.a"],
  });
  expect((await target.warehouse.query("select 1 from pg_class where relname = 'b'")).rowCount).toBe(0);
});

test("operations run in one transaction, or statement by statement where they say so", async () => {
  const target = await database();
  const operations = 'config { type: "operations" }\ncreate table public.made (a int)\n---\nselect 1 / 0';
  const failed = await run(target, { "definitions/op.sqlx": operations });
  expect(failed.status).toBe("failed");
  expect((await target.warehouse.query("select 1 from pg_class where relname = 'made'")).rowCount).toBe(0);
  const vacuum = { "definitions/op.sqlx": 'config { type: "operations" }\nvacuum' };
  expect((await run(target, vacuum)).actions[0]?.error?.message).toContain("transaction block");
  const config = resolveConfig({ operations: { op: { transaction: false } } });
  expect((await run(target, vacuum, { config })).status).toBe("successful");
});

test.each([
  [
    "an operation",
    'config { type: "operations" }\ncreate table public.made (a int);\n  commit;\nselect 1 / 0',
    3,
    3,
  ],
  [
    "a pre-operation",
    'config { type: "table" }\npre_operations { create table public.made (a int); end }\nselect 1 as x',
    2,
    52,
  ],
])("nothing ends the transaction of an action halfway: %s", async (_, text, line, column) => {
  const target = await database();
  const outcome = await run(target, { "definitions/op.sqlx": text });
  expect(outcome.status).toBe("failed");
  expect(outcome.actions[0]?.error).toMatchObject({
    code: "transaction-control",
    location: { file: "definitions/op.sqlx", line, column },
  });
  expect((await target.warehouse.query("select 1 from pg_class where relname = 'made'")).rowCount).toBe(0);
});

test("keyed changes of several statements in one audited transaction: the base for histories", async () => {
  const target = await database();
  await target.warehouse.query(
    "create schema gold; create table gold.history (id int, since int, until int, current boolean); insert into gold.history values (1, 1, null, true)",
  );
  const operations = (
    until: string,
  ): string => `config { type: "operations", hasOutput: true, schema: "gold", name: "history" }
update \${self()} set until = ${until}, current = false where id = 1 and current
---
insert into \${self()} values (1, 5, null, true)`;
  const assertion = `config { type: "assertion" }\nselect id from \${ref("gold", "history")} where until <= since`;
  const bad = await run(target, { "definitions/h.sqlx": operations("1"), "definitions/q.sqlx": assertion });
  expect(statuses(bad)).toEqual({ "gold.history": "failed", "quality.q": "failed" });
  expect((await target.warehouse.query("select * from gold.history")).rows).toEqual([
    { id: 1, since: 1, until: null, current: true },
  ]);
  const good = await run(target, { "definitions/h.sqlx": operations("5"), "definitions/q.sqlx": assertion });
  expect(good.status).toBe("successful");
  expect((await target.warehouse.query("select 1 from gold.history")).rowCount).toBe(2);
});

test("just-in-time code makes the SQL when the action runs, with the database at hand", async () => {
  const target = await database();
  const js = `publish("base", { type: "table" }).query("select 7 as n");
publish("made", { type: "table", dependencies: ["base"] }).jitCode(async ctx => {
  const { rows } = await ctx.adapter.execute({ statement: "select n from silver.base" });
  return "select " + rows[0].fields.n.numberValue + " * 2 as n from " + ctx.ref("base");
});`;
  expect((await run(target, { "definitions/all.js": js })).status).toBe("successful");
  expect((await target.warehouse.query("select n from silver.made")).rows).toEqual([{ n: 14 }]);
});

test("just-in-time code that swallows a fault of syntax does not get its action out of its transaction", async () => {
  const target = await database();
  const js = `operate("made").jitCode(async ctx => {
  try { await ctx.adapter.execute({ statement: "selct 1" }) } catch {}
  return { queries: ["create table public.half ()", "select 1 / 0"] };
});`;
  expect((await run(target, { "definitions/all.js": js })).status).toBe("failed");
  expect((await target.warehouse.query("select to_regclass('public.half') as half")).rows).toEqual([
    { half: null },
  ]);
});

test("retry runs exactly what the last run did not finish; selectors know results and state", async () => {
  const target = await database();
  const root = temporaryProject({
    "definitions/a.sqlx": table("select 1 as a"),
    "definitions/b.sqlx": table('select a / (a - n) as b from ${ref("a")}, public.switch'),
    "definitions/c.sqlx": table('select * from ${ref("b")}'),
  });
  await target.warehouse.query("create table public.switch as select 1 as n");
  const env = { DATABASE_URL: target.url };
  expect((await dataform(["run"], { cwd: root, env })).exitCode).toBe(1);
  const planned = async (pattern: string): Promise<string[]> => {
    const { stdout } = await dataform(["run", "--dry-run", "--json", "--actions", pattern], {
      cwd: root,
      env,
    });
    const graph = JSON.parse(stdout) as { actions: { target: { name: string } }[] };
    return graph.actions.map(({ target: { name } }) => name).sort();
  };
  expect(await planned("result:failed")).toEqual(["b"]);
  expect(await planned("result:skipped")).toEqual(["c"]);
  expect(await planned("state:modified")).toEqual(["b", "c"]);
  await target.warehouse.query("update public.switch set n = 0");
  const retried = await dataform(["retry", "--json"], { cwd: root, env });
  expect(retried.exitCode).toBe(0);
  const result = JSON.parse(retried.stdout) as { actions: { target: { name: string } }[] };
  expect(result.actions.map(({ target: { name } }) => name)).toEqual(["b", "c"]);
  // b reads public.switch, which nobody declares: it may have changed at any time.
  expect(await planned("state:modified")).toEqual(["b", "c"]);
});

test("prune lists what has no model any more, and drops it only when told and only what nothing reads", async () => {
  const target = await database();
  const env = { DATABASE_URL: target.url };
  const before = {
    "definitions/a.sqlx": table("select 1 as a"),
    "definitions/b.sqlx": table("select 1 as b"),
  };
  await dataform(["run"], { cwd: temporaryProject(before), env });
  const after = temporaryProject({ "definitions/a.sqlx": table("select 1 as a") });
  expect((await dataform(["prune"], { cwd: after, env })).stdout).toContain("silver.b [table]");
  await target.warehouse.query("create view public.mine as select * from silver.b");
  const refused = await dataform(["prune", "--apply"], { cwd: after, env });
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("view mine depends on table silver.b") as string,
  });
  await target.warehouse.query("drop view public.mine");
  expect((await dataform(["prune", "--apply"], { cwd: after, env })).stdout).toContain(
    "Dropped: silver.b [table]",
  );
  expect((await dataform(["prune"], { cwd: after, env })).stdout).toBe("Nothing to prune.\n");
});

async function until(target: TestDatabase, query: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await target.warehouse.query(query)).rowCount > 0) return;
    await pause(25);
  }
  throw new Error(`never true: ${query}`);
}

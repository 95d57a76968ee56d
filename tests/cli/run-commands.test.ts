import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

async function surroundings(files: Readonly<Record<string, string>>) {
  const database = await freshDatabase({ maxSessions: 2 });
  onTestFinished(() => database.drop());
  const cwd = temporaryProject(files);
  const call = (...argv: string[]) =>
    dataform(argv, { cwd, env: { ...process.env, DATABASE_URL: database.url } });
  return { database, cwd, call };
}

const good = 'config { type: "table" }\nselect 1 as a';
const bad = 'config { type: "table" }\nselect 1 / 0 as a';

test("history lists runs, newest first, and the actions of one with what went wrong", async () => {
  const { call } = await surroundings({ "definitions/a.sqlx": good, "definitions/b.sqlx": bad });
  expect((await call("history")).stdout).toBe("No runs yet.\n");
  await call("run", "--actions", "a");
  await call("run");
  const runs = (await call("history")).stdout.trim().split("\n");
  expect(runs).toHaveLength(3);
  expect(runs[1]).toMatch(/ run +failed .* 1\/2 +1 +0$/);
  expect(runs[2]).toMatch(/ run +successful .* 1\/1 +0 +0$/);
  const last = (await call("history", "last")).stdout;
  expect(last).toMatch(/silver\.a +successful +swap/);
  expect(last).toContain("silver.b: definitions/b.sqlx: postgres error: division by zero");
  const json = JSON.parse((await call("history", "last", "--json")).stdout) as {
    actions: { action: string; status: string }[];
  };
  expect(json.actions.map(({ action, status }) => `${action} ${status}`).sort()).toEqual([
    "silver.a successful",
    "silver.b failed",
  ]);
  expect(await call("history", "nosuch")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("nosuch") as string,
  });
});

test("a dry run says what would happen to each table and why, and touches nothing", async () => {
  const { call, database } = await surroundings({
    "definitions/a.sqlx": good,
    "definitions/v.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
    "definitions/i.sqlx": 'config { type: "incremental", uniqueKey: ["a"] }\nselect * from ${ref("a")}',
  });
  const first = await call("run", "--dry-run");
  expect(first.stdout).toMatch(/silver\.a +table +create +does not exist yet/);
  const schemas = "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema|public)'";
  expect((await database.warehouse.query(schemas)).rows).toEqual([]);
  await call("run");
  await database.warehouse.query(
    "alter table silver.a add primary key (a); create table public.r (a int references silver.a)",
  );
  const before = await database.warehouse.query("select * from aquifer.action_run");
  const { stdout } = await call("run", "--dry-run");
  expect(stdout).toMatch(/silver\.a +table +delta +.*identity: foreign key r_a_fkey of public\.r/);
  expect(stdout).toMatch(/silver\.v +view +replace/);
  expect(stdout).toMatch(/silver\.i +incremental +merge +exists/);
  expect(await database.warehouse.query("select * from aquifer.action_run")).toEqual(before);
  const graph = JSON.parse((await call("run", "--dry-run", "--json", "--actions", "v")).stdout) as {
    actions: { target: object; tableType: string; tasks: { statement: string }[] }[];
  };
  expect(graph.actions).toMatchObject([
    {
      target: { schema: "silver", name: "v" },
      tableType: "view",
      tasks: [{ statement: expect.stringContaining('"silver"."a"') as string }],
    },
  ]);
});

test("run --run-tests runs nothing when a test fails", async () => {
  const { call, database } = await surroundings({
    "definitions/a.sqlx": good,
    "definitions/t.sqlx": 'config { type: "test", dataset: "a", name: "t" }\nselect 2 as a',
  });
  const { exitCode, stdout, stderr } = await call("run", "--run-tests");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("Test failed:  t");
  expect(stderr).toContain('missing:    {"a":2}');
  expect((await database.warehouse.query("select 1 from pg_class where relname = 'a'")).rowCount).toBe(0);
});

test("show prints the resolved SQL and the first rows, and builds nothing", async () => {
  const { call, database } = await surroundings({
    "definitions/a.sqlx":
      'config { type: "table" }\nselect i as a, null::text as n from generate_series(1, 3) as i',
  });
  const { stdout } = await call("show", "a", "--limit", "2");
  expect(stdout).toContain("-- silver.a (definitions/a.sqlx)\nselect i as a");
  expect(stdout.trimEnd()).toMatch(/a {2}n\n1\n2$/);
  expect(
    (await database.warehouse.query("select 1 from pg_namespace where nspname = 'silver'")).rowCount,
  ).toBe(0);
  expect((await call("show", "b")).stderr).toContain('No action matches "b"');
});

test("onFailure is told of a failed run, onRecovery of the first good one after it, each once", async () => {
  const log = "told.txt";
  const write = (what: string): string =>
    `echo ${what} $AQUIFER_RUN_STATUS >> ${log} && test -s "$AQUIFER_RUN_RESULT"`;
  const { call, cwd, database } = await surroundings({
    "definitions/a.sqlx": 'config { type: "table" }\nselect 1 / n as a from public.switch',
    "aquifer.config.ts": `import { defineConfig } from "aquifer";
export default defineConfig({ onFailure: ${JSON.stringify(write("failure"))}, onRecovery: ${JSON.stringify(write("recovery"))} });`,
  });
  await database.warehouse.query("create table public.switch as select 1 as n");
  await call("run");
  expect(existsSync(join(cwd, log))).toBe(false);
  await database.warehouse.query("update public.switch set n = 0");
  await call("run");
  await database.warehouse.query("update public.switch set n = 1");
  await call("run");
  const { stderr } = await call("run");
  expect(stderr).not.toContain("notification");
  expect(readFileSync(join(cwd, log), "utf8")).toBe("failure failed\nrecovery successful\n");
});

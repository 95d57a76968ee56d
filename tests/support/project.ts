import { onTestFinished } from "vitest";
import type { Action } from "../../src/project/action.js";
import { toActions } from "../../src/project/action.js";
import { compileProject } from "../../src/project/compile.js";
import type { CompiledProject } from "../../src/project/compiled-project.js";
import { resolveConfig } from "../../src/project/config.js";
import type { ActionOutcome, RunOutcome } from "../../src/run/outcome.js";
import type { RunOptions } from "../../src/run/run-options.js";
import { runProject } from "../../src/run/run-project.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { freshDatabase, open, type TestDatabase } from "./database.js";
import type { ServerMajor } from "./servers.js";
import { expectNoFalseAlarm } from "./no-false-alarm.js";
import { temporaryProject } from "./temporary-project.js";

/** A project that was compiled, ready to run on any database. */
export interface TestProject {
  readonly project: CompiledProject;
  readonly actions: ReadonlyMap<string, Action>;
}

/**
 * Compiles a project from texts by path; a path without folder lies in `definitions/`.
 *
 * @example await compiled({ "orders.sqlx": `config { type: "table" } select 1 as id` })
 */
export async function compiled(files: Readonly<Record<string, string>>): Promise<TestProject> {
  const placed = Object.entries(files).map(([path, text]): [string, string] => [
    path.includes("/") || path.endsWith(".json") ? path : `definitions/${path}`,
    text,
  ]);
  const project = await compileProject({ projectRoot: temporaryProject(Object.fromEntries(placed)) });
  return { project, actions: toActions(project) };
}

/** Runs all actions of a project in this process; options override. Of what runs, check must not say that it cannot. */
export async function runAll(
  testProject: TestProject,
  warehouse: Warehouse,
  options: Partial<RunOptions> = {},
): Promise<RunOutcome> {
  const { project, actions } = testProject;
  const outcome = await runProject({
    project,
    actions,
    selected: new Set(actions.keys()),
    config: resolveConfig({}),
    warehouse,
    clock: { now: () => new Date(), elapsed: () => performance.now() },
    newId: () => crypto.randomUUID(),
    signal: new AbortController().signal,
    onEvent: () => undefined,
    command: "run",
    version: "test",
    patienceMs: 20_000,
    ...options,
  });
  const isWhole = outcome.status === "successful" && options.selected === undefined;
  if (isWhole) await expectNoFalseAlarm(testProject, warehouse);
  return outcome;
}

/** The outcome of one action of a run. */
export function outcomeOf(run: RunOutcome, key: string): ActionOutcome {
  const found = run.actions.find((action) => action.key === key);
  if (found === undefined) throw new Error(`${key} was not run`);
  return found;
}

/** What went wrong in a run, line by line; empty when everything succeeded. */
export function failures(run: RunOutcome): string[] {
  return run.actions
    .filter((action) => action.status !== "successful" && action.status !== "disabled")
    .map(
      ({ key, status, error }) =>
        `${key} ${status}: ${error === undefined ? "" : [error.message, ...error.details].join(" | ")}`,
    );
}

/** A database with a superuser's connection and, beside it, that of a role which only owns the project's schemas. */
export interface OwnedDatabase {
  readonly database: TestDatabase;
  readonly admin: Warehouse;
  /** Connected as the ordinary role. */
  readonly warehouse: Warehouse;
  readonly role: string;
}

/**
 * A fresh database and an ordinary role that may do only what `docs/operations.md` says Aquifer needs: create schemas, and
 * own those of the project.
 */
export async function ownedDatabase(
  options: { major?: ServerMajor; maxSessions?: number } = {},
): Promise<OwnedDatabase> {
  const database = await testDatabase(options);
  const role = `${database.name}_owner`;
  await database.warehouse.query(
    `create role "${role}" login password 'ordinary' nosuperuser nocreatedb nocreaterole;
grant create on database "${database.name}" to "${role}";
create schema silver authorization "${role}";
create schema quality authorization "${role}"`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = "ordinary";
  const warehouse = await open(url.href, options.maxSessions ?? 4);
  onTestFinished(() => warehouse.close());
  return { database, admin: database.warehouse, warehouse, role };
}

/** A fresh database that goes when the test ends, together with the roles named after it. */
export async function testDatabase(
  options: { major?: ServerMajor; maxSessions?: number } = {},
): Promise<TestDatabase> {
  const database = await freshDatabase(options);
  onTestFinished(async () => {
    const roles = await database.warehouse.query<{ name: string }>(
      "select rolname as name from pg_roles where starts_with(rolname, $1)",
      [`${database.name}_`],
    );
    for (const { name } of roles.rows) await database.warehouse.query(`drop owned by "${name}" cascade`);
    for (const { name } of roles.rows) await database.warehouse.query(`drop role "${name}"`);
    await database.drop();
  });
  return database;
}

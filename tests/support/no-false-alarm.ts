import { createHash } from "node:crypto";
import { expect, inject } from "vitest";
import { checkProject } from "../../src/check/check-project.js";
import { loadParser } from "../../src/check/parse-statement.js";
import { namedObjects } from "../../src/check/named-objects.js";
import { pullSnapshot } from "../../src/check/pull-snapshot.js";
import { formatLocation } from "../../src/base/source-location.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import type { TestProject } from "./project.js";

const checked = new Set<string>();

/**
 * A project that really ran, every action of it, must be without error in the eyes of check, which knows of its warehouse what
 * `check --pull` would tell. Each project is checked once a test file.
 */
export async function expectNoFalseAlarm(
  { project, actions }: TestProject,
  warehouse: Warehouse,
): Promise<void> {
  const hash = createHash("sha256").update(JSON.stringify(project.graph)).digest("hex");
  if (checked.has(hash)) return;
  checked.add(hash);
  await loadParser();
  const declarations = [...actions.values()].filter(({ kind }) => kind === "declaration");
  const named = namedObjects(actions.values(), []);
  const { snapshot } = await pullSnapshot(
    warehouse,
    declarations.map(({ target }) => target),
    named,
  );
  const url = new URL(inject("serverUrl"));
  const { findings } = await checkProject({
    project,
    server: {
      host: url.hostname,
      port: Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    },
    known: [],
    snapshot,
    reports: [],
    relationOf: ({ schema, name }) => ({ schema, name }),
    historySchema: "aquifer",
  });
  // Relations and schemas that the project reads and does not declare are unknown to check, as it says.
  const undeclared = ["sql-42P01", "sql-3F000"];
  const errors = findings.filter(({ severity, code }) => severity === "error" && !undeclared.includes(code));
  expect(
    errors.map(({ location, message }) => `${location ? formatLocation(location) : ""} ${message}`),
    "check finds fault with what runs",
  ).toEqual([]);
}

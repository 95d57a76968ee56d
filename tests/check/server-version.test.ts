import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { embeddedStatus, resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryFolder } from "../support/project-folder.js";
import { skipUnless } from "../support/skip.js";
import { settings } from "../support/temporary-project.js";

const root = temporaryFolder();
const older = join(root, ".aquifer/postgres-15");
const isOlderThere = existsSync(
  join(import.meta.dirname, `../../node_modules/postgres-15-${process.platform}-${process.arch}`),
);

mkdirSync(join(root, "definitions"));
writeFileSync(join(root, "dataform.json"), settings);
// PostgreSQL has any_value since 16.
writeFileSync(
  join(root, "definitions/a.sqlx"),
  'config { type: "table" }\nselect any_value(x) as x from (values (1)) v (x)\n',
);

afterEach(() => {
  for (const file of ["aquifer.config.ts", "sources.json"]) rmSync(join(root, file), { force: true });
});
afterAll(async () => {
  if (existsSync(older)) await resetEmbedded(older);
  await resetEmbedded(root);
});

function serverVersion(major: number): void {
  writeFileSync(join(root, "aquifer.config.ts"), `export default { serverVersion: ${major} };\n`);
}

function pulledFrom(server: number): void {
  const snapshot = { version: 1, server, extensions: [], types: [], relations: [], functions: [], roles: [] };
  writeFileSync(join(root, "sources.json"), JSON.stringify(snapshot));
}

it.for([
  ["that the project names", () => serverVersion(15)],
  ["of the warehouse that it was pulled from", () => pulledFrom(15)],
] as const)("judges by the major version %s", async ([, name], context) => {
  skipUnless(context, isOlderThere, "the npm server of PostgreSQL 15 is not installed");
  name();
  const { exitCode, stdout } = await dataform(["check"], { cwd: root });
  expect(stdout).toContain("definitions/a.sqlx:2:8: function any_value(integer) does not exist\n");
  expect(stdout).toContain("by PostgreSQL 15 in");
  expect(exitCode).toBe(1);
});

it("takes what the project names for truer than where it was pulled from, and forgets what another server judged", async () => {
  serverVersion(18);
  pulledFrom(15);
  expect((await dataform(["check"], { cwd: root })).stdout).toMatch(
    /^Checked 1 action and .* by PostgreSQL 18 in .*: 0 errors/,
  );
});

it("says so when that version is not installed", async () => {
  serverVersion(99);
  const { stdout, stderr } = await dataform(["check"], { cwd: root });
  expect(stderr).toContain("Judged by PostgreSQL 18: the project is for 99, but no npm server");
  expect(stdout).toContain("by PostgreSQL 18 in");
});

it("stops the servers of other versions with the project's own", async () => {
  expect((await dataform(["warehouse", "stop"], { cwd: root })).exitCode).toBe(0);
  for (const folder of [root, older].filter(existsSync))
    expect((await embeddedStatus(folder)).state).toBe("stopped");
});

import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { alignedTable } from "../../src/cli/sql-prompt.js";
import { embeddedStatus, startEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { projectFolder } from "../support/project-folder.js";
import { skipUnless } from "../support/skip.js";

const hasPsql = spawnSync("psql", ["--version"]).status === 0;

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `dataform warehouse ...` in a project; without psql on the path unless `env` says otherwise. */
function warehouse(
  root: string,
  args: readonly string[],
  more: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Answer> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "../../bin/dataform.js"), "warehouse", ...args],
    { cwd: root, env: { PATH: "/nonexistent", ...more.env } },
  );
  child.stdin.end(more.input ?? "");
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

it("starts, shows and stops the embedded server", async () => {
  const root = projectFolder();
  expect(await warehouse(root, ["status"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("No embedded server yet") as string,
  });
  const started = await warehouse(root, ["start"]);
  expect(started).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^Starting embedded PostgreSQL 18\.\d+\.\.\.\n$/) as string,
  });
  expect(started.stdout).toMatch(/^Embedded PostgreSQL 18 running\n {2}port +\d+\n/);
  const { stdout } = await warehouse(root, ["status", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ state: "running", version: 18 });
  expect((await warehouse(root, ["stop"])).stdout).toBe("Embedded PostgreSQL stopped.\n");
  expect((await warehouse(root, ["stop"])).stdout).toBe("Embedded PostgreSQL was not running.\n");
});

it("prints a URL that holds the password only when asked to", async () => {
  const root = projectFolder();
  const { password, passwordFile } = await startEmbedded(root);
  const [plain, full] = [await warehouse(root, ["url"]), await warehouse(root, ["url", "--password"])];
  expect(plain.stdout).toContain(`passfile=${encodeURIComponent(passwordFile)}`);
  expect(plain.stdout).not.toContain(password);
  expect(full.stdout).toContain(`:${password}@`);
  const named = await warehouse(root, ["url", "--password"], {
    env: { DATABASE_URL: "postgres://etl:hush@db.example/sales" },
  });
  expect(named.stdout).toBe("postgres://etl@db.example:5432/sales?sslmode=verify-full\n");
});

it("hands psql everything it needs", async (context) => {
  skipUnless(context, hasPsql, "psql is not installed");
  const root = projectFolder();
  const env = { PATH: process.env["PATH"] ?? "" };
  const answer = await warehouse(
    root,
    ["psql", "-c", "select current_user || '/' || current_database() as here"],
    { env },
  );
  expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining("aquifer/warehouse") as string });
  expect(await warehouse(root, ["psql", "-c", "select nothing"], { env })).toMatchObject({ code: 1 });
});

it("has a prompt of its own where psql is absent", async () => {
  const root = projectFolder();
  const input =
    "create table kept as\nselect 1 as one;\nselect one, null as none from kept;\n\\d\n\\d kept\nselect wrong;\n\\q\nselect 'never';\n";
  const answer = await warehouse(root, ["psql"], { input });
  expect(answer.stdout).toBe(`(1 row)
 one | none
-----+------
   1 |
(1 row)
 schema | name | kind
--------+------+-------
 public | kept | table
(1 row)
 column | type    | nullable
--------+---------+----------
 one    | integer |
(1 row)
`);
  expect(answer.stderr).toContain('postgres error: column "wrong" does not exist');
  expect(answer.code).toBe(1);
});

it("runs one statement in the prompt of its own", async () => {
  const answer = await warehouse(projectFolder(), ["psql", "-c", "select 2 as two"]);
  expect(answer).toMatchObject({ code: 0, stdout: " two\n-----\n   2\n" });
});

it("deletes the embedded server's data only when told to", async () => {
  const root = projectFolder();
  await startEmbedded(root);
  expect(await warehouse(root, ["reset"])).toMatchObject({
    code: 2,
    stderr: "Nobody is here to confirm the deletion\n  hint: Add --yes.\n",
  });
  expect((await embeddedStatus(root)).state).toBe("running");
  const env = { DATABASE_URL: "postgres://db.example/sales" };
  expect(await warehouse(root, ["reset", "--yes"], { env })).toMatchObject({
    code: 0,
    stderr: "Commands of this project use another server; that one is not touched.\n",
  });
  expect((await embeddedStatus(root)).state).toBe("absent");
});

it("aligns tables by their widest cell", () => {
  expect(
    alignedTable([
      { name: "a", n: 10 },
      { name: "longer", n: null },
      { name: "two\nlines", n: 5.5 },
    ]),
  ).toBe(
    ` name      |   n
-----------+-----
 a         |  10
 longer    |
 two↵lines | 5.5
`,
  );
  expect(alignedTable([])).toBe("");
});

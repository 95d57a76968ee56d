import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { temporaryProject } from "../support/temporary-project.js";

const files = {
  "definitions/a.sqlx":
    'config { type: "table", tags: ["daily"], assertions: { uniqueKey: ["id"] } }\nselect 1 as id, \'${dataform.projectConfig.vars.greeting}\' as greeting',
  "definitions/b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
};

test("compile says what it found and writes the graph to .aquifer/", async () => {
  const root = temporaryProject(files);
  const { exitCode, stdout, stderr } = await dataform(["compile"], { cwd: root });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toBe("Compiling...\n\nCompiled successfully.\n\n2 datasets\n1 assertion\n");
  const written = JSON.parse(readFileSync(join(root, ".aquifer/compiled.json"), "utf8")) as object;
  const { stdout: json } = await dataform(["compile", "--json"], { cwd: root });
  expect(JSON.parse(json)).toEqual(written);
});

test("compile takes overrides and prints only what is asked for", async () => {
  const root = temporaryProject(files);
  const args = [
    "compile",
    "--json",
    "--vars=greeting=hi,other=x=y",
    "--schema-suffix=dev",
    "--table-prefix",
    "t",
  ];
  const { stdout } = await dataform([...args, "--output-actions", "t_a"], { cwd: root });
  const graph = JSON.parse(stdout) as { tables: { target: object; query: string }[]; assertions: object[] };
  expect(graph.tables.map((table) => table.target)).toMatchObject([{ schema: "silver_dev", name: "t_a" }]);
  expect(graph.tables[0]?.query).toContain("'hi' as greeting");
  expect(graph.assertions).toHaveLength(1);
});

test("compile in a folder of another name, quietly", async () => {
  const root = temporaryProject(files);
  expect(await dataform(["compile", root, "--quiet"], { cwd: "/" })).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: "",
  });
});

test("errors go to stderr with exit code 1 and nothing is written", async () => {
  const root = temporaryProject({ "definitions/a.sqlx": "select ${nothing}" });
  const { exitCode, stdout, stderr } = await dataform(["compile", "--json"], { cwd: root });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toBe(
    "definitions/a.sqlx:1:10: nothing is not defined\n  1 | select ${nothing}\n    |          ^\n",
  );
  expect(existsSync(join(root, ".aquifer/compiled.json"))).toBe(false);
});

test("what the project's own code prints goes to stderr, all of it", async () => {
  const root = temporaryProject({
    "definitions/a.js": "for (let i = 0; i < 2000; i++) console.log('line ' + i);",
  });
  const { stdout, stderr } = await dataform(["compile", "--json"], { cwd: root });
  expect(JSON.parse(stdout)).toMatchObject({ dataformCoreVersion: "3.0.62" });
  expect(stderr.trim().split("\n")).toHaveLength(2000);
});

test.each([
  ["--default-location=EU", "--default-location is not available on PostgreSQL"],
  ["--emit-lineage", "--emit-lineage is not available on PostgreSQL"],
  ["--vars=broken", "is not of the form name=value"],
  ["--timeout=soon", '"soon" is not a duration'],
  ["--nonsense", "unknown option '--nonsense'"],
  ["--output-actions=c", 'No action matches "c"'],
])("%s is refused as bad usage", async (flag, message) => {
  const { exitCode, stderr } = await dataform(["compile", flag], { cwd: temporaryProject(files) });
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test("settings of an operation that is not there are an error", async () => {
  const root = temporaryProject({
    ...files,
    "definitions/tidy.sqlx": "vacuum",
    "aquifer.config.ts": "export default { operations: { tiddy: { transaction: false } } };",
  });
  const { exitCode, stderr } = await dataform(["compile"], { cwd: root });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('the project has no operation "tiddy"');
  expect(stderr).toContain('Did you mean "tidy"?');
});

test("--dot prints the graph for Graphviz", async () => {
  const { stdout } = await dataform(["compile", "--dot"], { cwd: temporaryProject(files) });
  expect(stdout).toBe(
    [
      "digraph dataform {",
      "  rankdir=LR;",
      '  "silver.a" [shape=box];',
      '  "silver.b" [shape=ellipse];',
      '  "silver.a" -> "silver.b";',
      '  "quality.silver_a_assertions_uniqueKey_0" [shape=diamond];',
      '  "silver.a" -> "quality.silver_a_assertions_uniqueKey_0";',
      "}",
      "",
    ].join("\n"),
  );
});

test("--watch compiles again when a file changes, goes on after an error, and ends when interrupted", async () => {
  const root = temporaryProject(files);
  const stop = new AbortController();
  const seen: string[] = [];
  const changed = async (path: string, text: string, expected: string): Promise<void> => {
    writeFileSync(join(root, path), text);
    await expect.poll(() => seen.join(""), { timeout: 10_000 }).toContain(expected);
  };
  const watching = dataform(["compile", "--watch"], {
    cwd: root,
    signal: stop.signal,
    onOutput: (text) => seen.push(text),
  });
  await expect.poll(() => seen.join(""), { timeout: 10_000 }).toContain("2 datasets");
  await changed("definitions/b.sqlx", "select ${nothing}", "definitions/b.sqlx:1:10: nothing is not defined");
  await changed("definitions/b.sqlx", "config { type: 'operations' }\nselect 1", "1 operation");
  stop.abort();
  expect((await watching).exitCode).toBe(0);
});

import { expect, test } from "vitest";
import { AquiferError, AquiferErrors, describeError } from "../../src/base/errors.js";
import { formatLocation } from "../../src/base/source-location.js";
import { compileProject } from "../../src/project/compile.js";
import { temporaryProject } from "../support/temporary-project.js";

/** `place: code` of every error of a project. */
async function errorsOf(files: Readonly<Record<string, string>>): Promise<AquiferError[]> {
  const projectRoot = temporaryProject(files);
  const thrown: unknown = await compileProject({ projectRoot }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AquiferError)) throw new Error(`no compile error but ${String(thrown)}`);
  return thrown instanceof AquiferErrors ? [...thrown.errors] : [thrown];
}

function placed(errors: readonly AquiferError[]): string[] {
  return errors.map(
    (error) => `${error.location ? formatLocation(error.location) : "nowhere"} ${error.code}`,
  );
}

const good = 'config { type: "table" }\nselect 1 as id\n';

test("a syntax error in a js block is shown at its line and column in the SQLX file", async () => {
  const [error] = await errorsOf({
    "definitions/a.sqlx": 'config { type: "view" }\njs {\n  const y = ;\n}\nselect 1',
  });
  expect(error && describeError(error)).toBe(
    [
      "definitions/a.sqlx:3:13: Syntax error: Unexpected token ';'",
      "  2 | js {",
      "  3 |   const y = ;",
      "    |             ^",
    ].join("\n"),
  );
});

test("an error thrown while SQL is built is shown where it arose, also behind other placeholders on the line", async () => {
  const errors = await errorsOf({
    "definitions/a.sqlx": "config { type: 'view' }\nselect ${1}, `x`, '\\', ${nothing.here}",
    "definitions/b.sqlx":
      "config { type: 'view' }\npre_operations { select ${2}\n---\nselect ${missing} }\nselect 1",
  });
  expect(placed(errors)).toEqual(["definitions/a.sqlx:2:26 compile", "definitions/b.sqlx:4:10 compile"]);
});

test("an error inside an included file is shown in that file", async () => {
  const errors = await errorsOf({
    "includes/dates.js": "function day() {\n  return undefined.length;\n}\nmodule.exports = { day };",
    "definitions/a.sqlx": "select ${dates.day()}",
  });
  expect(placed(errors)).toEqual(["includes/dates.js:2:20 compile"]);
});

test("a syntax error in an included file does not hide the errors of others", async () => {
  const errors = await errorsOf({
    "includes/dates.js": "module.exports = { day( };",
    "definitions/a.sqlx": 'config { type: "view" }\nselect * from ${ref("nowhere")}',
  });
  expect(placed(errors)).toEqual(["includes/dates.js:1:25 compile", "definitions/a.sqlx:2:17 unknown-ref"]);
});

test("an unknown ref is told once, with the nearest name", async () => {
  const [error, ...rest] = await errorsOf({
    "definitions/orders.sqlx": good,
    "definitions/b.sqlx":
      'config { type: "view" }\nselect * from ${ref("order")} union all select * from ${ref("order")}',
  });
  expect(rest).toEqual([]);
  expect(error?.message).toBe('Nothing in the project is named "order"');
  expect(error?.hint).toBe('Did you mean "orders"?');
});

test("an unknown name in dependencies is found in the config", async () => {
  const errors = await errorsOf({
    "definitions/b.sqlx": 'config {\n  type: "view",\n  dependencies: ["nowhere"]\n}\nselect 1',
  });
  expect(placed(errors)).toEqual(["definitions/b.sqlx:3:19 unknown-ref"]);
});

test("a ref to a file that does not load is no second error", async () => {
  const errors = await errorsOf({
    "definitions/a.sqlx": "config { type: 'table', }}\nselect ${",
    "definitions/b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
  });
  expect(errors).toHaveLength(1);
});

test("a block that is never closed is named", async () => {
  const [error] = await errorsOf({ "definitions/a.sqlx": 'config {\n  type: "table"\n\nselect 1 as id' });
  expect(error?.hint).toBe("The config block that begins on line 1 is never closed.");
});

test("a cycle is told once, in words of the project", async () => {
  const view = (name: string): string => `config { type: "view" }\nselect * from \${ref("${name}")}`;
  const [error, ...rest] = await errorsOf({
    "definitions/a.sqlx": view("b"),
    "definitions/b.sqlx": view("c"),
    "definitions/c.sqlx": view("a"),
  });
  expect(rest).toEqual([]);
  expect(error?.message).toBe(
    "These actions depend on each other: silver.a -> silver.b -> silver.c -> silver.a",
  );
  expect(placed(error ? [error] : [])).toEqual(["definitions/a.sqlx:2:22 cycle"]);
});

test("a duplicate name is told once and names both files", async () => {
  const [error, ...rest] = await errorsOf({
    "definitions/a.sqlx": good,
    "definitions/b.sqlx": 'config { type: "table", name: "a" }\nselect 1',
    "definitions/c.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
  });
  expect(rest).toEqual([]);
  expect(error?.message).toBe('Two actions are named "silver.a"');
  expect(error?.details).toEqual(["also in definitions/b.sqlx"]);
});

test("an unknown config key is found in the config and the nearest key is named", async () => {
  const [error] = await errorsOf({
    "definitions/a.sqlx": 'config {\n  type: "table",\n  descriptoin: "x"\n}\nselect 1',
  });
  expect(error?.message).toBe('Unknown key "descriptoin" in config');
  expect(error?.hint).toBe('Did you mean "description"?');
  expect(placed(error ? [error] : [])).toEqual(["definitions/a.sqlx:3:3 unknown-config-key"]);
});

test("a key of SQLX files in the JavaScript API is led to its other name", async () => {
  const [error] = await errorsOf({ "definitions/a.js": 'operate("a", { dependencies: ["b"] });' });
  expect(error?.hint).toBe('Did you mean "dependencyTargets"?');
});

test("an unknown key of dataform.json is found there", async () => {
  const errors = await errorsOf({
    "dataform.json": '{\n  "warehouse": "postgres",\n  "defaultShema": "x"\n}',
    "definitions/a.sqlx": good,
  });
  expect(placed(errors)).toEqual(["dataform.json:3:4 unknown-config-key"]);
  expect(errors[0]?.hint).toBe('Did you mean "defaultSchema"?');
});

test("broken settings are an error at their place", async () => {
  expect(placed(await errorsOf({ "dataform.json": '{\n  "warehouse": "postgres",\n}' }))).toEqual([
    "dataform.json:3:1 bad-json",
  ]);
  expect(placed(await errorsOf({ "workflow_settings.yaml": "defaultDataset: a\n  b: c\n" }))).toEqual([
    "workflow_settings.yaml:2:4 bad-yaml",
  ]);
});

test("a semicolon at the end is found", async () => {
  const errors = await errorsOf({ "definitions/a.sqlx": 'config { type: "table" }\nselect 1 as id;\n' });
  expect(placed(errors)).toEqual(["definitions/a.sqlx:2:15 semicolon"]);
});

test("a name that PostgreSQL would cut is an error, but core's long names of inline assertions are not", async () => {
  const name = "n".repeat(60);
  const assertions = 'assertions: { uniqueKey: ["id"] }';
  const projectRoot = temporaryProject({
    "definitions/a.sqlx": `config { type: "table", name: "${name}", ${assertions} }\nselect 1 as id`,
  });
  await expect(compileProject({ projectRoot })).resolves.toBeDefined();
  const errors = await errorsOf({
    "definitions/a.sqlx": `config { type: "table", name: "${name}éé" }\nselect 1`,
  });
  expect(placed(errors)).toEqual(["definitions/a.sqlx:1:32 name-too-long"]);
});

test("a test of an incremental model in definitions/ says where it belongs", async () => {
  const [error] = await errorsOf({
    "definitions/a.sqlx": 'config { type: "incremental" }\nselect 1 as id',
    "definitions/t.sqlx": 'config { type: "test", dataset: "a" }\nselect 1 as id',
  });
  expect(error?.hint).toContain("tests/models/");
});

test("an endless loop ends at the time limit, and process.exit does not end the command", async () => {
  const endless = temporaryProject({ "definitions/a.sqlx": "js { while (true); }\nselect 1" });
  await expect(compileProject({ projectRoot: endless, timeoutMs: 300 })).rejects.toMatchObject({
    code: "compile-timeout",
  });
  const exits = temporaryProject({ "definitions/a.js": "process.exit(7)" });
  await expect(compileProject({ projectRoot: exits })).rejects.toMatchObject({ code: "compile-ended" });
});

test("an interrupted compilation ends at once", async () => {
  const projectRoot = temporaryProject({ "definitions/a.sqlx": "js { while (true); }\nselect 1" });
  await expect(compileProject({ projectRoot, signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
    code: "interrupted",
    exitCode: 130,
  });
});

test("a fault that spoils every model does not fill the screen", async () => {
  const models = Array.from({ length: 50 }, (_, index) => [
    `definitions/m${index}.sqlx`,
    "select ${nothing}",
  ]);
  const projectRoot = temporaryProject(Object.fromEntries(models) as Record<string, string>);
  await expect(compileProject({ projectRoot })).rejects.toMatchObject({
    message: "The project has 50 compilation errors; these are the first 20",
    errors: { length: 20 },
  });
});

test("a folder without settings is no project", async () => {
  await expect(compileProject({ projectRoot: "/nowhere" })).rejects.toMatchObject({ code: "no-project" });
});

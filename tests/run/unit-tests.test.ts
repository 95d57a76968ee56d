import { expect, onTestFinished, test } from "vitest";
import { toActions } from "../../src/project/action.js";
import { compileProject } from "../../src/project/compile.js";
import { runUnitTests, type UnitTestOutcome } from "../../src/run/unit-tests.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const model = 'config { type: "table" }\nselect id, upper(name) as name, amount from ${ref("bronze", "raw")}';
const declaration = 'config { type: "declaration", schema: "bronze", name: "raw" }';
const input = `input "bronze", "raw" {
  select 1 as id, 'a' as name, 1.50 as amount union all select 2, null, 3
}`;

async function runTests(files: Readonly<Record<string, string>>): Promise<UnitTestOutcome[]> {
  const project = await compileProject({ projectRoot: temporaryProject(files) });
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const outcomes = await runUnitTests({
    project,
    actions: toActions(project),
    tests: project.unitTests,
    warehouse: database.warehouse,
    concurrency: 2,
    runId: "test",
    onFinish: () => undefined,
  });
  const left = await database.warehouse.query(
    "select 1 from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname !~ '^(pg_|information)' or nspname ~ '^pg_temp'",
  );
  expect(left.rowCount).toBe(0);
  return outcomes;
}

function testOf(expected: string, name = "t"): string {
  return `config { type: "test", dataset: "model", name: "${name}" }\n${input}\n${expected}`;
}

test("rows are compared whatever their order, values by the model's types, null with null", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": model,
    "definitions/t.sqlx": testOf("select 2 as id, null as name, 3.0 as amount union all select 1, 'A', 1.5"),
  });
  expect(outcome).toMatchObject({ successful: true, messages: [] });
});

test("a differing cell is named with its row, a missing and an unexpected row as such", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": model,
    "definitions/t.sqlx": testOf(
      "select 1 as id, 'B' as name, 1.5 as amount union all select 2, null, 3 union all select 9, 'z', 0",
    ),
  });
  expect(outcome?.successful).toBe(false);
  expect(outcome?.messages).toEqual([
    'row {"id":1,"amount":1.5}: name is "A", expected "B"',
    'missing:    {"id":9,"name":"z","amount":0}',
  ]);
});

test("a row that stands there twice is not the same as once", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": 'config { type: "table" }\nselect 1 as id from ${ref("bronze", "raw")}',
    "definitions/t.sqlx": testOf("select 1 as id"),
  });
  expect(outcome?.messages).toEqual(['unexpected: {"id":1}']);
});

test("columns that only one side has are named", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": model,
    "definitions/t.sqlx": testOf("select 1 as id, 'A' as nam, 1.5 as amount"),
  });
  expect(outcome?.messages).toEqual([
    "column nam is expected, but the model does not have it",
    "column name of the model is not among the expected ones",
  ]);
});

test("an error in the model's SQL stands in the model's file, one in an input in the test's", async () => {
  const outcomes = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": 'config { type: "table" }\nselect id, nmae from ${ref("bronze", "raw")}',
    "definitions/t.sqlx": testOf("select 1 as id, 'A' as nmae"),
    "definitions/u.sqlx": `config { type: "test", dataset: "model", name: "u" }\ninput "bronze", "raw" {\n  select 1 as id,, 2\n}\nselect 1 as id`,
  });
  const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  expect(byName.get("t")?.error?.location?.file).toBe("definitions/model.sqlx");
  expect(byName.get("t")?.error?.message).toContain('column "nmae" does not exist');
  expect(byName.get("u")?.error?.location?.file).toBe("definitions/u.sqlx");
});

const incremental = `config { type: "incremental", uniqueKey: ["id"] }
select id, name from \${ref("bronze", "raw")} \${when(incremental(), \`where id > (select max(id) from \${self()}) - 1\`)}`;

test("an incremental model is tested as the table after the run, given the table before", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": incremental,
    "tests/models/model.sqlx": `config { type: "test", dataset: "model", name: "merge" }
input "self" { select 1 as id, 'old' as name union all select 2, 'old' }
input "bronze", "raw" { select 1 as id, 'new' as name union all select 2, 'new' union all select 3, 'new' }
select 1 as id, 'old' as name union all select 2, 'new' union all select 3, 'new'`,
  });
  expect(outcome).toMatchObject({ name: "merge", successful: true });
});

test("without an existing table an incremental model's test is of its first build", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": incremental,
    "tests/models/model.sqlx": `config { type: "test", dataset: "model", name: "first" }
input "bronze", "raw" { select 1 as id, 'new' as name }
select 1 as id, 'new' as name`,
  });
  expect(outcome).toMatchObject({ successful: true });
});

test("a key that comes twice fails the test as it would fail the run", async () => {
  const [outcome] = await runTests({
    "definitions/raw.sqlx": declaration,
    "definitions/model.sqlx": incremental,
    "tests/models/model.sqlx": `config { type: "test", dataset: "model", name: "twice" }
input "self" { select 1 as id, 'old' as name }
input "bronze", "raw" { select 5 as id, 'a' as name union all select 5, 'b' }
select 1 as id, 'old' as name`,
  });
  expect(outcome?.messages[0]).toContain("1 duplicate unique keys (id)");
});

import { expect, onTestFinished, test } from "vitest";
import { compileProject } from "../../src/project/compile.js";
import type { UnitTest } from "../../src/project/unit-test.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

async function unitTests(files: Readonly<Record<string, string>>): Promise<readonly UnitTest[]> {
  const projectRoot = temporaryProject(files);
  return (await compileProject({ projectRoot, overrides: { schemaSuffix: "dev", tablePrefix: "t" } }))
    .unitTests;
}

const declaration = 'config { type: "declaration", schema: "raw", name: "orders" }';

test("inputs become relations of their own, and the query reads them with the aliases it had", async () => {
  const [unit] = await unitTests({
    "definitions/raw.sqlx": declaration,
    "definitions/people.sqlx": 'config { type: "table", tags: ["hr"] }\nselect 1 as id',
    "definitions/sales.sqlx":
      'config { type: "view" }\nwith orders as (select * from ${ref("raw", "orders")})\nselect orders.id, t_people.id as person from orders cross join ${ref("people")}, ${resolve("raw", "orders")} as again',
    "definitions/t.sqlx":
      'config { type: "test", dataset: "sales", tags: ["fast"] }\ninput "raw", "orders" { select 5 as id }\ninput "people" { select 6 as id }\nselect 5 as id, 6 as person',
  });
  expect(unit).toMatchObject({
    name: "t",
    file: "definitions/t.sqlx",
    tags: ["fast"],
    target: { schema: "silver_dev", name: "t_sales" },
    incremental: false,
    inputs: [
      { relation: "orders", target: { schema: "raw", name: "orders" }, isSelf: false },
      { relation: "t_people", target: { schema: "silver_dev", name: "t_people" }, isSelf: false },
    ],
  });
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.withSession(async (session) => {
    for (const input of unit?.inputs ?? []) {
      await session.query(`create temp table "${input.relation}" as ${input.sql}`);
    }
    expect((await session.query(unit?.query ?? "")).rows).toEqual([{ id: 5, person: 6 }]);
  });
});

test("two inputs of one name in different schemas stay apart", async () => {
  const [unit] = await unitTests({
    "definitions/raw.sqlx": declaration,
    "definitions/other.sqlx": 'config { type: "declaration", schema: "other", name: "orders" }',
    "definitions/both.sqlx":
      'config { type: "table" }\nselect * from ${ref("raw", "orders")} union all select * from ${ref("other", "orders")}',
    "definitions/t.sqlx":
      'config { type: "test", dataset: "both" }\ninput "raw", "orders" { select 1 as a }\ninput "other", "orders" { select 2 as a }\nselect 1 as a union all select 2',
  });
  expect(unit?.inputs.map((input) => input.relation)).toEqual(["orders", "orders_2"]);
  expect(unit?.query.trim()).toBe(
    'select * from pg_temp."orders" union all select * from pg_temp."orders_2"',
  );
});

const grown =
  'config { type: "incremental", uniqueKey: ["id"] }\nselect id from ${ref("raw", "orders")} ${when(incremental(), `where id > (select max(id) from ${self()})`)}';

test("a test of an incremental model in tests/models sees the existing table as self", async () => {
  const [unit] = await unitTests({
    "definitions/raw.sqlx": declaration,
    "definitions/grown.sqlx": grown,
    "tests/models/grown.sqlx":
      'config { type: "test", dataset: "grown" }\ninput "raw", "orders" { select 2 as id }\ninput "self" { select 1 as id }\nselect 1 as id union all select 2',
  });
  expect(unit).toMatchObject({
    incremental: true,
    inputs: [{ relation: "orders" }, { relation: "t_grown", isSelf: true }],
  });
  expect(unit?.query.trim()).toBe(
    'select id from pg_temp."orders" where id > (select max(id) from pg_temp."t_grown")',
  );
});

test("without self it is the table's first build, and tests/models takes other models too", async () => {
  const units = await unitTests({
    "definitions/raw.sqlx": declaration,
    "definitions/grown.sqlx": grown,
    "definitions/flat.sqlx": 'config { type: "table" }\nselect id from ${ref("raw", "orders")}',
    "tests/models/a.sqlx":
      'config { type: "test", dataset: ["silver", "grown"] }\ninput "raw", "orders" { select 2 as id }\nselect 2 as id',
    "tests/models/b.sqlx":
      'config { type: "test", dataset: { schema: "silver", name: "flat" } }\ninput "raw.orders" { select 2 as id }\nselect 2 as id'.replace(
        "raw.orders",
        'raw", "orders',
      ),
  });
  expect(units.map((unit) => [unit.name, unit.query.trim(), unit.incremental])).toEqual([
    ["a", 'select id from pg_temp."orders"', true],
    ["b", 'select id from pg_temp."orders"', false],
  ]);
});

test.each([
  [
    "an unknown model",
    'config { type: "test", dataset: "nowhere" }\nselect 1',
    'Dataset "nowhere" could not be found.',
  ],
  ["no model", 'config { type: "test" }\nselect 1', "Tests must operate upon a specified dataset."],
  ["no test", 'config { type: "view" }\nselect 1', 'must have config { type: "test", ... }'],
  [
    "a missing input",
    'config { type: "test", dataset: "grown" }\nselect 1 as id',
    'Input for dataset "orders" has not been provided',
  ],
])("%s in tests/models is a compile error of that file", async (_, text, message) => {
  const files = {
    "definitions/raw.sqlx": declaration,
    "definitions/grown.sqlx": grown,
    "tests/models/t.sqlx": text,
  };
  await expect(unitTests(files)).rejects.toThrow(message);
});

import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { compileProject } from "../../src/project/compile.js";
import type { RowConditions, UniqueKey } from "../../src/project/compiled-project.js";
import { relationOf } from "../../src/project/compiled-project.js";
import { postgresDialect } from "../../src/project/dialect.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const nowhere = (): void => undefined;

test("names and texts of every kind reach PostgreSQL as they are", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const dialect = postgresDialect({ defaultSchema: "public" }, nowhere);
  const text = fc
    .string({ minLength: 1, maxLength: 12 })
    .filter((each) => !each.includes("\0") && !/\p{Surrogate}/u.test(each));
  await fc.assert(
    fc.asyncProperty(text, text, async (name, content) => {
      const relation = dialect.resolveTarget({ name });
      await database.warehouse.query(
        `create table ${relation} as select ${dialect.sqlString(content)} as content`,
      );
      const { rows } = await database.warehouse.query(`select content from ${relation}`);
      await database.warehouse.query(`drop table ${relation}`);
      expect(rows).toEqual([{ content }]);
    }),
    { numRuns: 50 },
  );
});

test("a target without schema is in the default schema, and its database is never written", () => {
  const dialect = postgresDialect({ defaultSchema: "silver" }, nowhere);
  expect(dialect.resolveTarget({ name: "a" })).toBe('"silver"."a"');
  expect(dialect.resolveTarget({ database: "db", schema: "Gold", name: 'a"b' })).toBe('"Gold"."a""b"');
});

test("the structure of each assertion is recorded with its SQL", () => {
  const recorded = new Map<string, UniqueKey | RowConditions>();
  const dialect = postgresDialect({}, (sql, structure) => recorded.set(sql, structure));
  const unique = dialect.indexAssertion('"s"."t"', ["a", "lower(b)"]);
  const rows = dialect.rowConditionsAssertion('"s"."t"', ["a > 0", "b IS NOT NULL", "c is not null"]);
  expect(recorded.get(unique)).toEqual({ kind: "uniqueKey", columns: ["a", "lower(b)"] });
  expect(recorded.get(rows)).toEqual({
    kind: "rowConditions",
    conditions: [
      { expression: "a > 0" },
      { expression: "b IS NOT NULL", nonNull: "b" },
      { expression: "c is not null" },
    ],
  });
});

test("inline assertions are listed with their table, several keys and all, disabled ones too", async () => {
  const projectRoot = temporaryProject({
    "definitions/a.sqlx":
      "config { type: 'table', assertions: { uniqueKeys: [['a'], ['a', 'b']], nonNull: 'a', rowConditions: ['a > 0'] } }\nselect 1 as a, 2 as b",
    "definitions/b.sqlx": "config { type: 'assertion' }\nselect 1 where false",
  });
  const project = await compileProject({
    projectRoot,
    overrides: { tablePrefix: "t", disableAssertions: true },
  });
  const parent = { schema: "silver", name: "t_a" };
  expect(project.inlineAssertions).toMatchObject([
    { parent, kind: "uniqueKey", columns: ["a"] },
    { parent, kind: "uniqueKey", columns: ["a", "b"] },
    { parent, kind: "rowConditions", conditions: [{ expression: "a > 0" }, { nonNull: "a" }] },
  ]);
  expect(project.graph.assertions?.slice(0, 3).map((assertion) => assertion.disabled)).toEqual([
    true,
    true,
    true,
  ]);
});

test("extraProperties are plain JSON in every config, also where core refuses plain objects", async () => {
  const metadata =
    "metadata: { extraProperties: { postgres: { indexes: [{ columns: ['a'], unique: true }], fillfactor: 90, where: null } } }";
  const structured =
    "metadata: { extraProperties: { fields: { postgres: { structValue: { fields: { fillfactor: { numberValue: 70 } } } } } } }";
  const projectRoot = temporaryProject({
    "definitions/a.sqlx": `config { type: "incremental", onSchemaChange: "EXTEND", ${metadata} }\nselect 1 as a`,
    "definitions/b.sqlx": `config { type: "view", ${structured} }\nselect 1 as a`,
    "definitions/c.js": `publish("c", { type: "table", ${metadata} }).query("select 1 as a"); assert("d", { ${metadata} }).query("select 1 where false");`,
    "definitions/actions.yaml":
      "actions:\n  - incrementalTable:\n      filename: e.sql\n      onSchemaChange: EXTEND\n      metadata:\n        extraProperties:\n          postgres:\n            fillfactor: 80\n",
    "definitions/e.sql": "select 1 as a",
  });
  const { graph } = await compileProject({ projectRoot });
  const properties = [...(graph.tables ?? []), ...(graph.assertions ?? [])].map((action) => [
    action.target.name,
    action.actionDescriptor?.metadata?.extraProperties,
  ]);
  const plain = { postgres: { indexes: [{ columns: ["a"], unique: true }], fillfactor: 90, where: null } };
  expect(Object.fromEntries(properties)).toEqual({
    a: plain,
    b: { postgres: { fillfactor: 70 } },
    c: plain,
    d: plain,
    e: { postgres: { fillfactor: 80 } },
  });
});

test("a relation's name fits PostgreSQL, different ones stay different", () => {
  const long = "x".repeat(70);
  expect(relationOf({ schema: "s", name: "short" })).toEqual({ schema: "s", name: "short" });
  const [a, b] = [
    relationOf({ schema: "s", name: `${long}_1` }),
    relationOf({ schema: "s", name: `${long}_2` }),
  ];
  expect(a.name).toHaveLength(63);
  expect(a.name).not.toBe(b.name);
});

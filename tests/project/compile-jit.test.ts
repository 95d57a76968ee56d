import { expect, test } from "vitest";
import { compileJit, type JitOptions } from "../../src/project/compile-jit.js";
import { compileProject } from "../../src/project/compile.js";
import type { CompiledProject } from "../../src/project/compiled-project.js";
import { temporaryProject } from "../support/temporary-project.js";

const definitions = `
jitData("limits", { rows: 3, names: ["a", null] });
publish("base", { type: "table" }).query("select 1 as id");
publish("plain", { type: "table", dependencies: ["base"] }).jitCode(async ctx => {
  const { rows } = await ctx.adapter.execute({ statement: "select 7 as n" });
  return {
    query: "select * from " + ctx.ref("base") + " limit " + ctx.data.limits.rows + " -- " + rows[0].fields.n.numberValue,
    preOps: ["select '" + ctx.name() + "'"],
  };
});
publish("grows", { type: "incremental", dependencies: ["base"] }).jitCode(async ctx =>
  "select 1 " + ctx.when(ctx.incremental(), "from " + ctx.self(), ""));
operate("twice", { dependencyTargets: [{ name: "base" }] }).jitCode(async ctx => ["select 1", "select 2 from " + ctx.resolve("silver", "base")]);
assert("never").jitCode(async () => "select 1 where false");

publish("forgets", { type: "view" }).jitCode(async ctx => "select * from " + ctx.ref("base"));
publish("uses_include", { type: "view" }).jitCode(async () => require("includes/made").sql());
publish("looks", { type: "view" }).jitCode(async ctx => {
  const table = await ctx.adapter.getTable({ target: { schema: "raw", name: "t" } });
  return "select " + table.fields.map(field => field.name + " /* " + field.primitive + " */").join(", ") + " from raw.t";
});
publish("drops", { type: "view" }).jitCode(async ctx => ctx.adapter.deleteTable({ target: { name: "t" } }));
publish("endless", { type: "view" }).jitCode(async () => { for (;;); });
`;

async function project(): Promise<CompiledProject> {
  return compileProject({
    projectRoot: temporaryProject({
      "definitions/jit.js": definitions,
      "includes/made.js": 'exports.sql = () => "select 5 as five";',
    }),
    overrides: { schemaSuffix: "dev" },
  });
}

const asked: string[] = [];
const options: JitOptions = {
  query: (statement) => {
    asked.push(statement);
    return Promise.resolve(
      statement.includes("information_schema")
        ? [
            {
              table_schema: "raw",
              table_name: "t",
              table_type: "BASE TABLE",
              column_name: "id",
              data_type: "bigint",
            },
          ]
        : [{ n: 7 }],
    );
  },
  runId: "r1",
  startedAt: new Date("2024-01-01T00:00:00Z"),
  runs: ["silver_dev.plain"],
};

test("just-in-time code makes the SQL of every kind of action, with PostgreSQL's names", async () => {
  const compiled = await project();
  expect(await compileJit(compiled, "silver_dev.plain", options)).toEqual({
    kind: "table",
    table: { query: 'select * from "silver_dev"."base" limit 3 -- 7', preOps: ["select 'plain'"] },
  });
  expect(asked).toContain("select 7 as n");
  expect(await compileJit(compiled, "silver_dev.grows", options)).toEqual({
    kind: "incremental",
    regular: { query: "select 1 " },
    incremental: { query: 'select 1 from "silver_dev"."grows"' },
  });
  expect(await compileJit(compiled, "silver_dev.twice", options)).toEqual({
    kind: "operation",
    queries: ["select 1", 'select 2 from "silver_dev"."base"'],
  });
  expect(await compileJit(compiled, "quality_dev.never", options)).toEqual({
    kind: "assertion",
    query: "select 1 where false",
  });
});

test("just-in-time code may use includes and look at tables", async () => {
  const compiled = await project();
  expect(await compileJit(compiled, "silver_dev.uses_include", options)).toMatchObject({
    table: { query: "select 5 as five" },
  });
  expect(await compileJit(compiled, "silver_dev.looks", options)).toMatchObject({
    table: { query: "select id /* 1 */ from raw.t" },
  });
});

test("what it does not declare, may not do or never ends is an error at its definition", async () => {
  const compiled = await project();
  await expect(compileJit(compiled, "silver_dev.forgets", options)).rejects.toMatchObject({
    code: "jit",
    message: expect.stringContaining('"base" is no dependency of this action') as string,
    location: { file: "definitions/jit.js", line: 16, column: 1 },
  });
  await expect(compileJit(compiled, "silver_dev.drops", options)).rejects.toThrow("may not call DeleteTable");
  await expect(
    compileJit(compiled, "silver_dev.endless", { ...options, timeoutMs: 300 }),
  ).rejects.toMatchObject({ code: "compile-timeout" });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { formatLocation } from "../../src/base/source-location.js";
import { lineColumnAt, offsetAt, utf16Offset } from "../../src/base/text-position.js";
import { actionGraph } from "../../src/project/action-graph.js";
import { compileProject } from "../../src/project/compile.js";
import type { CompiledTable } from "../../src/project/compiled-graph.js";
import type { CompiledProject } from "../../src/project/compiled-project.js";
import { locate } from "../../src/project/sql-position.js";
import { temporaryProject } from "../support/temporary-project.js";

async function projectOf(files: Readonly<Record<string, string>>): Promise<CompiledProject> {
  return compileProject({ projectRoot: temporaryProject(files) });
}

/** Where a word of the statement is led to; positions count characters, as the server does. */
function placeOf(project: CompiledProject, key: string, statement: string, word: string): string | undefined {
  const action = actionGraph(project.graph).get(key)?.action;
  if (action === undefined) throw new Error(`no ${key}`);
  const position = Array.from(statement.slice(0, statement.indexOf(word))).length + 1;
  const place = locate(project, action, statement, position);
  return place && formatLocation(place);
}

function table(project: CompiledProject, key: string): CompiledTable {
  return actionGraph(project.graph).get(key)?.action as CompiledTable;
}

const rich = [
  "config { type: 'incremental', tags: ['a'] }", // 1
  "js { const n = 'x'.repeat(40); }", // 2
  "pre_operations {", // 3
  "  select '😀' as face, badpre", // 4
  "  ---", // 5
  "  select `tick`, badsecond", // 6
  "}", // 7
  "select '😀' as a, /* 😀 \\n */ bad1, ${n} as bad2,", // 8
  "  E'back\\\\slash' as bad3,", // 9
  "  '${n}' as bad4", // 10
  "from t ${when(incremental(), `where bad5 > (select max(id) from ${self()})`)}", // 11
].join("\n");

test("literal SQL maps exactly, whatever stands before it: emoji, escapes, placeholders, other blocks", async () => {
  const project = await projectOf({ "definitions/a.sqlx": rich });
  const { query = "", incrementalQuery = "", preOps = [] } = table(project, "silver.a");
  const wrapped = `create table "silver"."a" as ${query.trim()}`;
  expect(placeOf(project, "silver.a", wrapped, "bad1")).toBe("definitions/a.sqlx:8:31");
  expect(placeOf(project, "silver.a", wrapped, "bad2")).toBe("definitions/a.sqlx:8:45");
  expect(placeOf(project, "silver.a", wrapped, "bad3")).toBe("definitions/a.sqlx:9:21");
  expect(placeOf(project, "silver.a", wrapped, "bad4")).toBe("definitions/a.sqlx:10:13");
  expect(placeOf(project, "silver.a", incrementalQuery, "bad4")).toBe("definitions/a.sqlx:10:13");
  expect(placeOf(project, "silver.a", preOps[0] ?? "", "badpre")).toBe("definitions/a.sqlx:4:24");
  expect(placeOf(project, "silver.a", preOps[1] ?? "", "badsecond")).toBe("definitions/a.sqlx:6:18");
});

test("a position in the value of a placeholder maps to the same words within it, else to its start", async () => {
  const project = await projectOf({ "definitions/a.sqlx": rich });
  const { incrementalQuery = "" } = table(project, "silver.a");
  expect(placeOf(project, "silver.a", incrementalQuery, "bad5")).toBe("definitions/a.sqlx:11:37");
  expect(placeOf(project, "silver.a", incrementalQuery, "xxxx")).toBe("definitions/a.sqlx:8:37");
  expect(placeOf(project, "silver.a", incrementalQuery, '"silver"."a"')).toBe("definitions/a.sqlx:11:8");
});

test("what Aquifer wrote around the project's SQL maps to nothing", async () => {
  const project = await projectOf({ "definitions/a.sqlx": "config { type: 'table' }\nselect 1 as id" });
  expect(placeOf(project, "silver.a", "create table x as select 1 as id", "table")).toBeUndefined();
});

test("SQL of the JavaScript API maps to its words in the call, else to the call", async () => {
  const project = await projectOf({
    "definitions/a.js":
      "const c = 'some_' + 'column';\n\n  publish('p', { type: 'view' }).query(ctx => `\n  select bad,\n    ${c}`);\n",
  });
  const { query = "" } = table(project, "silver.p");
  expect(placeOf(project, "silver.p", query, "bad")).toBe("definitions/a.js:4:10");
  expect(placeOf(project, "silver.p", query, "some_column")).toBe("definitions/a.js:3:3");
});

test("SQL of a .sql file named in actions.yaml maps exactly", async () => {
  const project = await projectOf({
    "definitions/actions.yaml": "actions:\n- table:\n    filename: m.sql\n",
    "definitions/m.sql": "select 1 as id,\n  'a' || bad as b, bad as c",
  });
  const { query = "" } = table(project, "silver.m");
  expect(placeOf(project, "silver.m", query, "bad as b")).toBe("definitions/m.sql:2:10");
});

test("a condition of an inline assertion maps to the config", async () => {
  const project = await projectOf({
    "definitions/a.sqlx":
      "config { type: 'table',\n  assertions: { rowConditions: ['amount > 0', 'bad_column < 1'] } }\nselect 1 as amount",
  });
  const statement = 'select count(*) filter (where not (bad_column < 1)) from "silver"."a"';
  expect(placeOf(project, "silver.a", statement, "bad_column")).toBe("definitions/a.sqlx:2:48");
});

test("code points, bytes and UTF-16 units meet at every character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(), (text, seed) => {
      const characters = Array.from(text);
      const before = characters.slice(0, seed % (characters.length + 1));
      const offset = before.join("").length;
      expect(utf16Offset(text, before.length, "code points")).toBe(offset);
      if (!/\p{Surrogate}/u.test(text))
        expect(utf16Offset(text, Buffer.byteLength(before.join("")), "bytes")).toBe(offset);
    }),
  );
  expect(utf16Offset("😀a", 1, "code points")).toBe(2);
  expect(utf16Offset("😀a", 4, "bytes")).toBe(2);
});

test("offsets and line and column turn into each other", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "😀", "\n", "\r\n", "\t")), fc.nat(), (pieces, seed) => {
      const text = pieces.join("");
      const offset = pieces.slice(0, seed % (pieces.length + 1)).join("").length;
      expect(offsetAt(text, lineColumnAt(text, offset))).toBe(offset);
    }),
  );
});

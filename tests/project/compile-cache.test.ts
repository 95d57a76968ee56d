import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { compileProject, type CompileOptions } from "../../src/project/compile.js";
import { SqlxCache } from "../../src/project/sqlx-cache.js";
import { temporaryProject } from "../support/temporary-project.js";

const files = {
  "definitions/a.sqlx":
    "config { type: 'table' }\nselect ${numbers.one} as a, ${require('data/list.json')[0]} as b",
  "includes/numbers.js": "exports.one = 1;",
  "data/list.json": "[1]",
};

async function queryOf(projectRoot: string, options: Partial<CompileOptions> = {}): Promise<string> {
  const { graph } = await compileProject({ projectRoot, ...options });
  return (graph.tables ?? []).map((table) => (table.query ?? "").trim()).join("; ");
}

/** Files kept of earlier compilations, or, of another kind, of the translation of files. */
function kept(root: string, kind: "compile" | "sqlx" = "compile"): string[] {
  try {
    const names = readdirSync(join(root, ".aquifer/cache")).filter((name) => name.startsWith(kind));
    return names.map((name) => join(root, ".aquifer/cache", name));
  } catch {
    return [];
  }
}

/** Older than the start of the next compilation, as files of a project are. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

test("an unchanged project is not compiled again, and gives the same result", async () => {
  const root = temporaryProject(files);
  await settle();
  const first = await compileProject({ projectRoot: root });
  const [file = ""] = kept(root);
  const written = statSync(file).mtimeMs;
  await settle();
  expect(await compileProject({ projectRoot: root })).toEqual(first);
  expect(statSync(file).mtimeMs).toBe(written);
});

test.each([
  ["a model", "definitions/a.sqlx", "config { type: 'table' }\nselect 2 as a", "select 2 as a"],
  ["an include", "includes/numbers.js", "exports.one = 3;", "select 3 as a, 1 as b"],
  ["a file that a model loads", "data/list.json", "[4]", "select 1 as a, 4 as b"],
  [
    "a new model",
    "definitions/b.sqlx",
    "config { type: 'table' }\nselect 5",
    "select 1 as a, 1 as b; select 5",
  ],
])("%s that changes is seen", async (_, path, text, expected) => {
  const root = temporaryProject(files);
  await settle();
  expect(await queryOf(root)).toBe("select 1 as a, 1 as b");
  expect(kept(root)).toHaveLength(1);
  writeFileSync(join(root, path), text);
  expect(await queryOf(root)).toBe(expected);
});

test("a model that goes away, and settings that change, are seen", async () => {
  const root = temporaryProject({ ...files, "definitions/b.sqlx": "config { type: 'table' }\nselect 5" });
  await settle();
  await compileProject({ projectRoot: root });
  rmSync(join(root, "definitions/b.sqlx"));
  expect(await queryOf(root)).toBe("select 1 as a, 1 as b");
  writeFileSync(join(root, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "other" }');
  const { graph } = await compileProject({ projectRoot: root });
  expect(graph.tables?.[0]?.target.schema).toBe("other");
});

test("other options have a result of their own", async () => {
  const root = temporaryProject({ "definitions/a.sqlx": "config { type: 'table' }\nselect ${name()}" });
  await settle();
  expect(await queryOf(root)).toBe("select a");
  expect(await queryOf(root, { overrides: { tablePrefix: "t" } })).toBe("select t_a");
  expect(await queryOf(root)).toBe("select a");
  expect(kept(root)).toHaveLength(2);
});

test.each([
  ["the clock", "new Date().getTime()"],
  ["the clock", "Date.now()"],
  ["chance", "Math.random()"],
  ["the environment", "process.env.NOTHING"],
  ["other modules", "require('fs').existsSync('x')"],
  ["the global crypto", "crypto.randomUUID()"],
  ["prints", "console.log('x')"],
])("what depends on more than files is compiled every time: %s (%s)", async (_, expression) => {
  const root = temporaryProject({ "definitions/a.sqlx": `js { const x = ${expression}; }\nselect 1` });
  await settle();
  await compileProject({ projectRoot: root });
  expect(kept(root)).toEqual([]);
});

test("a project with errors is compiled every time", async () => {
  const root = temporaryProject({ "definitions/a.sqlx": "select ${nothing}" });
  await settle();
  await expect(compileProject({ projectRoot: root })).rejects.toThrow();
  expect(kept(root)).toEqual([]);
});

test("a broken cache is as good as none", async () => {
  const root = temporaryProject(files);
  await settle();
  await compileProject({ projectRoot: root });
  truncateSync(kept(root)[0] ?? "", 100);
  expect(await queryOf(root)).toBe("select 1 as a, 1 as b");
});

test("an SQLX file that is as it was is not translated again, and one that changed is", async () => {
  const root = temporaryProject({ ...files, "definitions/b.sqlx": "config { type: 'table' }\nselect 5" });
  await settle();
  expect(await queryOf(root)).toBe("select 1 as a, 1 as b; select 5");
  const [file = ""] = kept(root, "sqlx");
  const known = deserialize(readFileSync(file).subarray(4)) as [string, { text: string; code: string }][];
  expect(known.map(([name]) => name)).toEqual(["definitions/a.sqlx", "definitions/b.sqlx"]);
  for (const [, each] of known) each.code = each.code.replace("select", "select all");
  const piece = serialize(known);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(piece.length);
  writeFileSync(file, Buffer.concat([length, piece]));
  writeFileSync(join(root, "definitions/b.sqlx"), "config { type: 'table' }\nselect 6");
  expect(await queryOf(root)).toBe("select all 1 as a, 1 as b; select 6");
});

test("the translations of many files are all there again", () => {
  const path = join(temporaryProject({}), "many.v8");
  const names = Array.from({ length: 1201 }, (_, index) => `definitions/${index}.sqlx`);
  const translate = (name: string): string => `code of ${name}`;
  const first = new SqlxCache(path);
  for (const name of names) first.codeOf(name, name, () => translate(name));
  first.write();
  const again = new SqlxCache(path);
  const missed: string[] = [];
  const miss = (name: string): string => (missed.push(name), "");
  for (const name of names) expect(again.codeOf(name, name, () => miss(name))).toBe(translate(name));
  again.codeOf("definitions/7.sqlx", "changed", () => miss("7"));
  expect(missed).toEqual(["7"]);
});

test.each([
  ["cut short", (path: string) => truncateSync(path, 40)],
  ["of another kind", (path: string) => writeFileSync(path, serialize([1]))],
])("translations that are %s are made again", async (_, spoil) => {
  const root = temporaryProject(files);
  await settle();
  await queryOf(root);
  for (const path of kept(root)) rmSync(path);
  for (const path of kept(root, "sqlx")) spoil(path);
  expect(await queryOf(root)).toBe("select 1 as a, 1 as b");
});

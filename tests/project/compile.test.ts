import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileProject } from "../../src/project/compile.js";
import { temporaryProject } from "../support/temporary-project.js";

test("a graph larger than one part arrives whole and in order", async () => {
  const projectRoot = temporaryProject({
    "definitions/many.js":
      "for (let i = 0; i < 2500; i++) publish('m' + i, { type: 'table' }).query('select ' + i);",
  });
  const { graph } = await compileProject({ projectRoot });
  expect(graph.tables?.map((table) => table.query)).toEqual(
    Array.from({ length: 2500 }, (_, i) => `select ${i}`),
  );
});

test("a project whose package.json says that .js files are modules compiles as it does elsewhere", async () => {
  const projectRoot = temporaryProject({
    "package.json": '{ "type": "module" }',
    "includes/a.js": "module.exports = { one: 1 };",
    "definitions/b.js": "const { one } = require('includes/a'); publish('b').query(`select ${one}`);",
  });
  const { graph } = await compileProject({ projectRoot });
  expect(graph.tables?.[0]?.query).toBe("select 1");
});

test("files are found from the project's root, from beside the file, and in the project's own packages", async () => {
  const projectRoot = temporaryProject({
    "node_modules/units/package.json": '{ "name": "units", "main": "main.js" }',
    "node_modules/units/main.js": "module.exports = require('./inner').factor;",
    "node_modules/units/inner.js": "exports.factor = 7;",
    "includes/deep/c.js": "module.exports = require('../d') + require('includes/d');",
    "includes/d.js": "module.exports = 2;",
    "definitions/a.sqlx":
      "select ${require('units')}, ${require('includes/deep/c')}, ${require('data/x.yaml').asJson.y}",
    "data/x.yaml": "y: 9\n",
    "definitions/notes.md": "About `a`: ${not evaluated}",
    "definitions/b.sqlx": "config { type: 'view', description: getContents('notes.md') }\nselect 1",
  });
  const { graph } = await compileProject({ projectRoot });
  expect(graph.operations?.[0]?.queries).toEqual(["select 7, 4, 9"]);
  expect(graph.tables?.[0]?.actionDescriptor?.description).toBe("About `a`: ${not evaluated}");
});

test("the project's own copy of core is the one that compiles it", async () => {
  const projectRoot = temporaryProject({ "definitions/a.sqlx": "select 1" });
  const folder = join(projectRoot, "node_modules/@dataform/core");
  cpSync(join(import.meta.dirname, "../../node_modules/@dataform/core"), folder, { recursive: true });
  writeFileSync(join(folder, "bundle.js"), "throw new Error('this is my own core');");
  await expect(compileProject({ projectRoot })).rejects.toThrow("this is my own core");
});

test("a core of another major version is refused", async () => {
  const projectRoot = temporaryProject({ "definitions/a.sqlx": "select 1" });
  const folder = join(projectRoot, "node_modules/@dataform/core");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    '{ "name": "@dataform/core", "version": "2.9.0", "main": "bundle.js" }',
  );
  writeFileSync(join(folder, "bundle.js"), "");
  await expect(compileProject({ projectRoot })).rejects.toMatchObject({
    code: "core-version",
    message: "The project has @dataform/core 2.9.0, but Aquifer needs 3.x",
  });
});

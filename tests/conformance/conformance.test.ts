import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { compileProject, type ProjectOverrides } from "../../src/project/compile.js";
import type { CompiledGraph } from "../../src/project/compiled-graph.js";
import { dataformJson } from "../../src/project/dataform-json.js";
import { freshDatabase } from "../support/database.js";
import { renderScript } from "./render-script.js";

const repository = join(import.meta.dirname, "../..");
const fixtures = join(import.meta.dirname, "fixtures");
const names = readdirSync(fixtures);

/** A copy of a project with @dataform/core in its own node_modules: Google's CLI takes neither links nor a parent's. */
function copyProject(from: string): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-conformance-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const part of ["dataform.json", "workflow_settings.yaml", "definitions", "includes"]) {
    if (existsSync(join(from, part))) cpSync(join(from, part), join(root, part), { recursive: true });
  }
  const core = "node_modules/@dataform/core";
  cpSync(join(repository, core), join(root, core), { recursive: true });
  writeFileSync(join(root, "package.json"), "{}");
  return root;
}

/** What Google's CLI, called by its path, prints for a project. */
async function googleGraph(root: string, flags: readonly string[]): Promise<unknown> {
  const cli = join(repository, "node_modules/@dataform/cli/bundle.js");
  const { stdout } = await promisify(execFile)(process.execPath, [cli, "compile", "--json", ...flags, root], {
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout);
}

/** JSON with sorted keys and actions in the order of their names: what is compared byte by byte. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, each: unknown) =>
      typeof each === "object" && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    2,
  );
}

/** Everything of a graph but its SQL. */
function withoutSql(graph: CompiledGraph): string {
  const sql = new Set(["query", "incrementalQuery", "queries", "preOps", "postOps", "incrementalPreOps"]);
  for (const key of ["incrementalPostOps", "where", "testQuery", "expectedOutputQuery"]) sql.add(key);
  return canonical(
    JSON.parse(JSON.stringify(graph, (key, value: unknown) => (sql.has(key) ? "SQL" : value))),
  );
}

const overrides: [what: string, flags: string[], overrides: ProjectOverrides][] = [
  ["as it stands", [], {}],
  [
    "with every override",
    [
      "--default-schema=other",
      "--assertion-schema=other_checks",
      "--vars=country=BE,limit=50,color=red,env=ci",
      "--schema-suffix=ci",
      "--table-prefix=t",
      "--disable-assertions",
    ],
    {
      defaultSchema: "other",
      assertionSchema: "other_checks",
      vars: { country: "BE", limit: "50", color: "red", env: "ci" },
      schemaSuffix: "ci",
      tablePrefix: "t",
      disableAssertions: true,
    },
  ],
];

describe.each([...names.map((name) => join(fixtures, name)), repository])("project %s", (from) => {
  test.each(overrides)("compiles to the very graph of Google's CLI %s", async (_, flags, override) => {
    const root = copyProject(from);
    const google = await googleGraph(root, flags);
    const ours = await compileProject({ projectRoot: root, overrides: override, dialect: "bigquery" });
    expect(canonical(dataformJson(ours.graph))).toBe(canonical(google));
  });

  test("differs in PostgreSQL only by its SQL", async () => {
    const root = copyProject(from);
    const [postgres, bigquery] = await Promise.all([
      compileProject({ projectRoot: root }),
      compileProject({ projectRoot: root, dialect: "bigquery" }),
    ]);
    expect(withoutSql(postgres.graph)).toBe(withoutSql(bigquery.graph));
  });
});

test.each(names)("the SQL of %s is as on file, and PostgreSQL runs it", async (name) => {
  const { graph } = await compileProject({ projectRoot: join(fixtures, name) });
  const script = renderScript(graph);
  await expect(script).toMatchFileSnapshot(`golden/${name}.sql`);
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(await readFile(join(fixtures, name, "setup.sql"), "utf8"));
  await database.warehouse.query(script);
});

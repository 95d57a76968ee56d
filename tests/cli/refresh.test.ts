import { utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const report = (table: string): string => `import { defineReport, kpi, ref, sql, total } from "aquifer";
export default defineReport({
  title: "Rows", description: "How many.",
  data: { rows: { sql: sql\`select n from \${ref("silver", "${table}")}\`, columns: { n: { type: "integer", label: "N" } } } },
  body: ({ rows }) => [{ title: "All", items: [kpi({ label: "N", value: total(rows, "n"), format: { as: "number" }, definition: "Sum." })] }],
});`;

test("refresh rebuilds a report when what it reads was built by any command, or its own file changed", async () => {
  const database = await freshDatabase({ maxSessions: 2 });
  onTestFinished(() => database.drop());
  const cwd = temporaryProject({
    "definitions/a.sqlx": 'config { type: "table" }\nselect 1 as n',
    "definitions/b.sqlx": 'config { type: "table" }\nselect 2 as n',
    "reports/a.ts": report("a"),
    "reports/b.ts": report("b"),
  });
  const call = async (...argv: string[]): Promise<string[]> => {
    const { exitCode, stdout } = await dataform(argv, { cwd, env: { DATABASE_URL: database.url } });
    expect(exitCode).toBe(0);
    return [...stdout.matchAll(/Report written: +(\S+)/g)].map(([, name = ""]) => name).sort();
  };
  expect(await call("refresh")).toEqual(["a", "b"]);
  expect(await call("refresh")).toEqual([]);
  await call("run", "--actions", "a");
  expect(await call("refresh")).toEqual(["a"]);
  // A machine whose clock is ahead wrote the page: what it was made from decides, not when.
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(join(cwd, "build/reports/a.html"), tomorrow, tomorrow);
  await call("run", "--actions", "a");
  expect(await call("refresh")).toEqual(["a"]);
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(cwd, "reports/b.ts"), later, later);
  expect(await call("refresh")).toEqual(["b"]);
});

test("the refs of a report lead to the suffixed schemas and prefixed tables of the project, declarations as they are", async () => {
  const database = await freshDatabase({ maxSessions: 2 });
  onTestFinished(() => database.drop());
  await database.warehouse.query("create schema bronze; create table bronze.raw as select 3 as n");
  const cwd = temporaryProject({
    "dataform.json": JSON.stringify({
      warehouse: "postgres",
      defaultSchema: "silver",
      assertionSchema: "quality",
      schemaSuffix: "dev",
      tablePrefix: "my",
    }),
    "definitions/raw.sqlx": 'config { type: "declaration", schema: "bronze", name: "raw" }',
    "definitions/a.sqlx": 'config { type: "table" }\nselect n from ${ref("bronze", "raw")}',
    "reports/a.ts": report("a"),
    "reports/raw.ts": report("raw").replace('"silver"', '"bronze"'),
  });
  const { exitCode, stdout } = await dataform(["refresh"], { cwd, env: { DATABASE_URL: database.url } });
  expect(exitCode, stdout).toBe(0);
  expect(stdout).toMatch(/Table created: +silver_dev\.my_a/);
  expect([...stdout.matchAll(/Report written: +(\S+)/g)].map(([, name]) => name).sort()).toEqual([
    "a",
    "raw",
  ]);
});

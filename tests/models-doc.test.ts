import { readFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { readAquiferSettings } from "../src/project/assertion-settings.js";
import { readPostgresSettings } from "../src/project/postgres-settings.js";
import { dataform } from "./support/command-line.js";
import { freshDatabase } from "./support/database.js";
import { temporaryProject } from "./support/temporary-project.js";

const text = readFileSync(new URL("../docs/models.md", import.meta.url), "utf8");

/** The files that docs/models.md shows, by the path after each fence's language. */
const files = Object.fromEntries(
  [...text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, path = "", content = ""]) => [
    path,
    content,
  ]),
);

it("docs/models.md shows a project that runs, twice, and whose unit tests pass", async () => {
  const root = temporaryProject(files);
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(`
    create schema bronze;
    create table bronze.shop_orders (order_id text, ordered_at text, customer text, amount text);
    insert into bronze.shop_orders values ('1', '2024-01-03', 'Ann', '12.50'), ('2', '2024-02-09', 'Bob', '80'),
      ('3', '2024-02-09', 'Ann', '7.25');
  `);
  const options = { cwd: root, env: { DATABASE_URL: database.url } };
  for (const argv of [["run"], ["run"], ["test"]]) {
    const { exitCode, stdout, stderr } = await dataform(argv, options);
    expect(exitCode, stdout + stderr).toBe(0);
    if (argv[0] === "test") expect(stdout).toContain("2 passed, 0 failed");
  }
  const rows = async (sql: string): Promise<readonly unknown[]> => (await database.warehouse.query(sql)).rows;
  expect(await rows("select customer, revenue::text from gold.shop_customer order by 1")).toEqual([
    { customer: "Ann", revenue: "19.75" },
    { customer: "Bob", revenue: "80" },
  ]);
  expect(await rows("select revenue::text from silver.shop_day order by ordered_at")).toEqual([
    { revenue: "12.50" },
    { revenue: "87.25" },
  ]);
  expect(await rows("select note from gold.shop_note")).toEqual([{ note: "built" }]);
});

/** The keys in the first column of the table below a heading. */
function keysBelow(heading: string): string[] {
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const table = section.split("\n## ")[0] ?? "";
  return [...table.matchAll(/^\| `(\w+)` /gm)].map(([, key = ""]) => key).sort();
}

it("docs/models.md names every setting for PostgreSQL", () => {
  const all = readPostgresSettings(
    { partitionBy: { column: "a", granularity: "day" }, fillfactor: 90 },
    { file: "a.sqlx" },
  );
  expect(keysBelow("`extraProperties.postgres`")).toEqual(Object.keys(all).sort());
});

it("docs/models.md names every setting of assertions and actions", () => {
  const accepts = (key: string, value: unknown): boolean => {
    try {
      readAquiferSettings({ [key]: value }, { file: "a.sqlx" });
      return true;
    } catch {
      return false;
    }
  };
  const values: Readonly<Record<string, unknown>> = {
    severity: "warn",
    maxFailing: 1,
    strict: true,
    sample: false,
    assertions: {},
    auditBeforePublish: false,
    statementTimeout: "1min",
  };
  expect(keysBelow("`extraProperties.aquifer`")).toEqual(Object.keys(values).sort());
  expect(Object.entries(values).filter(([key, value]) => !accepts(key, value))).toEqual([]);
});

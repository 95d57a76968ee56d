import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

test("a new project ingests, runs, tests and reports as it stands", async () => {
  const root = temporaryProject({});
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const made = await dataform(["init", "shop"], { cwd: root });
  expect(made).toMatchObject({ exitCode: 0, stderr: "" });
  expect(made.stdout).toContain("Next: cd shop && npm install && npm start");
  const options = { cwd: join(root, "shop"), env: { DATABASE_URL: database.url } };
  for (const command of ["ingest", "run", "test", "report"]) {
    const result = await dataform([command], options);
    expect(result.exitCode, `${command}: ${result.stderr}`).toBe(0);
  }
  const { rows } = await database.warehouse.query("select sum(orders)::int as orders from gold.shop_revenue");
  expect(rows).toEqual([{ orders: 5 }]);
  expect(readFileSync(join(root, "shop/build/reports/shop/revenue.html"), "utf8")).toContain("Revenue");
});

test("init keeps what is there and refuses a project", async () => {
  const root = temporaryProject({ "shop/package.json": '{ "name": "mine" }', "dataform.json": "{}" });
  const made = await dataform(["init", "shop"], { cwd: root });
  expect(made.stdout).toContain("Kept  package.json");
  expect(readFileSync(join(root, "shop/package.json"), "utf8")).toBe('{ "name": "mine" }');
  const again = await dataform(["init"], { cwd: root });
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain("is a Dataform project already: it has dataform.json");
});

test("install without a package.json says that nothing is needed, and without a project that there is none", async () => {
  const root = temporaryProject({});
  expect((await dataform(["install"], { cwd: root })).stdout).toContain("Nothing to install");
  expect((await dataform(["install", "nowhere"], { cwd: root })).exitCode).toBe(2);
});

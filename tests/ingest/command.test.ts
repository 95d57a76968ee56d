import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { runCommandLine } from "../../src/cli/main.js";
import type { Effects, Writer } from "../../src/base/effects.js";
import { ingestProject, type IngestProject } from "./support.js";

const declared = `
import { defineSource } from "aquifer";
export const orders = defineSource({ name: "shop/orders", files: "orders*.csv", columns: { id: {}, note: {} } });
`;
const orders = defineSource({ name: "shop/orders", files: "orders*.csv", columns: { id: {}, note: {} } });

async function shop(): Promise<IngestProject> {
  return ingestProject([orders], {
    "dataform.json": '{ "warehouse": "postgres", "defaultSchema": "gold" }',
    "ingest/shop.ts": declared,
    "definitions/orders.sqlx": 'config { type: "declaration", schema: "bronze", name: "shop_orders" }',
    "definitions/total.sqlx":
      'config { type: "table" }\nselect count(*) as orders from ${ref("bronze", "shop_orders")}',
    "definitions/other.sqlx": 'config { type: "table" }\nselect 1 as x',
    "raw/shop/orders.csv": "id,note\n1,a\n2,b\n",
  });
}

async function dataform(
  project: IngestProject,
  ...argv: string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const writer = (write: (text: string) => void): Writer => ({ write, isTerminal: false, columns: 80 });
  const effects: Effects = {
    stdout: writer((text) => (out += text)),
    stderr: writer((text) => (err += text)),
    clock: { now: () => new Date(2026, 0, 15, 12), elapsed: () => performance.now() },
    env: { ...process.env, DATABASE_URL: project.database.url },
    newId: () => crypto.randomUUID(),
    signal: new AbortController().signal,
  };
  const code = await runCommandLine(argv, { effects, cwd: project.root });
  return { code, out, err };
}

test("a dry run explains each file and writes nothing", async () => {
  const project = await shop();
  const { code, out } = await dataform(project, "ingest", "--dry-run");
  expect(code).toBe(0);
  expect(out).toMatch(/Would load: raw\/shop\/orders.csv -> bronze.shop_orders, 2 rows/);
  expect(out).toMatch(/shop\/orders: name matches orders\*\.csv; header on line 1: all 2 columns/);
  expect(
    await project.rows("select nspname from pg_namespace where nspname in ('bronze', 'aquifer')"),
  ).toEqual([]);
});

test("--run builds exactly what reads the new data", async () => {
  const project = await shop();
  const { code, out } = await dataform(project, "ingest", "--run");
  expect(code).toBe(0);
  expect(out).toMatch(
    /Loaded: raw\/shop\/orders.csv[^]*Batch batch_150126_1: 2 rows of 1 file[^]*Table created: {2}gold.total/,
  );
  expect(await project.rows("select orders, to_regclass('gold.other') from gold.total")).toEqual([
    ["2", null],
  ]);
});

test("what is unchanged is said in one line", async () => {
  const project = await shop();
  await project.write("raw/shop/orders_2.csv", "id,note\n3,c\n");
  await dataform(project, "ingest");
  const { out } = await dataform(project, "ingest");
  expect(out).toBe("Skipped: 2 files (unchanged)\nNothing new.\n");
});

test("--json prints one object a line", async () => {
  const project = await shop();
  const { out } = await dataform(project, "ingest", "shop", "--json");
  const [file, batch] = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(file).toMatchObject({ file: "raw/shop/orders.csv", rows: 2, action: "load", method: "bytes" });
  expect(batch).toEqual({ batch: "batch_150126_1", waiting: [], missing: [] });
});

test("an unknown source is an error that suggests the nearest", async () => {
  const project = await shop();
  const { code, err } = await dataform(project, "ingest", "shop/oders");
  expect(code).toBe(2);
  expect(err).toContain('Did you mean "shop/orders"?');
});

test("a dry run over a ledger of an older version says what to do, in place of an error of SQL", async () => {
  const project = await shop();
  await project.ingest();
  await project.database.warehouse.query("delete from aquifer.migration where version > 2");
  const { code, err } = await dataform(project, "ingest", "--dry-run");
  expect(code).toBe(1);
  expect(err).toContain('The ledger in schema "aquifer" was made by an older version\n  hint: ');
});

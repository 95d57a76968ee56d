import { readFile, readdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeError } from "../../src/base/errors.js";
import { runCommandLine } from "../../src/cli/main.js";
import { loadReports, selectReports } from "../../src/report/load-reports.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { freshDatabase } from "../support/database.js";
import { build, ordersReport, ordersTable, projectWith, readPage } from "./support.js";

async function ordersDatabase(): Promise<{ warehouse: Warehouse; url: string }> {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(ordersTable);
  return database;
}

const small = (
  body: string,
  columns = `{ region: { type: "text", label: "Region" }, amount: { type: "integer", label: "Amount" } }`,
): string => `
import { defineReport, kpi, ref, sql, total } from "aquifer";
export default defineReport({
  title: "Small", description: "A small report.",
  data: { orders: { sql: sql\`
    ${body}\`, columns: ${columns} } },
  body: ({ orders }) => [{ title: "All", items: [kpi({ label: "Amount", value: total(orders, "amount"), format: { as: "number" }, definition: "All." })] }],
});
`;

describe("building reports", () => {
  it("writes a page with its figures, an index and a feed", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({ "reports/sales/orders.ts": ordersReport });
    const [result] = await build(root, warehouse);
    expect(result).toMatchObject({ status: "written", rows: 5 });
    const { document } = parseHTML(await readPage(root, "sales/orders"));
    const texts = (selector: string): string[] =>
      [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
    expect(texts(".kpi .value")).toEqual(["45 IDR", "66.67%"]);
    expect(texts("h1")).toEqual(["Orders"]);
    expect(texts("figure h3")).toEqual(["Amount by region", "Amount by day", "Products of each region"]);
    expect(texts("figure#item-2-1 tbody tr")).toEqual(["north30", "south12", "west3"]);
    expect(texts(".stamp time")).toEqual(["1 Jun 2024, 08:30 UTC", "1 Jun 2024, 08:30 UTC"]);
    expect(document.querySelector("#item-2-4 thead th:nth-child(2)")?.getAttribute("title")).toBe(
      "What was bought.",
    );
    const index = await readPage(root, "index");
    expect(index).toContain('href="sales/orders.html"');
    const feed = JSON.parse(await readFile(join(root, "build/reports/api/sales/orders.json"), "utf8")) as {
      kpis: unknown[];
    };
    expect(feed.kpis).toMatchObject([{ label: "Amount", value: 45, unit: "IDR" }, { value: 2 / 3 }]);
  });

  it("gives the same bytes for the same rows", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    await build(root, warehouse);
    const first = await readPage(root, "orders");
    await build(root, warehouse);
    expect(await readPage(root, "orders")).toBe(first);
  });

  it("allows its own scripts and styles by their hash, pictures that it makes, and nothing else", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    await build(root, warehouse);
    for (const [name, scripts] of [
      ["orders", 3],
      ["index", 1],
    ] as const) {
      const html = await readPage(root, name);
      const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
      const hash = "'sha256-[A-Za-z0-9+/]{43}='";
      expect(policy).toMatch(
        new RegExp(
          `^default-src 'none'; script-src ${hash}( ${hash}){${scripts - 1}}; style-src ${hash}; ` +
            "img-src data: blob:; base-uri 'none'; form-action 'none'$",
        ),
      );
      expect(html).not.toMatch(
        /\s(style|on\w+)=|<link(?! rel="icon" href="data:,")|<script src|@import|url\(/,
      );
    }
  });

  it("keeps the shape of the page", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    await build(root, warehouse);
    const { document } = parseHTML(await readPage(root, "orders"));
    for (const svg of document.querySelectorAll("svg.plot")) svg.replaceChildren();
    const shape = (document.querySelector(".page")?.outerHTML ?? "").replaceAll("><", ">\n<");
    await expect(shape).toMatchFileSnapshot("golden/orders.html");
  });

  it("says on the page that the run's history dates the data", async () => {
    const { warehouse } = await ordersDatabase();
    await warehouse.query(`
      create schema aquifer;
      create table aquifer.action_run (action_run_id serial, run_id uuid, action text, status text, finished_at timestamptz);
      insert into aquifer.action_run (run_id, action, status, finished_at) values
        ('00000000-0000-4000-8000-00000000000a', 'gold.orders', 'successful', '2024-05-31 23:15+00'),
        ('00000000-0000-4000-8000-00000000000b', 'gold.orders', 'failed', '2024-06-01 06:00+00')`);
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    await build(root, warehouse);
    const { document } = parseHTML(await readPage(root, "orders"));
    expect(document.querySelector(".stamp")?.textContent).toBe(
      "Data as of 31 May 2024, 23:15 UTCrun 00000000Page built 1 Jun 2024, 08:30 UTC",
    );
  });
});

describe("a gold table changed under a report", () => {
  it("names file, line, query, column and the nearest column, leaves the last good page, and builds the others", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/a-broken.ts": small('select region, amount from ${ref("gold", "orders")}'),
      "reports/b-fine.ts": small('select region, 1 as amount from ${ref("gold", "orders")}'),
    });
    await build(root, warehouse);
    const before = await readPage(root, "a-broken");
    await warehouse.query("alter table gold.orders rename amount to amounts");
    const results = await build(root, warehouse);
    expect(results.map(({ status }) => status)).toEqual(["failed", "written"]);
    const [failed] = results;
    const said = failed?.status === "failed" ? describeError(failed.error) : "";
    expect(said).toBe(
      [
        'reports/a-broken.ts:6:20: query "orders" failed: column "amount" does not exist',
        "  5 |   data: { orders: { sql: sql`",
        '  6 |     select region, amount from ${ref("gold", "orders")}`, columns: { region: { type: "text", label: "Region" }, amount: { type: "integer", label: "Amount" } } } },',
        "    |                    ^",
        '  hint: The nearest column is "amounts" of gold.orders.',
      ].join("\n"),
    );
    expect(await readPage(root, "a-broken")).toBe(before);
    const index = parseHTML(await readPage(root, "index")).document;
    expect(
      [...index.querySelectorAll("article")].map((card) => card.querySelector(".failed") !== null),
    ).toEqual([true, false]);
    expect((await readdir(join(root, "build/reports"))).filter((name) => name.includes("partial"))).toEqual(
      [],
    );
  });

  it("names a declared column that the query does not return", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/a.ts": small(
        'select region, amount as amuont from ${ref("gold", "orders")} where amount > ${1}',
      ),
    });
    const [failed] = await build(root, warehouse);
    const said = failed?.status === "failed" ? describeError(failed.error) : "";
    expect(said).toContain("reports/a.ts:6:");
    expect(said).toContain('query "orders" does not return the column "amount" that the report declares');
    expect(said).toContain('hint: It returns region, amuont. Did you mean "amuont"?');
    expect(existsSync(join(root, "build/reports/a.html"))).toBe(false);
  });

  it("names a table that does not exist, and the nearest one", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/a.ts": small('select region, amount from ${ref("gold", "order")}'),
    });
    const [failed] = await build(root, warehouse);
    const said = failed?.status === "failed" ? describeError(failed.error) : "";
    expect(said).toContain('query "orders" failed: relation "gold.order" does not exist');
    expect(said).toContain("Or did you mean gold.orders?");
  });

  it.each([
    ["select region, null::int as amount from", 'returned NULL in column "amount", row 1'],
    ["select region, 1.5 as amount from", 'returned "1.5" in column "amount", row 1'],
    ["select region, 9007199254740993 as amount from", 'returned "9007199254740993" in column "amount"'],
    ["select null as region, 1 as amount from", 'returned NULL in column "region"'],
  ])("refuses values that are not what was declared: %s", async (select, expected) => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({ "reports/a.ts": small(`${select} \${ref("gold", "orders")}`) });
    const [failed] = await build(root, warehouse);
    expect(failed?.status === "failed" ? describeError(failed.error) : "").toContain(expected);
  });

  it("cannot write: a report only reads", async () => {
    const { warehouse } = await ordersDatabase();
    await warehouse.query(
      "create function gold.sneak() returns text language sql as $$ insert into gold.orders values ('x', null, '2024-01-01', 1) returning region $$",
    );
    const root = await projectWith({ "reports/a.ts": small("select gold.sneak() as region, 1 as amount") });
    const [failed] = await build(root, warehouse);
    expect(failed?.status === "failed" ? describeError(failed.error) : "").toContain("read-only transaction");
    expect((await warehouse.query("select from gold.orders where region = 'x'")).rowCount).toBe(0);
  });

  it("names the report and the line whose body throws", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/a.ts": small("select 'a' as region, 1 as amount").replace("total(orders", "shapeless(orders"),
    });
    const [failed] = await build(root, warehouse);
    expect(failed?.status === "failed" ? describeError(failed.error) : "").toMatch(
      /^reports\/a\.ts:7:\d+: the report's body failed: shapeless is not defined$/,
    );
  });

  it("does not bundle what only Node has, and says so", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/a.ts": `import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n${small('select region, amount from ${ref("gold", "orders")}').replace("defineReport({", "defineReport({ ...(x ? {} : {}),")}`,
      "reports/b.ts": small('select region, amount from ${ref("gold", "orders")}'),
    });
    const results = await build(root, warehouse);
    expect(results.map(({ status }) => status)).toEqual(["failed", "written"]);
    expect(results[0]?.status === "failed" ? describeError(results[0].error) : "").toContain(
      "reports/a.ts:1:",
    );
  });
});

it("a filter of thousands of values is refused, with what to do instead", async () => {
  const { warehouse } = await ordersDatabase();
  await warehouse.query(
    "insert into gold.orders select 'r' || i, null, '2024-01-01', 1 from generate_series(1, 400) as i",
  );
  const root = await projectWith({ "reports/orders.ts": ordersReport });
  const [failed] = await build(root, warehouse);
  expect(failed?.status === "failed" ? describeError(failed.error) : "").toBe(
    'reports/orders.ts: the filter "region" offers 403 values, more than 300\n' +
      "  hint: Filter by something coarser; to find one of many rows, give a table `search: true`.",
  );
});

describe("missing data", () => {
  it("is said where it is missing", async () => {
    const { warehouse } = await ordersDatabase();
    await warehouse.query("truncate gold.orders");
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    await build(root, warehouse);
    const { document } = parseHTML(await readPage(root, "orders"));
    expect(document.querySelector("#item-1-1 .value")?.textContent).toBe("no data");
    expect(document.querySelector("#item-2-1 .empty")?.textContent).toBe(
      "The query “orders” returned no rows from gold.orders.",
    );
  });

  it("of an optional query leaves a notice and the rest of the page", async () => {
    const { warehouse } = await ordersDatabase();
    const root = await projectWith({
      "reports/orders.ts": small('select region, amount from ${ref("gold", "forecast")}').replace(
        "orders: { sql",
        "orders: { optional: true, sql",
      ),
    });
    const [result] = await build(root, warehouse);
    expect(result?.status).toBe("written");
    expect(await readPage(root, "orders")).toContain("gold.forecast does not exist yet");
  });
});

describe("naming reports", () => {
  it("takes names, last parts, folders and patterns, and suggests the nearest", async () => {
    const report = small("select 'a' as region, 1 as amount");
    const root = await projectWith({
      "reports/sales/orders.ts": report,
      "reports/sales/customers.ts": report,
      "reports/costs.ts": report,
    });
    const all = await loadReports(root);
    const chosen = (...names: string[]): string[] => selectReports(all, names).map(({ name }) => name);
    expect(chosen()).toEqual(["costs", "sales/customers", "sales/orders"]);
    expect(chosen("sales")).toEqual(["sales/customers", "sales/orders"]);
    expect(chosen("orders", "costs")).toEqual(["costs", "sales/orders"]);
    expect(chosen("*/c*")).toEqual(["sales/customers"]);
    expect(chosen("reports/costs.ts")).toEqual(["costs"]);
    expect(() => chosen("oders")).toThrow(
      expect.objectContaining({ code: "unknown-report", hint: 'Did you mean "orders"?' }),
    );
  });

  it.each([
    ["export const a = 1;", "the file exports no report"],
    [
      ordersReport.replace("filters: { region:", "filters: { regoin:"),
      'the filter "regoin" acts on every query, but "orders" has no such column',
    ],
  ])("refuses a file that is no report", async (text, message) => {
    const root = await projectWith({ "reports/a.ts": text });
    await expect(loadReports(root)).rejects.toThrow(message);
  });
});

describe("dataform report", () => {
  async function run(
    root: string,
    url: string,
    ...argv: string[]
  ): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ["", ""];
    const writer = (take: (text: string) => void) => ({ write: take, isTerminal: false, columns: 80 });
    const code = await runCommandLine(["report", ...argv], {
      cwd: root,
      effects: {
        stdout: writer((text) => (out += text)),
        stderr: writer((text) => (err += text)),
        clock: { now: () => new Date(), elapsed: () => performance.now() },
        env: { DATABASE_URL: url },
        newId: () => "00000000-0000-4000-8000-000000000000",
        signal: new AbortController().signal,
      },
    });
    return { code, out, err };
  }

  it("lists what was written and where", async () => {
    const { url } = await ordersDatabase();
    const root = await projectWith({ "reports/sales/orders.ts": ordersReport });
    const { code, out, err } = await run(root, url);
    expect(code).toBe(0);
    expect(err).toMatch(/^Warehouse: .*\n$/);
    expect(out).toMatch(
      /^Report written: {2}sales\/orders {2}build\/reports\/sales\/orders\.html \(.* kB, 5 rows\)\n1 report built in .*\. Open build\/reports\/index\.html\n$/,
    );
  });

  it("exits 1 when a report fails, after building the others", async () => {
    const { url } = await ordersDatabase();
    const root = await projectWith({
      "reports/a.ts": small('select region, amuont as amount from ${ref("gold", "orders")}'),
      "reports/b.ts": small('select region, amount from ${ref("gold", "orders")}'),
    });
    const { code, out, err } = await run(root, url);
    expect(code).toBe(1);
    expect(err).toContain(
      'Report failed:  a\nreports/a.ts:6:20: query "orders" failed: column "amuont" does not exist',
    );
    expect(out).toContain("Report written:  b");
    expect(out).toContain("1 report built, 1 failed");
  });

  it("exits 2 for an unknown name before it connects to anything", async () => {
    const root = await projectWith({ "reports/sales/orders.ts": ordersReport });
    const { code, err } = await run(root, "postgres://nobody@127.0.0.1:1/none", "ordrs");
    expect(code).toBe(2);
    expect(err).toBe('No report is named "ordrs"\n  hint: Did you mean "orders"?\n');
  });

  it("has a help with an example", async () => {
    const root = await projectWith({});
    expect((await run(root, "", "--help")).out).toMatch(/Example:\n {2}\$ dataform report/);
  });
});

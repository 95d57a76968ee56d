import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { onTestFinished, type TestContext } from "vitest";
import { buildReports, type BuildResult } from "../../src/report/build-reports.js";
import { loadReports, selectReports } from "../../src/report/load-reports.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { skipUnless } from "../support/skip.js";

export const repository = join(import.meta.dirname, "..", "..");

/** A project of its own in a temporary folder, removed after the test. */
export async function projectWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-report-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const all = { "dataform.json": '{"warehouse":"postgres","defaultSchema":"gold"}', ...files };
  for (const [file, text] of Object.entries(all)) await put(root, file, text);
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  return root;
}

export async function put(root: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}

export interface BuildSurroundings {
  readonly names?: readonly string[];
  readonly outputFolder?: string;
}

/** Builds a project's reports at a fixed time of day. */
export async function build(
  root: string,
  warehouse: Warehouse,
  { names = [], outputFolder = join(root, "build", "reports") }: BuildSurroundings = {},
): Promise<BuildResult[]> {
  const all = await loadReports(root);
  return buildReports({
    projectRoot: root,
    outputFolder,
    warehouse,
    all,
    selected: selectReports(all, names),
    historySchema: "aquifer",
    clock: { now: () => new Date("2024-06-01T08:30:00Z"), elapsed: () => performance.now() },
  });
}

export function readPage(root: string, name: string): Promise<string> {
  return readFile(join(root, "build", "reports", `${name}.html`), "utf8");
}

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
let shared: Promise<Browser> | undefined;

/** The browser of a test file, started by the first test that needs it; the test is skipped where there is none. */
export function browserFor(context: TestContext): Promise<Browser> {
  skipUnless(context, existsSync(chromiumPath), `no Chromium at ${chromiumPath} (apt-get install chromium)`);
  shared ??= chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return shared;
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

export interface OpenedPage {
  readonly page: Page;
  /** What the page said on the console or threw. */
  readonly messages: string[];
  /** What it asked of anything but the disk and itself. */
  readonly requests: string[];
}

/** Opens a file as a reader would, from disk. */
export async function openPage(
  browser: Browser,
  path: string,
  options: BrowserContextOptions & { hash?: string; live?: boolean } = {},
): Promise<OpenedPage> {
  const { hash = "", live = options.javaScriptEnabled !== false, ...contextOptions } = options;
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    // Smooth scrolling would move what a test is about to click.
    reducedMotion: "reduce",
    ...contextOptions,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const messages: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => messages.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== `file://${path}`) requests.push(request.url());
  });
  await page.goto(`file://${path}${hash}`);
  if (live) await page.waitForSelector("html.live");
  return { page, messages, requests };
}

/** The report that most tests use: orders by region and product, with every kind of item. */
export const ordersReport = `
import { chart, defineReport, inOrder, kpi, largest, ratio, ref, sql, sumBy, table, text, total } from "aquifer";
import { bars, columns, shareBars } from "aquifer/charts";

export default defineReport({
  title: "Orders",
  description: "Orders by region and product.",
  data: {
    orders: {
      sql: sql\`
        select region, product, ordered_on, amount
        from \${ref("gold", "orders")}
        where amount > \${0}
        order by region, product, ordered_on\`,
      columns: {
        region: { type: "text", label: "Region" },
        product: { type: "text", label: "Product", nullable: true },
        ordered_on: { type: "date", label: "Ordered on" },
        amount: { type: "integer", label: "Amount" },
      },
    },
  },
  filters: { region: { label: "Region" }, ordered_on: { label: "Day", kind: "range" } },
  body: ({ orders }) => [
    {
      title: "At a glance",
      items: [
        kpi({ label: "Amount", value: total(orders, "amount"), format: { as: "number" }, unit: "IDR", definition: "Sum of all orders." }),
        kpi({
          label: "Share of the north",
          value: ratio(total(orders.filter(({ region }) => region === "north"), "amount") ?? 0, total(orders, "amount")),
          format: { as: "percent", digits: 2 },
          definition: "Amount of the north divided by all.",
        }),
        text("What is counted.\\n\\nOrders above zero."),
      ],
    },
    {
      title: "Details",
      items: [
        chart({
          title: "Amount by region",
          subtitle: "IDR",
          rows: largest(sumBy(orders, ["region"], ["amount"]), "amount"),
          fields: { region: { label: "Region" }, amount: { label: "Amount", unit: "IDR" } },
          draw: bars({ category: "region", value: "amount" }),
        }),
        chart({
          title: "Amount by day",
          rows: inOrder(sumBy(orders, ["ordered_on"], ["amount"]), "ordered_on"),
          fields: { ordered_on: { label: "Day", format: { as: "date" } }, amount: { label: "Amount" } },
          draw: columns({ category: "ordered_on", value: "amount" }),
        }),
        chart({
          title: "Products of each region",
          rows: sumBy(orders.map((row) => ({ ...row, product: row.product ?? "none" })), ["region", "product"], ["amount"]),
          fields: { region: { label: "Region" }, product: { label: "Product" }, amount: { label: "Amount" } },
          draw: shareBars({ category: "region", series: "product", value: "amount", order: ["tea", "none"] }),
        }),
        table({
          title: "All orders",
          rows: orders,
          fields: { region: { label: "Region" }, product: { label: "Product" }, ordered_on: { label: "Day" }, amount: { label: "Amount" } },
          totals: { amount: total(orders, "amount") ?? 0 },
          search: true,
          pageSize: 3,
        }),
      ],
    },
  ],
});
`;

export const ordersTable = `
create schema gold;
create table gold.orders (region text not null, product text, ordered_on date not null, amount bigint not null);
comment on column gold.orders.product is 'What was bought.';
insert into gold.orders values
  ('north', 'tea', '2024-01-01', 10), ('north', null, '2024-01-02', 20), ('south', 'tea', '2024-01-01', 5),
  ('south', 'tea', '2024-01-03', 7), ('west', null, '2024-01-02', 3), ('west', 'tea', '2024-01-03', 0);
`;

/** Months of revenue with June 2023 missing, and a forecast of six months: what `gallery-report.ts` reads. */
export const galleryTables = `
create schema gold;
create table gold.revenue as
select month::date, region, kind,
  round((case kind when 'Denda' then 0.08 else 1 end * base * (1 + 0.004 * m + 0.06 * sin(m * 0.52)))::numeric) as revenue
from generate_series(0, 30) as m
cross join lateral (select '2022-01-01'::date + make_interval(months => m)) as each (month)
cross join (values ('Utara', 4.9e9), ('Selatan', 4.3e9), ('Pusat', 5.8e9)) as region (region, base)
cross join (values ('Tagihan'), ('Denda')) as kind (kind)
where m <> 17;
create table gold.forecast as
select month, kind, value,
  case kind when 'forecast' then value * (1 - 0.015 * ahead) end as low,
  case kind when 'forecast' then value * (1 + 0.015 * ahead) end as high
from (
  select ('2023-08-01'::date + make_interval(months => m))::date as month,
    case when m > 11 then 'forecast' else 'actual' end as kind,
    1.6e10 + 2e8 * m + 6e8 * sin(m * 0.52) as value, m - 11 as ahead
  from generate_series(0, 17) as m
) as each;
`;

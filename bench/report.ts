import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { resetEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { openWarehouse } from "../src/warehouse/connect.js";

const repository = process.cwd();
const reports = 30;
const bigRows = 50_000;
const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

/**
 * Builds 30 reports by the whole command, and opens pages from disk in Chromium: first paint, and how long a filter takes
 * from the click to the painted answer. The server is AQUIFER_BENCH_URL, else an embedded one of this run.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const url = process.env["AQUIFER_BENCH_URL"];
  const env = url === undefined ? {} : { DATABASE_URL: url };
  try {
    await writeProject(root);
    const warehouse = await openWarehouse({ projectRoot: root, env, maxSessions: 1 });
    try {
      await warehouse.query(data);
    } finally {
      await warehouse.close();
    }
    const build = (...names: string[]): number => {
      const started = performance.now();
      execFileSync(process.execPath, [join(repository, "bin/dataform.js"), "report", ...names], {
        cwd: root,
        env: { PATH: process.env["PATH"], ...env },
        stdio: "pipe",
      });
      return (performance.now() - started) / 1000;
    };
    print(`${reports} reports, whole command: ${times(3, () => build("small"))} s`);
    print(`1 report, whole command: ${times(3, () => build("small/report-01"))} s`);
    build("big");
    const pages = join(root, "build/reports");
    const sizes = await Promise.all(
      (await readdir(join(pages, "small"))).map(
        async (name) => (await stat(join(pages, "small", name))).size,
      ),
    );
    print(
      `largest page of the ${reports} (3 KPIs, 4 charts, 1 table, 3 filters, 2,400 rows): ${kilobytes(Math.max(...sizes))}`,
    );
    print(`page of ${bigRows} rows: ${kilobytes((await stat(join(pages, "big/rows.html"))).size)}`);
    if (!existsSync(chromiumPath))
      return print(`no Chromium at ${chromiumPath}: paint and filters not measured`);
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    try {
      for (const name of ["small/report-01", "big/rows"]) {
        const { paint, live, filter } = await measure(browser, join(pages, `${name}.html`));
        print(`${name}: first contentful paint ${paint} ms, live after ${live} ms, filter ${filter} ms`);
      }
    } finally {
      await browser.close();
    }
  } finally {
    if (url === undefined) await resetEmbedded(root);
    await rm(root, { recursive: true, force: true });
  }
}

const data = `
drop schema if exists bench_report cascade;
create schema bench_report;
create table bench_report.orders as
select
  'region ' || (i % 12) as region, 'product ' || (i % 10) as product, 'channel ' || (i % 4) as channel,
  date '2023-01-01' + 30 * (i % 20) as month, (i * 7919 % 1000)::int as amount
from generate_series(1, ${bigRows}) as i;
`;

/** Small reports read sums by every filter, the big one reads every row. */
async function writeProject(root: string): Promise<void> {
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  await writeFile(join(root, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "bench" }');
  await writeFile(join(root, "package.json"), "{}");
  for (const folder of ["small", "big"]) await mkdir(join(root, "reports", folder), { recursive: true });
  for (let index = 1; index <= reports; index++) {
    const text = report(
      `Report ${index}`,
      "select region, product, channel, month, sum(amount)::int as amount",
      "group by 1, 2, 3, 4",
    );
    await writeFile(join(root, `reports/small/report-${String(index).padStart(2, "0")}.ts`), text);
  }
  await writeFile(
    join(root, "reports/big/rows.ts"),
    report("Rows", "select region, product, channel, month, amount", ""),
  );
}

function report(title: string, select: string, group: string): string {
  return `
import { chart, defineReport, inOrder, kpi, largest, ref, sql, sumBy, table, total } from "aquifer";
import { bars, columns, shareBars } from "aquifer/charts";
const amount = { label: "Amount", format: { as: "number" } } as const;
export default defineReport({
  title: "${title}", description: "Amounts by region, product, channel and month.",
  data: { orders: {
    sql: sql\`${select} from \${ref("bench_report", "orders")} ${group}\`,
    columns: {
      region: { type: "text", label: "Region" }, product: { type: "text", label: "Product" },
      channel: { type: "text", label: "Channel" }, month: { type: "date", label: "Month" },
      amount: { type: "integer", label: "Amount" },
    } } },
  filters: { region: { label: "Region" }, product: { label: "Product" }, month: { label: "Month", kind: "range" } },
  body: ({ orders }) => [
    { title: "Figures", items: ["all", "0", "1"].map((channel) => kpi({
      label: "Amount " + channel, format: amount.format, definition: "Sum of amounts.",
      value: total(orders.filter((row) => channel === "all" || row.channel.endsWith(channel)), "amount") })) },
    { title: "Charts", items: [
      chart({ title: "Regions", rows: largest(sumBy(orders, ["region"], ["amount"]), "amount"), fields: { region: { label: "Region" }, amount }, draw: bars({ category: "region", value: "amount" }) }),
      chart({ title: "Products", rows: largest(sumBy(orders, ["product"], ["amount"]), "amount"), fields: { product: { label: "Product" }, amount }, draw: bars({ category: "product", value: "amount" }) }),
      chart({ title: "Months", rows: inOrder(sumBy(orders, ["month"], ["amount"]), "month"), fields: { month: { label: "Month", format: { as: "month" } }, amount }, draw: columns({ category: "month", value: "amount" }) }),
      chart({ title: "Channels", rows: sumBy(orders, ["region", "channel"], ["amount"]), fields: { region: { label: "Region" }, channel: { label: "Channel" }, amount }, draw: shareBars({ category: "region", series: "channel", value: "amount", order: ["channel 0", "channel 1", "channel 2", "channel 3"], colorful: true }) }),
      table({ title: "Regions and products", rows: largest(sumBy(orders, ["region", "product"], ["amount"]), "amount"), fields: { region: { label: "Region" }, product: { label: "Product" }, amount }, search: true }),
    ] },
  ],
});
`;
}

/** Medians: paint and live of 5 openings, filters of 12 clicks after 3 to warm up. */
async function measure(
  browser: Browser,
  path: string,
): Promise<{ paint: string; live: string; filter: string }> {
  const paints: number[] = [];
  const lives: number[] = [];
  let filter = "";
  for (let opening = 0; opening < 5; opening++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(`file://${path}`);
    await page.waitForSelector("html.live", { state: "attached" });
    const { paint, live } = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
      live: performance.now(),
    }));
    paints.push(paint);
    lives.push(live);
    if (opening === 4) filter = await filterTimes(page);
    await context.close();
  }
  return { paint: median(paints), live: median(lives), filter };
}

async function filterTimes(page: Page): Promise<string> {
  const all = await page.evaluate(async () => {
    const boxes = [...document.querySelectorAll<HTMLInputElement>("[data-filter=region] input")];
    const painted = (): Promise<number> =>
      new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))));
    const measured: number[] = [];
    for (let click = 0; click < 15; click++) {
      const started = performance.now();
      boxes[click % boxes.length]?.click();
      measured.push((await painted()) - started);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return measured.slice(3);
  });
  return `${median(all)} (slowest ${Math.max(...all).toFixed(0)})`;
}

function times(repetitions: number, run: () => number): string {
  return Array.from({ length: repetitions }, run)
    .map((seconds) => seconds.toFixed(2))
    .join(", ");
}

function median(values: readonly number[]): string {
  return ([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN).toFixed(0);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

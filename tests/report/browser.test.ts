import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, it, onTestFinished, type TestContext } from "vitest";
import type { Report } from "aquifer";
import { drawChart } from "../../src/report/draw-chart.js";
import { emptyDocument } from "../../src/report/page.js";
import { decodeRows } from "../../src/report/columnar.js";
import type { PageData } from "../../src/report/page-data.js";
import { composeBody } from "../../src/report/view/view.js";
import { loadReports } from "../../src/report/load-reports.js";
import { freshDatabase } from "../support/database.js";
import { gunzipSync } from "node:zlib";
import {
  browserFor,
  build,
  closeBrowser,
  galleryTables,
  openPage,
  ordersReport,
  ordersTable,
  projectWith,
  type OpenedPage,
} from "./support.js";

afterAll(closeBrowser);

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Built {
  readonly root: string;
  readonly path: string;
  readonly open: (options?: Parameters<typeof openPage>[2]) => Promise<OpenedPage>;
}

/** The orders report (or another), built from a table of its own. */
async function built(
  context: TestContext,
  options: { report?: string; setup?: string; tables?: string } = {},
): Promise<Built> {
  const browser = await browserFor(context);
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(options.tables ?? ordersTable + (options.setup ?? ""));
  const root = await projectWith({ "reports/sales/orders.ts": options.report ?? ordersReport });
  const [result] = await build(root, database.warehouse);
  if (result?.status !== "written") throw result?.error ?? new Error("nothing was built");
  const path = join(root, "build/reports/sales/orders.html");
  return { root, path, open: (how = {}) => openPage(browser, path, how) };
}

const texts = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (found) => found.map((each) => each.textContent ?? ""));

async function downloaded(page: Page, form: string, item: string): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.click(`#${item} [data-download=${form}]`),
  ]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function violations(page: Page): Promise<string[]> {
  const found: { violations: { id: string; nodes: { html: string }[] }[] } = await page.evaluate(
    `${axe};axe.run(document)`,
  );
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

describe("a page opened from disk", () => {
  for (const width of [390, 1440]) {
    for (const colorScheme of ["light", "dark"] as const) {
      it(`says nothing, asks for nothing, does not overflow and is clean for axe at ${width} px, ${colorScheme}`, async (context) => {
        const { open, root } = await built(context);
        for (const path of [undefined, join(root, "build/reports/index.html")]) {
          const options = { viewport: { width, height: 800 }, colorScheme };
          const { page, messages, requests } =
            path === undefined
              ? await open(options)
              : await openPage(await browserFor(context), path, { ...options, live: false });
          for (const summary of await page.$$("summary"))
            await summary.evaluate((each) => each.parentElement?.setAttribute("open", ""));
          expect(await violations(page)).toEqual([]);
          expect(
            await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
          ).toBeLessThanOrEqual(0);
          expect({ messages, requests }).toEqual({ messages: [], requests: [] });
        }
      });
    }
  }

  it("draws each chart as the server does", async (context) => {
    const { open, root, path } = await built(context);
    // On a coarse screen Plot moves lines by half a pixel, which the server cannot know.
    const { page } = await open({ deviceScaleFactor: 2 });
    await page.waitForTimeout(200);
    const html = await readFile(path, "utf8");
    const packed = /id="page-data">([^<]*)</.exec(html)?.[1] ?? "";
    const data = JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString()) as PageData;
    const [loaded] = await loadReports(root);
    const report = loaded?.report as Report;
    const body = composeBody(
      report,
      Object.fromEntries(Object.entries(data.queries).map(([name, query]) => [name, decodeRows(query)])),
    );
    const charts = body.flatMap(({ items }) => items).filter((item) => item.kind === "chart");
    const drawn = await page.$$eval("svg.plot", (found) =>
      found.map((svg) => ({ width: Number(svg.getAttribute("data-width")), html: svg.outerHTML })),
    );
    expect(drawn).toHaveLength(3);
    drawn.forEach(({ width, html: inPage }, index) => {
      const chart = charts[index];
      if (chart === undefined) throw new Error("a chart more than the report has");
      const onServer = drawChart(emptyDocument(), chart, "en", width);
      expect(canonical(inPage)).toBe(canonical(onServer.outerHTML));
    });
  });

  it("keeps only one drawing of each chart, as wide as its card", async (context) => {
    const { open } = await built(context);
    const { page, messages } = await open();
    await page.setViewportSize({ width: 500, height: 900 });
    await page.waitForTimeout(300);
    const widths = await page.$$eval("svg.plot", (found) =>
      found.map((svg) => [
        Math.floor(svg.parentElement?.clientWidth ?? 0),
        Number(svg.getAttribute("width")),
      ]),
    );
    expect(widths).toHaveLength(3);
    for (const [area, drawn] of widths) expect(drawn).toBe(area);
    await page.setViewportSize({ width: 130, height: 900 });
    await page.waitForTimeout(300);
    expect(messages).toEqual([]);
  });
});

describe("every chart, in Indonesian", () => {
  const gallery = async (context: TestContext): Promise<Built> =>
    built(context, {
      report: await readFile(join(import.meta.dirname, "gallery-report.ts"), "utf8"),
      tables: galleryTables,
    });

  for (const width of [390, 1440]) {
    for (const colorScheme of ["light", "dark"] as const) {
      it(`is clean for axe, silent and within ${width} px, ${colorScheme}`, async (context) => {
        const { open } = await gallery(context);
        const { page, messages, requests } = await open({ viewport: { width, height: 800 }, colorScheme });
        await page.waitForTimeout(300);
        expect(await page.$$eval("svg.plot", (found) => found.length)).toBe(7);
        expect(await violations(page)).toEqual([]);
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
        ).toBeLessThanOrEqual(0);
        expect({ messages, requests }).toEqual({ messages: [], requests: [] });
      });
    }
  }

  it("says its figures as Indonesians write them", async (context) => {
    const { open } = await gallery(context);
    const { page } = await open();
    const plain = (words: string[]): string[] => words.map((each) => each.replaceAll("\u00a0", " "));
    expect(plain(await texts(page, ".kpi .value"))).toEqual([
      "Rp 18,2 M",
      "Rp 518,2 M",
      "7,41%",
      "tidak ada data",
    ]);
    expect(plain(await texts(page, ".kpi .change"))).toEqual([
      "▼ −2,2% dibanding Jun 2024",
      "▼ −1,6 poin dibanding target",
    ]);
    expect(await texts(page, "form.filters summary")).toEqual(["Wilayah: Semua", "Bulan: Semua"]);
  });

  it("shows a missing month as a gap", async (context) => {
    const { open } = await gallery(context);
    const { page } = await open();
    const paths = await page.$$eval("#item-2-1 path", (found) =>
      found.map((path) => path.getAttribute("d") ?? ""),
    );
    const drawn = paths.filter((path) => path.length > 200);
    expect(drawn).toHaveLength(3);
    for (const path of drawn) expect(path.match(/M/g)).toHaveLength(2);
  });

  it("jumps to a section without losing the filters", async (context) => {
    const { open } = await gallery(context);
    const { page } = await open({ hash: "#region=Utara" });
    await page.click(".sections a >> nth=2");
    expect(new URL(page.url()).hash).toBe("#region=Utara");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Susunan");
    expect(await texts(page, "#item-3-2 tbody td:first-child")).toEqual(["Utara"]);
  });
});

describe("filters in the page", () => {
  it("act on every figure, chart and table, stand in the address, and can be reset", async (context) => {
    const { open } = await built(context);
    const { page, messages } = await open();
    const shown = async (): Promise<unknown> => ({
      kpis: await texts(page, ".kpi .value"),
      bars: await texts(page, "#item-2-1 tbody td:first-child"),
      tips: await page.$$eval("#item-2-1 [data-tip]", (marks) =>
        marks.map((mark) => mark.getAttribute("data-tip")),
      ),
      days: await texts(page, "#item-2-2 tbody td:first-child"),
      table: await texts(page, "#item-2-4 tbody tr"),
      total: await texts(page, "#item-2-4 tfoot td:last-child"),
    });
    const before = await shown();
    await page.click("[data-filter=region] summary");
    await page.check("input[value=south]");
    await page.check("input[value=west]");
    await page.waitForTimeout(100);
    const filtered = {
      kpis: ["15 IDR", "0.00%"],
      bars: ["south", "west"],
      tips: ["Region: south\nAmount: 12", "Region: west\nAmount: 3"],
      days: ["1 Jan 2024", "2 Jan 2024", "3 Jan 2024"],
      table: ["southtea1 Jan 20245", "southtea3 Jan 20247", "west–2 Jan 20243"],
      total: ["15"],
    };
    expect(await shown()).toEqual(filtered);
    expect(new URL(page.url()).hash).toBe("#region=south&region=west");
    expect(await texts(page, "[data-filter=region] summary")).toEqual(["Region: south, west"]);
    await page.reload();
    await page.waitForSelector("html.live");
    await page.waitForTimeout(100);
    expect(await shown()).toEqual(filtered);
    await page.click(".reset");
    await page.waitForTimeout(100);
    expect(await shown()).toEqual(before);
    expect(new URL(page.url()).hash).toBe("");
    expect(await page.isVisible(".reset")).toBe(false);
    expect(messages).toEqual([]);
  });

  it("take a range of days", async (context) => {
    const { open } = await built(context);
    const { page } = await open();
    await page.click("[data-filter=ordered_on] summary");
    await page.selectOption("[data-filter=ordered_on] [data-end=from]", "2024-01-02");
    await page.waitForTimeout(100);
    expect(await texts(page, ".kpi .value")).toEqual(["30 IDR", "66.67%"]);
    expect(new URL(page.url()).hash).toBe("#ordered_on=2024-01-02&ordered_on=2024-01-03");
  });

  it("say so when they leave nothing", async (context) => {
    const { open } = await built(context);
    const { page } = await open({ hash: "#region=south&ordered_on=2024-01-02&ordered_on=2024-01-02" });
    expect(await texts(page, "#item-2-1 .empty")).toEqual([
      "No rows match the filters (Region: south; Day: 2 Jan 2024 – 2 Jan 2024).",
    ]);
    expect(await texts(page, "#item-1-1 .value")).toEqual(["no data"]);
    await page.click(".reset");
    await page.waitForTimeout(100);
    expect(await texts(page, "#item-2-1 tbody td:first-child")).toEqual(["north", "south", "west"]);
  });

  it("work with the keyboard alone", async (context) => {
    const { open } = await built(context);
    const { page } = await open();
    await page.focus("[data-filter=region] summary");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.keyboard.press("Escape");
    await page.waitForTimeout(100);
    expect(await texts(page, ".kpi .value")).toEqual(["30 IDR", "100.00%"]);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Region: north");
  });
});

describe("tables in the page", () => {
  it("turn pages, sort and search over all rows", async (context) => {
    const { open } = await built(context);
    const { page } = await open();
    const amounts = (): Promise<string[]> => texts(page, "#item-2-4 tbody td:last-child");
    expect(await amounts()).toEqual(["10", "20", "5"]);
    await page.click("#item-2-4 [data-sort=amount]");
    expect(await amounts()).toEqual(["3", "5", "7"]);
    await page.click("#item-2-4 [data-sort=amount]");
    expect(await amounts()).toEqual(["20", "10", "7"]);
    expect(await page.getAttribute("#item-2-4 th:last-child", "aria-sort")).toBe("descending");
    await page.click("#item-2-4 [data-page='1']");
    expect(await amounts()).toEqual(["5", "3"]);
    await page.fill("#item-2-4 [data-search]", "tea SOUTH");
    expect(await amounts()).toEqual(["7", "5"]);
    expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-search"))).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.fill("#item-2-4 [data-search]", "coffee");
    expect(await texts(page, "#item-2-4 [role=status]")).toEqual(["No row holds “coffee”."]);
    await page.fill("#item-2-4 [data-search]", "tea SOUTH");
    const { bytes } = await downloaded(page, "csv", "item-2-4");
    expect(bytes.toString()).toBe(
      "\uFEFFRegion,Product,Day,Amount\r\nsouth,tea,2024-01-03,7\r\nsouth,tea,2024-01-01,5\r\n",
    );
  });
});

describe("downloads", () => {
  it("hold the rows of the query as CSV and XLSX, and the chart as SVG and PNG", async (context) => {
    const { open } = await built(context);
    const { page, messages } = await open();
    const csv = await downloaded(page, "csv", "item-2-1");
    expect(csv.name).toBe("sales-orders-amount-by-region.csv");
    expect(csv.bytes.toString()).toBe("\uFEFFRegion,Amount (IDR)\r\nnorth,30\r\nsouth,12\r\nwest,3\r\n");
    const all = await downloaded(page, "csv", "item-2-4");
    expect(all.bytes.toString().split("\r\n")).toHaveLength(7);
    const xlsx = await downloaded(page, "xlsx", "item-2-1");
    expect(xlsx.bytes.subarray(0, 4).toString("latin1")).toBe("PK\u0003\u0004");
    expect(xlsx.bytes.toString("utf8")).toContain(
      '<t xml:space="preserve">north</t></is></c><c><v>30</v></c>',
    );
    const svg = (await downloaded(page, "svg", "item-2-1")).bytes.toString();
    expect(svg).toContain("Amount by region</text>");
    expect(svg).not.toContain("var(--");
    const png = (await downloaded(page, "png", "item-2-1")).bytes;
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect(png.readUInt32BE(16)).toBeGreaterThan(1000);
    expect(messages).toEqual([]);
  });
});

describe("a page without JavaScript", () => {
  it("shows every figure, chart and table, and no dead control", async (context) => {
    const { open } = await built(context);
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.isVisible("text=45 IDR")).toBe(true);
    expect(await page.isVisible("#item-2-1 svg")).toBe(true);
    expect(await page.isVisible("#item-2-4 table")).toBe(true);
    expect(await page.isVisible("text=Filters and downloads need JavaScript")).toBe(true);
    for (const control of ["form.filters", "[data-download]", "#theme", "[data-search]"]) {
      expect(await page.isVisible(control), control).toBe(false);
    }
  });

  it("prints every card, in the light theme, on paper", async (context) => {
    const { open } = await built(context);
    const { page } = await open({ colorScheme: "dark" });
    await page.emulateMedia({ media: "print" });
    expect(await page.isVisible("form.filters")).toBe(false);
    expect(await page.isVisible("[data-download]")).toBe(false);
    expect(await page.isVisible("#item-2-3 svg")).toBe(true);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(255, 255, 255)",
    );
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    const widths = await page.$$eval("svg.plot", (found) => found.map((svg) => svg.getAttribute("width")));
    expect(widths).toEqual(["290", "290", "290"]);
    expect(
      await page.$$eval("svg.plot", (found) => found.map((svg) => svg.getBoundingClientRect().width <= 290)),
    ).toEqual([true, true, true]);
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    expect((await page.pdf({ format: "A4" })).subarray(0, 4).toString()).toBe("%PDF");
  });
});

describe("tooltips", () => {
  it("follow the pointer and the arrow keys", async (context) => {
    const { open } = await built(context);
    const { page } = await open();
    const tip = async (): Promise<string | null> =>
      (await page.isVisible(".tip")) ? page.textContent(".tip") : null;
    await page.hover("#item-2-1 rect >> nth=1");
    expect(await tip()).toBe("Region: south\nAmount: 12");
    await page.mouse.move(5, 5);
    expect(await tip()).toBeNull();
    await page.focus("#item-2-1 svg");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await tip()).toBe("Region: south\nAmount: 12");
    await page.keyboard.press("Escape");
    expect(await tip()).toBeNull();
  });
});

describe("hostile data", () => {
  const hostile = [
    "</script><script>globalThis.owned=1</script>",
    '<img src=x onerror="globalThis.owned=1">',
    "\"'><svg onload=globalThis.owned=1>",
    '=HYPERLINK("http://x")',
    "{{constructor}}${1}`",
    "--><!--",
    "]]>&lt;",
  ];

  it("is shown as it is and runs nowhere", async (context) => {
    const values = hostile.map(
      (text) => `('${text.replaceAll("'", "''")}', '${text.replaceAll("'", "''")}', '2024-01-01', 1)`,
    );
    const { open } = await built(context, {
      setup: `truncate gold.orders; insert into gold.orders values ${values.join(",")}; comment on column gold.orders.product is '${hostile[1] ?? ""}';`,
    });
    const { page, messages, requests } = await open();
    const names = await texts(page, "#item-2-1 tbody td:first-child");
    expect(names.sort()).toEqual([...hostile].sort());
    await page.click("[data-filter=region] summary");
    await page.locator("[data-filter=region] input").nth(2).check();
    await page.waitForTimeout(100);
    expect(messages).toEqual([]);
    await page.hover("#item-2-1 rect >> nth=0");
    await page.fill("#item-2-4 [data-search]", "<img");
    await page.click(".reset");
    const csv = (await downloaded(page, "csv", "item-2-1")).bytes.toString();
    expect(csv).toContain('"\'=HYPERLINK(""http://x"")"');
    await downloaded(page, "svg", "item-2-1");
    await downloaded(page, "png", "item-2-1");
    expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
    expect(await page.$$("img")).toEqual([]);
    expect({ messages, requests: requests.filter((url) => !url.startsWith("blob:")) }).toEqual({
      messages: [],
      requests: [],
    });
  });

  it("in titles, labels and the address stays text", async (context) => {
    const evil = JSON.stringify(hostile[0]);
    const report = ordersReport
      .replace('title: "Orders"', `title: ${evil}`)
      .replaceAll('label: "Amount"', `label: ${evil}`)
      .replace('description: "Orders', `description: "<b>\\"Orders`);
    const { open } = await built(context, { report });
    const { page, messages } = await open({ hash: `#region=${encodeURIComponent(hostile[1] ?? "")}` });
    expect(await page.title()).toBe(hostile[0]);
    expect(await texts(page, "h1")).toEqual([hostile[0]]);
    expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
    expect(messages).toEqual([]);
  });

  it("could not run if it got into the page: the policy forbids scripts and styles that the page did not bring", async (context) => {
    const { open } = await built(context);
    const { page } = await open();
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.owned = 1";
      document.body.append(script);
      document.body.insertAdjacentHTML(
        "beforeend",
        `<img src="https://example.com/x.png" onerror="globalThis.owned = 1">`,
      );
    });
    await page.waitForTimeout(100);
    expect(await page.evaluate(() => "owned" in globalThis)).toBe(false);
    expect(
      await page.evaluate(() =>
        fetch("https://example.com").then(
          () => "fetched",
          () => "refused",
        ),
      ),
    ).toBe("refused");
  });
});

/** An SVG as text with attributes sorted, and without what the page adds: titles become tips, the chart can be focused. */
function canonical(svg: string): string {
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  const write = (node: Element): string => {
    const tip =
      [...node.children].find(({ localName }) => localName === "title")?.textContent ??
      node.getAttribute("data-tip");
    const attributes = [...node.attributes]
      .filter(({ name }) => !["tabindex", "data-tip", "data-active"].includes(name))
      .map(({ name, value }) => `${name}=${JSON.stringify(value)}`)
      .sort();
    const children = [...node.children].filter(({ localName }) => localName !== "title").map(write);
    const text = children.length === 0 && [...node.children].length === 0 ? (node.textContent ?? "") : "";
    return `<${[node.localName, ...attributes, ...(tip === null ? [] : [`tip=${JSON.stringify(tip)}`])].join(" ")}>${text}\n${children.join("")}`;
  };
  const root = document.querySelector("svg");
  return root === null ? "" : write(root);
}

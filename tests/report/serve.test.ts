import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { runCommandLine } from "../../src/cli/main.js";
import { findBrowser } from "../../src/report/print-pdf.js";
import { serveReports } from "../../src/report/serve-reports.js";
import { freshDatabase } from "../support/database.js";
import { browserFor, closeBrowser, ordersReport, ordersTable, projectWith } from "./support.js";

afterAll(closeBrowser);

interface Running {
  readonly output: () => string;
  readonly stop: () => Promise<number>;
}

/** Runs `dataform report` in this process until it ends or is stopped. */
function start(root: string, env: Record<string, string>, ...argv: string[]): Running {
  let said = "";
  const abort = new AbortController();
  const writer = { write: (text: string) => void (said += text), isTerminal: false, columns: 80 };
  const code = runCommandLine(["report", ...argv], {
    cwd: root,
    effects: {
      stdout: writer,
      stderr: writer,
      clock: { now: () => new Date(), elapsed: () => performance.now() },
      env: { ...process.env, ...env },
      newId: () => "00000000-0000-4000-8000-000000000000",
      signal: abort.signal,
    },
  });
  return {
    output: () => said,
    stop: () => {
      abort.abort();
      return code;
    },
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("it did not happen within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("report --watch", () => {
  it("serves the pages, builds again when a report changes, and reloads what is open", async (context) => {
    const browser = await browserFor(context);
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    await database.warehouse.query(ordersTable);
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    const running = start(root, { DATABASE_URL: database.url }, "--watch");
    onTestFinished(() => running.stop().then(() => undefined));
    await until(() => running.output().includes("watching for changes"));
    const [, url = ""] = /Serving (\S+)/.exec(running.output()) ?? [];
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const messages: string[] = [];
    page.on("console", (message) => messages.push(message.text()));
    await page.goto(`${url}orders.html`);
    await page.waitForSelector("html.live");
    await writeFile(
      join(root, "reports/orders.ts"),
      ordersReport.replace('title: "Orders"', 'title: "Orders, again"'),
    );
    await page.waitForFunction(() => document.title === "Orders, again", undefined, { timeout: 20_000 });
    await writeFile(join(root, "reports/orders.ts"), "export default defineReport({");
    await until(() => running.output().includes("reports/orders.ts:1:"));
    expect(await page.title()).toBe("Orders, again");
    expect(messages).toEqual([]);
    expect(await running.stop()).toBe(0);
    expect(await readFile(join(root, "build/reports/orders.html"), "utf8")).not.toContain("/-/reload.js");
  });

  it("serves nothing outside its folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "aquifer-serve-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "index.html"), "<body></body>");
    const server = await serveReports(folder);
    onTestFinished(() => server.close());
    expect((await fetch(server.url)).status).toBe(200);
    expect(await rawStatus(server.url, "evil.example:80")).toBe(403);
    for (const path of [
      "..%2f..%2fetc/passwd",
      "%2e%2e/%2e%2e/etc/hosts.html",
      "missing.html",
      "index.ts",
      "%",
    ]) {
      expect((await fetch(server.url + path)).status, path).toBe(404);
    }
  });
});

describe("report --pdf", () => {
  it("prints each page beside it", async (context) => {
    await browserFor(context);
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    await database.warehouse.query(ordersTable);
    const root = await projectWith({ "reports/sales/orders.ts": ordersReport });
    const running = start(root, { DATABASE_URL: database.url }, "--pdf");
    await until(() => running.output().includes("1 report built"));
    expect(await running.stop()).toBe(0);
    expect(running.output()).toContain("Report printed:  sales/orders  build/reports/sales/orders.pdf");
    const pdf = await readFile(join(root, "build/reports/sales/orders.pdf"));
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(pdf.length).toBeGreaterThan(10_000);
  });

  it("says what to install where there is no browser, before it builds anything", async () => {
    const root = await projectWith({ "reports/orders.ts": ordersReport });
    const running = start(
      root,
      { CHROMIUM_PATH: "/nowhere/chromium", DATABASE_URL: "postgres://127.0.0.1:1/none" },
      "--pdf",
    );
    await until(() => running.output() !== "");
    expect(await running.stop()).not.toBe(0);
    expect(running.output()).toMatch(
      /^CHROMIUM_PATH names \/nowhere\/chromium, which does not exist\n {2}hint: Install Chromium/,
    );
    expect(() => findBrowser({ PATH: "/nowhere" })).toThrow("No browser to print with was found");
    expect(existsSync(join(root, "build"))).toBe(false);
  });
});

/** The status of a request that names another host, as a page of another site would. */
function rawStatus(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}

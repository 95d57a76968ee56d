import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseHTML } from "linkedom";
import { expect, it, onTestFinished } from "vitest";
import { freshDatabase } from "../support/database.js";
import { skipUnless } from "../support/skip.js";
import { browserFor, build, closeBrowser, openPage, repository } from "./support.js";

const dump = join(repository, "../shared/data/bank/bank-marketing-dataset.csv");

it("the bank's reports show the figures of the real dump, unfiltered and filtered", async (context) => {
  skipUnless(context, existsSync(dump), "no ../shared/data/bank");
  const browser = await browserFor(context);
  onTestFinished(closeBrowser);
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(`
    create schema gold;
    create table raw (age int, job text, marital text, education text, "default" text, housing text, loan text)`);
  await database.warehouse.withSession((session) =>
    pipeline(createReadStream(dump), session.copyFrom("copy raw from stdin (format csv, header)")),
  );
  // The columns of the model that the reports read; its own rules are tested with the models.
  await database.warehouse.query(`
    create table gold.bank_profile_feed as
    select
      (age / 10 * 10) || 's' as age_group, trim(both '. ' from job) as job_type,
      case when education like 'basic%' then 'basic' else replace(education, '.', ' ') end as education_type,
      marital as marital_type,
      case housing when 'yes' then 1 when 'no' then 0 end as has_housing,
      case loan when 'yes' then 1 when 'no' then 0 end as has_loan,
      (housing = 'no' and "default" = 'no' and age between 20 and 39)::int as is_target
    from raw`);
  const outputFolder = await mkdtemp(join(tmpdir(), "aquifer-bank-"));
  onTestFinished(() => rm(outputFolder, { recursive: true, force: true }));
  const results = await build(repository, database.warehouse, { names: ["bank"], outputFolder });
  expect(results.map(({ status }) => status)).toEqual(["written", "written"]);

  const page = async (name: string): Promise<Document> =>
    parseHTML(await readFile(join(outputFolder, `bank/${name}.html`), "utf8")).document;
  const kpis = (document: Document): string[] =>
    [...document.querySelectorAll(".kpi .value")].map(({ textContent }) => textContent);
  const rowsOf = (document: Document, title: string): string[] => {
    const figure = [...document.querySelectorAll("figure")].find(
      (each) => each.querySelector("h3")?.textContent === title,
    );
    return [...(figure?.querySelectorAll("tbody tr") ?? [])].map((row) =>
      [...row.children].map(({ textContent }) => textContent).join(" "),
    );
  };
  const overview = await page("customer-segmentation");
  expect(kpis(overview)).toEqual(["41,188", "21,576", "52.38%"]);
  expect(rowsOf(overview, "Customers by age group")).toEqual([
    "10s 75",
    "20s 5,594",
    "30s 16,938",
    "40s 10,526",
    "50s 6,862",
    "60s 724",
    "70s 319",
    "80s 140",
    "90s 10",
  ]);
  expect(rowsOf(overview, "Customers by job")).toHaveLength(10);
  expect(rowsOf(overview, "Customers by job")[0]).toBe("admin 10,422");
  const market = await page("target-market");
  const expected = await database.warehouse.query<{ size: number }>(
    "select count(*)::int as size from gold.bank_profile_feed where is_target = 1 and marital_type in ('married', 'single')",
  );
  expect(kpis(market)[0]).toBe(`${(expected.rows[0]?.size ?? 0).toLocaleString("en")} customers`);
  expect(rowsOf(market, "Target market by education")).toHaveLength(5);

  const filtered = await database.warehouse.query<{ all: string; owners: string }>(
    `select count(*)::int as all, count(*) filter (where has_housing = 1)::int as owners
     from gold.bank_profile_feed where job_type = 'retired' and education_type in ('basic', 'high school')`,
  );
  const opened = await openPage(browser, join(outputFolder, "bank/customer-segmentation.html"), {
    hash: "#job_type=retired&education_type=basic&education_type=high+school",
  });
  await opened.page.waitForTimeout(200);
  const live = await opened.page.$$eval(".kpi .value", (found) => found.map((each) => each.textContent));
  expect(live.slice(0, 2)).toEqual(
    [filtered.rows[0]?.all, filtered.rows[0]?.owners].map((value) => Number(value).toLocaleString("en")),
  );
  expect({ messages: opened.messages, requests: opened.requests }).toEqual({ messages: [], requests: [] });
});

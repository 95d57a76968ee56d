import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { expect, it, onTestFinished } from "vitest";
import * as charts from "aquifer/charts";
import { formatValue } from "../../src/report/format-value.js";
import type { ValueFormat } from "aquifer";
import { freshDatabase } from "../support/database.js";
import { build, projectWith, readPage, repository } from "./support.js";

const text = readFileSync(join(repository, "docs/reports.md"), "utf8");
const [, file = "", report = ""] = /^```ts (\S+)\n([\s\S]*?)^```$/m.exec(text) ?? [];

it("docs/reports.md shows a report that is built", async () => {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(`
    create schema gold;
    create table gold.shop_orders (ordered_at date, region text, is_online boolean, amount numeric(10, 2));
    insert into gold.shop_orders values
      ('2024-01-03', 'north', true, 12.50), ('2024-02-09', 'north', false, 80), ('2024-02-09', 'south', true, 7.50);
  `);
  const root = await projectWith({ [file]: report });
  const [result] = await build(root, database.warehouse);
  expect(result).toMatchObject({ status: "written", rows: 3 });
  const { document } = parseHTML(await readPage(root, "shop/orders"));
  const kpis = [...document.querySelectorAll(".kpi .value")].map(({ textContent }) => textContent);
  expect(kpis).toEqual(["€100", "20.0%"]);
});

it("docs/reports.md names every chart, and no other", () => {
  const [, section = ""] = text.split("\n## Charts\n");
  const named = [...section.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name);
  expect([...named, "tip"].sort()).toEqual(Object.keys(charts).sort());
});

it("docs/reports.md shows formats as they are written", () => {
  const plain = (written: string): string => written.replaceAll("\u00a0", " ");
  const examples: [ValueFormat, number, string][] = [
    [{ as: "number" }, 1234.5, "1,234.5 | 1.234,5"],
    [{ as: "number", digits: 0 }, 1234.6, "1,235 | 1.235"],
    [{ as: "percent", digits: 2 }, 0.5238, "52.38% | 52,38%"],
    [{ as: "currency", currency: "IDR", compact: true }, 1.2e9, "Rp 1.2B | Rp 1,2 M"],
  ];
  const table = text.replace(/ +\|/g, " |");
  for (const [format, value, written] of examples) {
    const both = `${plain(formatValue("en", value, format))} | ${plain(formatValue("id-ID", value, format))}`;
    expect(both).toBe(written);
    expect(table).toContain(`| ${written} |`);
  }
});

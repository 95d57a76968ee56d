import { describe, expect, it, onTestFinished } from "vitest";
import { freshDatabase } from "../support/database.js";
import { build, ordersTable, projectWith, readPage } from "./support.js";

const report = (shape: string, where = "true"): string => `
import { defineReport, ref, sql, table } from "aquifer";
export default defineReport({
  title: "Pivot", description: "Amounts by region, a column a day.",
  data: {
    amounts: {
      sql: sql\`select region, 'd' || extract(day from ordered_on)::int as day, sum(amount)::int as amount from \${ref("gold", "orders")} where ${where} group by 1, 2 order by 1, 2\`,
      shape: ${shape},
      columns: { region: { type: "text", label: "Region" }, total: { type: "integer", label: "Total" } },
    },
  },
  body: ({ amounts }) => [{ title: "All", items: [table({ title: "Totals", subtitle: "Sums", source: "gold.orders", rows: amounts,
    fields: { region: { label: "Region" }, total: { label: "Total" } } })] }],
});
`;

const totals = `(table, { op }) => table.groupby("region").rollup({ total: (row) => op.sum(row.amount) }).orderby("region")`;

async function buildWith(text: string) {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  await database.warehouse.query(ordersTable);
  const root = await projectWith({ "reports/pivot.ts": text });
  const [result] = await build(root, database.warehouse);
  return { result, root };
}

describe("shaping a query's rows", () => {
  it("puts what arquero makes of them into the page, and arquero not", async () => {
    const { result, root } = await buildWith(report(totals));
    expect(result).toMatchObject({ status: "written", rows: 3 });
    const page = await readPage(root, "pivot");
    expect(page.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ")).toMatch(/north 30 south 12 west 3/);
    expect(page.length).toBeLessThan(300_000);
  });

  it("leaves a query without rows as it is", async () => {
    const { result } = await buildWith(report(totals, "false"));
    expect(result).toMatchObject({ status: "written", rows: 0 });
  });

  it("names a declared column that the shape does not make, with the nearest", async () => {
    const { result } = await buildWith(report(totals.replace("total:", "totals:")));
    expect(result).toMatchObject({
      status: "failed",
      error: {
        code: "report-shape",
        hint: 'Its shape makes region, totals. Did you mean "totals"?',
        location: { file: "reports/pivot.ts" },
      },
    });
  });

  it("says where a shape that fails stands and what it was given", async () => {
    const { result } = await buildWith(report(`(table) => table.groupby("regoin").count()`));
    expect(result).toMatchObject({
      status: "failed",
      error: { code: "report-shape", hint: "The query returned region, day, amount." },
    });
  });
});

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { defineReport, ref, sql, type Report } from "aquifer";
import { applyFilters, filterChoices, filterKey, formatHash, parseHash } from "../../src/report/filters.js";
import { refsOf, renderSql } from "../../src/project/report-sql.js";
import { completePeriods, shiftPeriod } from "../../src/report/periods.js";
import { compareValues, inOrder, largest, ratio, sumBy, total } from "../../src/report/shape.js";

const report: Report = defineReport({
  title: "t",
  description: "d",
  data: {
    orders: {
      sql: sql`select 1`,
      columns: {
        region: { type: "text", label: "Region", nullable: true },
        month: { type: "date", label: "Month" },
        amount: { type: "integer", label: "Amount" },
      },
    },
    fixed: { sql: sql`select 2`, filtered: false, columns: { note: { type: "text", label: "Note" } } },
  },
  filters: { region: { label: "Region", order: ["south"] }, month: { label: "Month", kind: "range" } },
  body: () => [],
});
const month = (number: number): Date => new Date(Date.UTC(2024, number - 1, 1));
const rows = {
  orders: [
    { region: "north", month: month(1), amount: 1 },
    { region: "south", month: month(2), amount: 2 },
    { region: null, month: month(3), amount: 4 },
    { region: "north", month: month(10), amount: 8 },
  ],
  fixed: [{ note: "always" }],
};
const choices = filterChoices(report, rows);
const left = (state: Record<string, string[]>): unknown[] =>
  (applyFilters(report, rows, choices, state)["orders"] ?? []).map(({ amount }) => amount);

describe("filters", () => {
  it("leave the rows of any chosen value, all filters together", () => {
    expect(left({})).toEqual([1, 2, 4, 8]);
    expect(left({ region: ["north"] })).toEqual([1, 8]);
    expect(left({ region: ["south", "∅"] })).toEqual([2, 4]);
    expect(left({ month: ["2024-02-01", "2024-03-01"] })).toEqual([2, 4]);
    expect(left({ region: ["north"], month: ["2024-01-01", "2024-03-01"] })).toEqual([1]);
    expect(left({ region: ["nowhere"] })).toEqual([]);
  });

  it("leave a query alone that does not follow them", () => {
    expect(applyFilters(report, rows, choices, { region: ["south"] })["fixed"]).toEqual([{ note: "always" }]);
  });

  it("offer values in the order given, then sorted, the missing one last", () => {
    const options = (column: string): string[] => (choices[column] ?? []).map(filterKey);
    expect(options("region")).toEqual(["south", "north", "∅"]);
    expect(options("month")).toEqual(["2024-01-01", "2024-02-01", "2024-03-01", "2024-10-01"]);
  });

  it("survive the page's address, whatever the values hold", () => {
    const values = fc.uniqueArray(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1 });
    fc.assert(
      fc.property(values, values, (region, other) => {
        const hash = formatHash({ region, month: other });
        expect(parseHash(hash, report)).toEqual({ region, month: other });
        expect(hash).not.toMatch(/[\s<>"]/);
      }),
    );
    expect(parseHash("#section-2", report)).toEqual({});
    expect(parseHash("#unknown=1&region=", report)).toEqual({ region: [""] });
  });
});

describe("shaping rows", () => {
  it("sums by one column or several", () => {
    const orders = [
      { region: "n", day: month(1), amount: 1, cost: 2 },
      { region: "n", day: month(1), amount: 10, cost: null },
      { region: "s", day: month(1), amount: 100, cost: 5 },
    ];
    expect(sumBy(orders, ["region"], ["amount", "cost"])).toEqual([
      { region: "n", amount: 11, cost: 2 },
      { region: "s", amount: 100, cost: 5 },
    ]);
    expect(sumBy(orders, ["day"], ["amount"])).toEqual([{ day: month(1), amount: 111 }]);
    expect(sumBy(orders, ["region", "day"], ["amount"])).toHaveLength(2);
  });

  it("says null for what is not known", () => {
    expect(total([] as { n: number }[], "n")).toBeNull();
    expect(ratio(1, 0)).toBeNull();
    expect(ratio(null, 2)).toBeNull();
    expect(ratio(1, 2)).toBe(0.5);
  });

  it("orders by size and by name", () => {
    const ages = [
      { age: "10s", n: 1 },
      { age: "9s", n: 3 },
      { age: "100s", n: 2 },
    ];
    expect(inOrder(ages, "age").map(({ age }) => age)).toEqual(["9s", "10s", "100s"]);
    expect(largest(ages, "n", 2).map(({ n }) => n)).toEqual([3, 2]);
    expect([3, null, 1].sort(compareValues)).toEqual([1, 3, null]);
  });
});

describe("periods", () => {
  it("are completed between the first and the last, for every combination of keys", () => {
    const known = [
      { at: month(11), region: "n", amount: 1 },
      { at: new Date("2025-01-15"), region: "s", amount: 2 },
    ];
    expect(completePeriods(known, "at", "month", ["region"])).toEqual([
      { at: month(11), region: "n", amount: 1 },
      { at: month(11), region: "s", amount: null },
      { at: month(12), region: "n", amount: null },
      { at: month(12), region: "s", amount: null },
      { at: month(13), region: "n", amount: null },
      { at: new Date("2025-01-15"), region: "s", amount: 2 },
    ]);
    expect(completePeriods([] as typeof known, "at", "day")).toEqual([]);
  });

  it("are counted by the calendar", () => {
    expect(shiftPeriod(new Date("2024-03-31"), "month", -1)).toEqual(new Date("2024-02-01"));
    expect(shiftPeriod(new Date("2024-02-28"), "day", 2)).toEqual(new Date("2024-03-01"));
    expect(shiftPeriod(new Date("2024-12-31"), "year", 1)).toEqual(new Date("2025-01-01"));
  });
});

describe("SQL of a report", () => {
  const inner = sql`select * from ${ref("gold", 'od"d')} where n > ${5}`;
  const outer = sql`with x as (${inner}) select * from x join ${ref("gold", "b")} using (id) where name = ${"O'Brien; drop table x"}`;

  it("knows what it reads, also inside other templates", () => {
    expect(refsOf(outer).map(({ name }) => name)).toEqual(['od"d', "b"]);
  });

  it("keeps values out of the text", () => {
    const { text, values } = renderSql(outer, ({ schema, name }) => `${schema}.${name}`);
    expect(text).toBe(
      'with x as (select * from gold.od"d where n > $1) select * from x join gold.b using (id) where name = $2',
    );
    expect(values).toEqual([5, "O'Brien; drop table x"]);
  });

  it("knows where each written piece stands", () => {
    const { text, pieces } = renderSql(outer, ({ name }) => name);
    for (const { part, start } of pieces) expect(text.slice(start, start + part.length)).toBe(part);
  });
});

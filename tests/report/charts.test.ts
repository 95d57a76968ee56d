import { describe, expect, it, vi } from "vitest";
import { bars, columns, heatmap, lines, shareBars, stackedColumns } from "aquifer/charts";
import { chart, completePeriods, type Chart } from "aquifer";
import { drawChart } from "../../src/report/draw-chart.js";
import { serialize } from "../../src/report/serialize.js";
import { emptyDocument } from "../../src/report/page.js";

const rows = [
  { region: "north", kind: "tea", amount: 1200 },
  { region: "south & west <b>", kind: "coffee", amount: 350 },
  { region: "a region whose name is far too long for a phone to show", kind: "tea", amount: 0 },
];
const fields = {
  region: { label: "Region" },
  kind: { label: "Kind" },
  amount: { label: "Amount", format: { as: "number" } },
} as const;

const charts: Record<string, Chart> = {
  bars: chart({ title: "Bars", rows, fields, draw: bars({ category: "region", value: "amount" }) }),
  "bars-highlight": chart({
    title: "Bars",
    rows,
    fields,
    draw: bars({ category: "region", value: "amount", highlight: ({ kind }) => kind === "tea" }),
  }),
  columns: chart({ title: "Columns", rows, fields, draw: columns({ category: "region", value: "amount" }) }),
  "share-bars": chart({
    title: "Shares",
    rows: [...rows, { region: "north", kind: "coffee", amount: 300 }],
    fields,
    draw: shareBars({ category: "region", series: "kind", value: "amount", order: ["tea", "coffee"] }),
  }),
};

const month = (index: number): Date => new Date(Date.UTC(2023, index, 1));
const monthly = ["north", "south"].flatMap((region, place) =>
  [0, 1, 2, 4, 5].map((index) => ({
    month: month(index),
    region,
    amount: 100 * (place + 1) + 7 * index,
    low: 80,
    high: 300,
  })),
);
const timeFields = {
  month: { label: "Month", format: { as: "month" } },
  region: { label: "Region" },
  amount: { label: "Amount", format: { as: "number" } },
} as const;
const complete = completePeriods(monthly, "month", "month", ["region"]);

Object.assign(charts, {
  lines: chart({
    title: "Lines",
    rows: complete,
    fields: timeFields,
    draw: lines({ time: "month", value: "amount", series: "region" }),
  }),
  "lines-forecast": chart({
    title: "Forecast",
    rows: monthly.slice(0, 5),
    fields: timeFields,
    draw: lines({
      time: "month",
      value: "amount",
      zero: false,
      expected: (row) => row.month >= month(4),
      bands: [{ low: "low", high: "high", label: "80 %" }],
    }),
  }),
  "stacked-columns": chart({
    title: "Stacks",
    rows,
    fields,
    draw: stackedColumns({ category: "region", series: "kind", value: "amount", order: ["tea", "coffee"] }),
  }),
  heatmap: chart({
    title: "Heat",
    rows: complete,
    fields: timeFields,
    draw: heatmap({ across: "month", down: "region", value: "amount" }),
  }),
} satisfies Record<string, Chart>);

/** One element a line, so that a difference can be read. */
const linesOf = (svg: SVGElement): string => `${serialize(svg).replaceAll("><", ">\n<")}\n`;

describe("charts", () => {
  for (const [name, spec] of Object.entries(charts)) {
    for (const width of [324, 640]) {
      it(`draw ${name} at ${width} px as before, and Plot warns of nothing`, async () => {
        const warn = vi.spyOn(console, "warn");
        const svg = drawChart(emptyDocument(), spec, "en", width);
        expect(warn).not.toHaveBeenCalled();
        await expect(linesOf(svg)).toMatchFileSnapshot(`golden/${name}-${width}.svg`);
      });
    }
    it(`draw ${name} without rows, colours that do not follow the theme, or inline styles`, () => {
      const svg = linesOf(drawChart(emptyDocument(), spec, "en", 640));
      expect(svg).not.toMatch(/style=|<style|#[0-9a-f]{3,6}"|rgb\(/);
      expect(() => drawChart(emptyDocument(), { ...spec, rows: [] }, "en", 640)).not.toThrow();
    });
  }

  it("fit into the narrowest card", () => {
    for (const [name, spec] of Object.entries(charts)) {
      const svg = linesOf(drawChart(emptyDocument(), spec, "en", 160));
      expect.soft(svg, name).not.toMatch(/(width|height|r)="-|NaN/);
    }
  });

  it("are images with a text alternative", () => {
    const svg = drawChart(emptyDocument(), charts["bars"] as Chart, "id-ID", 640);
    expect(svg.getAttribute("role")).toBe("img");
    expect(svg.getAttribute("aria-label")).toBe(
      "Bars: north, tea, 1.200; south & west <b>, coffee, 350; a region whose name is far too long for a phone to show, tea, 0.",
    );
  });

  it("start bars at zero and end the longest before the edge", () => {
    const svg = drawChart(emptyDocument(), charts["bars"] as Chart, "en", 640);
    const rects = [...svg.querySelectorAll("rect")].map(
      (rect) => [Number(rect.getAttribute("x")), Number(rect.getAttribute("width"))] as const,
    );
    const [longest, second, zero] = rects;
    expect(rects).toHaveLength(3);
    expect(longest?.[0]).toBe(second?.[0]);
    expect((second?.[1] ?? 0) / (longest?.[1] ?? 1)).toBeCloseTo(350 / 1200);
    expect(zero?.[1]).toBe(0);
    expect((longest?.[0] ?? 0) + (longest?.[1] ?? 0)).toBeLessThan(640);
  });
});

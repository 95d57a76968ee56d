import { plot } from "@observablehq/plot";
import type { Chart, ChartContext, Field, LocaleName } from "../project/report.js";
import { formatValue } from "./format-value.js";
import { chartTheme } from "./theme.js";

/** What a chart is handed. */
export function chartContext(chart: Chart, locale: LocaleName, width: number): ChartContext {
  const field = (column: string): Field | undefined => chart.fields[column];
  return {
    width,
    theme: chartTheme,
    locale,
    format: (value, format) => formatValue(locale, value, format),
    label: (column) => field(column)?.label ?? column,
    fieldFormat: (column) => field(column)?.format,
    formatted: (column, value) => formatValue(locale, value, field(column)?.format),
  };
}

/**
 * Draws a chart as an SVG element of the document: linkedom's on the server, the browser's in the page. What Plot adds
 * and the page has no use for is taken away: its style element (the page's own rules say the same, so that no style
 * needs to be allowed by the page's security policy) and the labels of groups (the whole is one image with one text).
 */
export function drawChart(document: Document, chart: Chart, locale: LocaleName, width: number): SVGElement {
  const drawn = plot({
    ...chart.draw(chart.rows, chartContext(chart, locale, width)),
    width,
    document,
    className: "plot",
  });
  const svg = drawn.localName === "svg" ? drawn : drawn.querySelector("svg");
  if (svg === null) throw new Error(`the chart "${chart.title}" drew no SVG`);
  svg.querySelector("style")?.remove();
  for (const group of svg.querySelectorAll("[aria-label], [aria-hidden], [aria-description]")) {
    for (const name of ["aria-label", "aria-hidden", "aria-description"]) group.removeAttribute(name);
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", alternativeText(chart, locale));
  svg.setAttribute("data-width", String(width));
  return svg as SVGElement;
}

/** What the chart says, for who does not see it: its title and its first rows. */
export function alternativeText(chart: Chart, locale: LocaleName): string {
  if (chart.alternative !== undefined) return chart.alternative;
  const names = Object.keys(chart.fields);
  const said = chart.rows
    .slice(0, 12)
    .map((row) =>
      names.map((name) => formatValue(locale, row[name] ?? null, chart.fields[name]?.format)).join(", "),
    );
  const more = chart.rows.length > said.length ? [`… (${chart.rows.length})`] : [];
  return `${[chart.title, chart.subtitle].filter((part) => part !== undefined).join(". ")}: ${[...said, ...more].join("; ")}.`;
}

import type { Chart } from "../../project/report.js";
import { drawChart } from "../draw-chart.js";
import { downloadButtons, emptyNote, heading, sourceLine } from "./card-parts.js";
import { rowsTable } from "./rows-table.js";
import { toolsOf, type View } from "./view.js";

/** Rows of the table behind a chart; its download has all. */
const mostRowsBehind = 200;

/** A chart with its title, the table of its data, its source and its downloads. */
export function chartFigure(view: View, chart: Chart, id: string): Element {
  const { make, word } = toolsOf(view);
  const width = chart.width ?? "half";
  const figure = make(
    "figure",
    { class: `card chart ${width}`, id },
    make("figcaption", {}, ...heading(view, chart)),
  );
  if (chart.rows.length === 0) {
    figure.append(emptyNote(view));
    return figure;
  }
  const plots = view
    .chartWidths(id, width)
    .map((each, index) => make("div", { class: "plot-area" }, drawn(view, chart, each, index)));
  if (plots.length > 1) plots.forEach((plot, index) => plot.classList.add(index === 0 ? "wide" : "narrow"));
  figure.append(
    ...plots,
    make(
      "div",
      { class: "foot" },
      make(
        "details",
        { class: "behind" },
        make("summary", {}, word("dataOf")),
        rowsTable(view, chart.title, chart.rows.slice(0, mostRowsBehind), chart.fields),
        chart.rows.length > mostRowsBehind
          ? make(
              "p",
              { class: "note" },
              word("moreRows", { shown: String(mostRowsBehind), total: String(chart.rows.length) }),
            )
          : null,
      ),
      downloadButtons(view, chart.title, id, ["csv", "xlsx", "svg", "png"]),
    ),
  );
  const source = sourceLine(view, chart.source);
  if (source) figure.append(source);
  return figure;
}

/**
 * The second drawing is for phones, which have no pointer to show titles with, until the page draws it again for its own
 * width: so it goes without them, and is marked as drawn for no width.
 */
function drawn(view: View, chart: Chart, width: number, index: number): SVGElement {
  const svg = drawChart(view.document, chart, view.locale, width);
  if (index === 0) return svg;
  for (const title of svg.querySelectorAll("title")) title.remove();
  svg.setAttribute("data-width", "0");
  return svg;
}

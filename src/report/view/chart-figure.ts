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
  const widths = view.chartWidths(id, width);
  const names = ["wide", "narrow"];
  const plots = widths.map((each, index) =>
    make(
      "div",
      { class: widths.length > 1 ? `plot-area ${names[index] ?? ""}` : "plot-area" },
      drawChart(view.document, chart, view.locale, each),
    ),
  );
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

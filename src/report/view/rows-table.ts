import type { Field, ReportRow, Value } from "../../project/report.js";
import { headerOf } from "../csv.js";
import { definitionOf, toolsOf, type TableState, type View } from "./view.js";

export interface RowsTableOptions {
  readonly totals?: ReportRow;
  /** All rows, of which those shown are a part: a column is aligned by what it holds anywhere. */
  readonly all?: readonly ReportRow[];
  /** Given: headers are buttons that sort the table of this item. */
  readonly sortable?: { readonly id: string; readonly state: TableState };
}

/** Rows as an HTML table that scrolls sideways where it must. Columns of numbers are aligned to the right. */
export function rowsTable(
  view: View,
  title: string,
  rows: readonly ReportRow[],
  fields: Readonly<Record<string, Field>>,
  options: RowsTableOptions = {},
): Element {
  const { make, word, formatted } = toolsOf(view);
  const names = Object.keys(fields);
  const numeric = new Set(
    names.filter((name) => (options.all ?? rows).some((row) => typeof row[name] === "number")),
  );
  const cellClass = (name: string): string | undefined => (numeric.has(name) ? "number" : undefined);
  const header = names.map((name) => {
    const label = headerOf(name, fields);
    const sort = options.sortable?.state.sort;
    const sorted = sort?.column === name;
    return make(
      "th",
      {
        scope: "col",
        class: cellClass(name),
        title: definitionOf(view, name, fields[name]),
        "aria-sort": sorted ? (sort.descending ? "descending" : "ascending") : undefined,
      },
      options.sortable
        ? make(
            "button",
            {
              type: "button",
              class: "sort",
              "data-sort": name,
              "data-item": options.sortable.id,
              "aria-label": word("sortBy", { column: label }),
            },
            label,
            make("span", { "aria-hidden": "true" }, sorted ? (sort.descending ? " ▼" : " ▲") : ""),
          )
        : label,
    );
  });
  const line = (row: ReportRow, head: string | undefined): Element =>
    make(
      "tr",
      {},
      ...names.map((name, index) => {
        const value: Value = row[name] ?? null;
        if (head !== undefined && index === 0) return make("th", { scope: "row" }, head);
        if (head !== undefined && value === null) return make("td", { class: cellClass(name) });
        return make("td", { class: cellClass(name) }, formatted(value, fields[name]?.format));
      }),
    );
  return make(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-label": title },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...header)),
      make("tbody", {}, ...rows.map((row) => line(row, undefined))),
      options.totals === undefined ? null : make("tfoot", {}, line(options.totals, word("total"))),
    ),
  );
}

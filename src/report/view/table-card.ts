import type { DataTable, ReportRow } from "../../project/report.js";
import { compareValues } from "../shape.js";
import { formatValue } from "../format-value.js";
import { downloadButtons, emptyNote, heading, sourceLine } from "./card-parts.js";
import { rowsTable } from "./rows-table.js";
import { toolsOf, type TableState, type View } from "./view.js";

/** A table with search, sort and pages. Without a script: its first page. */
export function tableCard(view: View, table: DataTable, id: string): Element {
  const { make, word } = toolsOf(view);
  const card = make("article", { class: `card table ${table.width ?? "full"}`, id }, ...heading(view, table));
  if (table.rows.length === 0) {
    card.append(emptyNote(view));
    return card;
  }
  const state = view.tableState(id);
  const found = searched(view, table, state);
  const size = table.pageSize ?? 25;
  const pages = Math.max(1, Math.ceil(found.length / size));
  const page = Math.min(state.page, pages - 1);
  if (table.search === true) {
    card.append(
      make("input", {
        type: "search",
        class: "search needs-script",
        "data-search": true,
        "data-item": id,
        value: state.search,
        placeholder: word("search"),
        "aria-label": word("searchIn", { title: table.title }),
      }),
    );
  }
  card.append(
    rowsTable(view, table.title, found.slice(page * size, (page + 1) * size), table.fields, {
      all: table.rows,
      ...(table.totals === undefined || state.search !== "" ? {} : { totals: table.totals }),
      ...(view.live ? { sortable: { id, state } } : {}),
    }),
    found.length === 0
      ? make("p", { class: "note", role: "status" }, word("nothingFound", { search: state.search }))
      : "",
    make(
      "div",
      { class: "foot" },
      pages > 1 ? pager(view, id, page, pages, found.length, size) : make("span", {}),
      downloadButtons(view, table.title, id, ["csv", "xlsx"]),
    ),
  );
  const source = sourceLine(view, table.source);
  if (source) card.append(source);
  return card;
}

/** The rows of a table as its state shows them, over all pages: also what is downloaded. */
export function searched(view: View, table: DataTable, state: TableState): readonly ReportRow[] {
  const words = state.search
    .toLocaleLowerCase(view.locale)
    .split(/\s+/)
    .filter((word) => word !== "");
  const found =
    words.length === 0
      ? table.rows
      : table.rows.filter((row) => {
          const line = searchable(view, table, row);
          return words.every((word) => line.includes(word));
        });
  const { sort } = state;
  if (sort === undefined) return found;
  // Missing values stand last in either direction.
  const present = found.filter((row) => row[sort.column] !== null);
  const absent = found.filter((row) => row[sort.column] === null);
  present.sort((a, b) => compareValues(a[sort.column], b[sort.column]) * (sort.descending ? -1 : 1));
  return [...present, ...absent];
}

const lines = new WeakMap<ReportRow, string>();

/** A row as its reader sees it, kept: writing 50,000 rows in words takes longer than anyone types. */
function searchable(view: View, table: DataTable, row: ReportRow): string {
  let line = lines.get(row);
  if (line === undefined) {
    line = Object.entries(table.fields)
      .map(([name, field]) => formatValue(view.locale, row[name] ?? null, field.format))
      .join("\n")
      .toLocaleLowerCase(view.locale);
    lines.set(row, line);
  }
  return line;
}

function pager(view: View, id: string, page: number, pages: number, total: number, size: number): Element {
  const { make, word, formatted } = toolsOf(view);
  if (!view.live) {
    return make(
      "p",
      { class: "note" },
      word("moreRows", { shown: formatted(size), total: formatted(total) }),
    );
  }
  const button = (label: string, target: number): Element =>
    make(
      "button",
      { type: "button", "data-page": target, "data-item": id, disabled: target < 0 || target >= pages },
      label,
    );
  return make(
    "nav",
    { class: "pager", "aria-label": word("page", { page: formatted(page + 1), pages: formatted(pages) }) },
    button(word("previous"), page - 1),
    make(
      "span",
      { "aria-live": "polite" },
      word("page", { page: formatted(page + 1), pages: formatted(pages) }),
    ),
    button(word("next"), page + 1),
  );
}

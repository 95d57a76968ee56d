import type { Report, ReportFilter, Value } from "../../project/report.js";
import { filterKey, type FilterChoices, type FilterState } from "../filters.js";
import { toolsOf, type View } from "./view.js";

/** The controls of all filters, set to `state`. */
export function filterBar(
  view: View,
  report: Report,
  choices: FilterChoices,
  state: FilterState,
): Element | null {
  const { make, word } = toolsOf(view);
  const columns = Object.entries(report.filters);
  if (columns.length === 0) return null;
  const active = columns.some(([column]) => (state[column] ?? []).length > 0);
  return make(
    "form",
    { class: "filters needs-script", id: "filters", "aria-label": word("filters") },
    ...columns.map(([column, filter]) =>
      filterControl(view, column, filter, choices[column] ?? [], state[column] ?? []),
    ),
    make("button", { type: "reset", class: "reset", hidden: !active }, word("reset")),
    make("span", { class: "unseen", role: "status" }, describeFilters(view, report, choices, state)),
  );
}

/** What the filters are set to, in words: `Job: admin, student`; empty where none is set. */
export function describeFilters(
  view: View,
  report: Report,
  choices: FilterChoices,
  state: FilterState,
): string {
  return Object.entries(report.filters)
    .filter(([column]) => (state[column] ?? []).length > 0)
    .map(
      ([column, filter]) =>
        `${filter.label}: ${chosenText(view, filter, choices[column] ?? [], state[column] ?? [], 5)}`,
    )
    .join("; ");
}

function filterControl(
  view: View,
  column: string,
  filter: ReportFilter,
  options: readonly Value[],
  chosen: readonly string[],
): Element {
  const { make } = toolsOf(view);
  return make(
    "details",
    { class: chosen.length > 0 ? "filter active" : "filter", "data-filter": column },
    make(
      "summary",
      {},
      `${filter.label}: `,
      make("span", { class: "chosen" }, chosenText(view, filter, options, chosen, 2)),
    ),
    make(
      "fieldset",
      {},
      make("legend", { class: "unseen" }, filter.label),
      ...(filter.kind === "range"
        ? rangeControls(view, column, filter, options, chosen)
        : options.map((option) => choice(view, column, option, chosen))),
    ),
  );
}

function choice(view: View, column: string, option: Value, chosen: readonly string[]): Element {
  const { make } = toolsOf(view);
  const key = filterKey(option);
  return make(
    "label",
    {},
    make("input", { type: "checkbox", name: column, value: key, checked: chosen.includes(key) }),
    make("span", {}, optionText(view, option)),
  );
}

function rangeControls(
  view: View,
  column: string,
  filter: ReportFilter,
  options: readonly Value[],
  chosen: readonly string[],
): Element[] {
  const { make, word } = toolsOf(view);
  const keys = options.map(filterKey);
  const ends = [chosen[0] ?? keys[0], chosen[1] ?? keys.at(-1)];
  return (["from", "to"] as const).map((end, index) =>
    make(
      "label",
      { class: "end" },
      make("span", {}, word(end)),
      make(
        "select",
        { name: column, "data-end": end, "aria-label": `${filter.label}: ${word(end)}` },
        ...options.map((option) =>
          make(
            "option",
            { value: filterKey(option), selected: filterKey(option) === ends[index] },
            optionText(view, option),
          ),
        ),
      ),
    ),
  );
}

function chosenText(
  view: View,
  filter: ReportFilter,
  options: readonly Value[],
  chosen: readonly string[],
  most: number,
): string {
  const { word, formatted } = toolsOf(view);
  if (chosen.length === 0) return word("all");
  const named = chosen.map((key) => {
    const option = options.find((each) => filterKey(each) === key);
    return option === undefined ? key : optionText(view, option);
  });
  if (filter.kind === "range") return named.join(" – ");
  return named.length <= most ? named.join(", ") : word("selected", { count: formatted(named.length) });
}

function optionText(view: View, option: Value): string {
  const { word, formatted } = toolsOf(view);
  return option === null
    ? word("missing")
    : formatted(option, typeof option === "number" ? { as: "year" } : undefined);
}

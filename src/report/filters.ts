import type { Report, ReportFilter, ReportRow, Value } from "../project/report.js";
import { compareValues } from "./shape.js";

/** What the filters are set to, by column: the chosen values as keys, see `filterKey`. Absent or empty: all. */
export type FilterState = Readonly<Record<string, readonly string[]>>;

export type QueryRows = Readonly<Record<string, readonly ReportRow[]>>;

/** A value as it stands in the page's address: dates as `2024-01-31`, null as `∅`. */
export function filterKey(value: Value): string {
  if (value === null) return "∅";
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value);
}

/** The values that a filter offers, in order. */
export function filterOptions(
  column: string,
  filter: ReportFilter,
  report: Report,
  rows: QueryRows,
): Value[] {
  const found = new Map<Value, Value>();
  for (const [name, query] of Object.entries(report.data)) {
    if (query.filtered === false) continue;
    for (const row of rows[name] ?? []) {
      const value = row[column] ?? null;
      found.set(value instanceof Date ? value.getTime() : value, value);
    }
  }
  const place = (value: Value): number => {
    const index = filter.order?.indexOf(filterKey(value)) ?? -1;
    return index === -1 ? Infinity : index;
  };
  return [...found.values()].sort((a, b) => {
    const [first, second] = [place(a), place(b)];
    return first === second ? compareValues(a, b) : first - second;
  });
}

/** What every filter of a report offers, by column. */
export type FilterChoices = Readonly<Record<string, readonly Value[]>>;

export function filterChoices(report: Report, rows: QueryRows): FilterChoices {
  return Object.fromEntries(
    Object.entries(report.filters).map(([column, filter]) => [
      column,
      filterOptions(column, filter, report, rows),
    ]),
  );
}

/** The rows that the filters leave, of every query. */
export function applyFilters(
  report: Report,
  rows: QueryRows,
  choices: FilterChoices,
  state: FilterState,
): QueryRows {
  const tests = Object.entries(report.filters).flatMap(([column, filter]) => {
    const chosen = state[column] ?? [];
    return chosen.length === 0 ? [] : [{ column, accepts: acceptor(filter, choices[column] ?? [], chosen) }];
  });
  if (tests.length === 0) return rows;
  return Object.fromEntries(
    Object.entries(rows).map(([name, all]) => [
      name,
      report.data[name]?.filtered === false
        ? all
        : all.filter((row) => tests.every(({ column, accepts }) => accepts(row[column] ?? null))),
    ]),
  );
}

/** `#job=admin&job=student` as state; what the report has no filter for is left out. */
export function parseHash(hash: string, report: Report): FilterState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(
    Object.keys(report.filters)
      .map((column) => [column, parameters.getAll(column)] as const)
      .filter(([, values]) => values.length > 0),
  );
}

export function formatHash(state: FilterState): string {
  const parameters = new URLSearchParams();
  for (const [column, values] of Object.entries(state)) {
    for (const value of values) parameters.append(column, value);
  }
  const text = parameters.toString();
  return text === "" ? "" : `#${text}`;
}

/** Whether a value is among the options that are chosen, or, for a range, between the two. */
function acceptor(
  filter: ReportFilter,
  options: readonly Value[],
  chosen: readonly string[],
): (value: Value) => boolean {
  const keys = options.map(filterKey);
  const [first = -1, last = -1] = filter.kind === "range" ? chosen.map((key) => keys.indexOf(key)) : [];
  const accepted = options.filter((_, index) =>
    filter.kind === "range"
      ? index >= Math.max(first, 0) && (last === -1 || index <= last)
      : chosen.includes(keys[index] ?? ""),
  );
  // Dates are compared by their time: two of the same day are not the same object.
  const comparable = (value: Value): Value => (value instanceof Date ? value.getTime() : value);
  const allowed = new Set(accepted.map(comparable));
  return (value) => allowed.has(comparable(value));
}

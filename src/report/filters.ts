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
  const found = new Map<string, Value>();
  for (const [name, query] of Object.entries(report.data)) {
    if (query.filtered === false) continue;
    for (const row of rows[name] ?? []) found.set(filterKey(row[column] ?? null), row[column] ?? null);
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

/** The rows that the filters leave, of every query. */
export function applyFilters(report: Report, rows: QueryRows, state: FilterState): QueryRows {
  const tests = Object.entries(report.filters).flatMap(([column, filter]) => {
    const chosen = state[column] ?? [];
    return chosen.length === 0 ? [] : [{ column, accepts: acceptor(column, filter, chosen, report, rows) }];
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

function acceptor(
  column: string,
  filter: ReportFilter,
  chosen: readonly string[],
  report: Report,
  rows: QueryRows,
): (value: Value) => boolean {
  const allowed = new Set(chosen);
  if (filter.kind === "range") {
    const [from = "", to = ""] = chosen;
    const keys = filterOptions(column, filter, report, rows).map(filterKey);
    const first = keys.indexOf(from);
    const last = keys.indexOf(to);
    allowed.clear();
    for (const key of keys.slice(Math.max(first, 0), last === -1 ? undefined : last + 1)) allowed.add(key);
  }
  // Texts, by far the most common, need no key of their own.
  return (value) => allowed.has(typeof value === "string" ? value : filterKey(value));
}

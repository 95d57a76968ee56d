/// <reference lib="dom" />
import type { Report } from "../../project/report.js";
import { decodeRows } from "../columnar.js";
import {
  filterChoices,
  formatHash,
  parseHash,
  type FilterChoices,
  type FilterState,
  type QueryRows,
} from "../filters.js";
import type { PageData } from "../page-data.js";
import type { TableState } from "../view/view.js";

/** What the page shows at the moment. */
export interface PageState {
  readonly report: Report;
  readonly data: PageData;
  /** All rows, before the filters. */
  readonly rows: QueryRows;
  readonly choices: FilterChoices;
  filters: FilterState;
  readonly tables: Map<string, TableState>;
}

export function initialState(report: Report, data: PageData, hash: string): PageState {
  const rows = Object.fromEntries(
    Object.entries(data.queries).map(([name, query]) => [name, decodeRows(query)]),
  );
  return {
    report,
    data,
    rows,
    choices: filterChoices(report, rows),
    filters: parseHash(hash, report),
    tables: new Map(),
  };
}

/** Keeps the filters in the address, so that a link or a reload shows the same; a step back goes to the page before. */
export function writeHash(state: PageState): void {
  const hash = formatHash(state.filters);
  history.replaceState(null, "", hash === "" ? location.pathname + location.search : hash);
}

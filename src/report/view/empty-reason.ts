import type { Report } from "../../project/report.js";
import type { QueryRows } from "../filters.js";
import { say } from "../words.js";

/** Why an item has nothing to show: the filters leave no row, or a query returned none. */
export function emptyReason(
  report: Report,
  rows: QueryRows,
  relations: Readonly<Record<string, readonly string[]>>,
  filters: string,
): string {
  if (filters !== "") return `${say(report.locale, "emptyFilters")} (${filters}).`;
  const empty = Object.keys(report.data).filter((name) => (rows[name] ?? []).length === 0);
  if (empty.length === 0) return say(report.locale, "empty");
  return empty
    .map((query) =>
      say(report.locale, "emptyQuery", { query, relations: (relations[query] ?? []).join(", ") }),
    )
    .join(" ");
}

import { formatPlural } from "../base/format-quantity.js";
import type { MissingFile } from "../history/ingest-records.js";

/** Sources that are named in one line, and periods of each. */
const shown = 6;

/**
 * Missing files on one line, by source.
 *
 * @example "shop/orders 2026-01-01, 2026-02-01; shop/returns 2026-01-01"
 */
export function describeMissing(missing: readonly MissingFile[]): string {
  const bySource = new Map<string, MissingFile[]>();
  for (const file of missing) bySource.set(file.source, [...(bySource.get(file.source) ?? []), file]);
  const parts = [...bySource].slice(0, shown).map(([source, files]) => {
    const more = files.length > shown ? ` and ${files.length - shown} more` : "";
    const periods = files.slice(0, shown).map(({ period }) => period);
    return `${source} ${periods.join(", ")}${more}`;
  });
  const rest = bySource.size - shown;
  return [...parts, ...(rest > 0 ? [`${formatPlural(rest, "source")} more`] : [])].join("; ");
}

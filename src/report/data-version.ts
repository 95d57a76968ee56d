import { createHash } from "node:crypto";
import { formatRelation } from "../base/identifiers.js";
import { refsOf } from "../project/report-sql.js";
import type { ReportRelations } from "../project/report-relations.js";
import type { LoadedReport } from "./load-reports.js";

/**
 * What a report reads, as a short text that changes when any of it was built or loaded again.
 *
 * @param versions see `readRelationVersions`
 */
export function dataVersion(
  { report }: LoadedReport,
  relationOf: ReportRelations,
  versions: ReadonlyMap<string, string>,
): string {
  const relations = Object.values(report.data).flatMap((query) => refsOf(query.sql).map(relationOf));
  const names = [...new Set(relations.map(formatRelation))].sort();
  const text = JSON.stringify(names.map((name) => [name, versions.get(name) ?? ""]));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

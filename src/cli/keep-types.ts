import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CheckOptions, CheckResult } from "../check/check-project.js";
import type { Finding } from "../check/finding.js";
import { reportTypes, typesDifference } from "../check/report-types.js";

/** The types of the reports' queries, relative to the root. */
export const typesFile = "types/warehouse.d.ts";

/**
 * Writes the types of the reports' queries, or says how the committed ones differ. Nothing is written while a query cannot
 * be judged: its types would go.
 */
export async function keepTypes(
  root: string,
  { model }: CheckResult,
  reports: CheckOptions["reports"],
  locked: boolean,
): Promise<Finding[]> {
  const path = join(root, typesFile);
  const committed = await readFile(path, "utf8").catch(() => undefined);
  const isWhole = reports.every(({ name, report }) =>
    Object.keys(report.data).every((query) => model.reports[name]?.[query] !== undefined),
  );
  if (!isWhole || (reports.length === 0 && committed === undefined)) return [];
  const current = reportTypes(model.reports);
  const details = typesDifference(committed, current);
  if (details.length === 0) return [];
  if (locked) {
    return [
      {
        severity: "error",
        code: "stale-types",
        message: committed === undefined ? "is not there" : "is not what the reports' queries return",
        subject: typesFile,
        location: { file: typesFile },
        details,
        hint: "Run dataform check and commit the file.",
      },
    ];
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, current);
  return [];
}

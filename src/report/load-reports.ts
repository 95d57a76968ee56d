import { readFile } from "node:fs/promises";
import { join } from "node:path";
import picomatch from "picomatch";
import { AquiferError, exitCodes } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { exportsOfKind, loadModules } from "../project/load-modules.js";
import type { Report } from "../project/report.js";

/** A report of the project. */
export interface LoadedReport {
  /** `sales/orders` for `reports/sales/orders.ts`. */
  readonly name: string;
  /** Path relative to the project root. */
  readonly file: string;
  readonly source: string;
  readonly report: Report;
}

/**
 * The reports of a project's `reports/`, by name.
 *
 * @throws AquiferError `bad-report` when a file exports none or several, or a filter fits no query
 */
export async function loadReports(projectRoot: string): Promise<LoadedReport[]> {
  const modules = await loadModules(projectRoot, ["reports/**/*.ts"]);
  return Promise.all(
    modules.map(async (module) => {
      const found = exportsOfKind<Report>([module], "report");
      const [only] = found;
      if (only === undefined || found.length > 1 || module.exports["default"] !== only.value) {
        throw new AquiferError(
          `the file exports ${found.length === 0 ? "no report" : "a report, but not as its default"}`,
          {
            code: "bad-report",
            location: { file: module.file },
            hint: "A file of reports/ holds one report: export default defineReport({ ... }).",
          },
        );
      }
      const name = module.file.replace(/^reports\//, "").replace(/\.ts$/, "");
      checkName(only.value, name, module.file);
      checkFilters(only.value, module.file);
      const source = await readFile(join(projectRoot, module.file), "utf8");
      return {
        name,
        file: module.file,
        source,
        report: only.value,
      };
    }),
  );
}

/**
 * The reports that the arguments of a command name: `sales/orders`, `orders`, a folder `sales`, or a pattern with `*`.
 * No arguments: all.
 *
 * @throws AquiferError `unknown-report`, naming the nearest
 */
export function selectReports(reports: readonly LoadedReport[], patterns: readonly string[]): LoadedReport[] {
  if (patterns.length === 0) return [...reports];
  const chosen = new Set<LoadedReport>();
  for (const pattern of patterns) {
    const plain = pattern
      .replace(/^reports\//, "")
      .replace(/\.ts$/, "")
      .replace(/\/$/, "");
    const matches = picomatch([plain, `**/${plain}`, `${plain}/**`]);
    const found = reports.filter(({ name }) => matches(name));
    if (found.length === 0) throw unknownReport(pattern, plain, reports);
    for (const report of found) chosen.add(report);
  }
  return reports.filter((report) => chosen.has(report));
}

function unknownReport(pattern: string, plain: string, reports: readonly LoadedReport[]): AquiferError {
  const names = reports.map(({ name }) => name);
  const known = names.flatMap((name) => [name, name.split("/").at(-1) ?? name, name.split("/")[0] ?? name]);
  const near = nearestName(plain, known);
  return new AquiferError(`No report is named "${pattern}"`, {
    code: "unknown-report",
    exitCode: exitCodes.usage,
    hint:
      near !== undefined
        ? `Did you mean "${near}"?`
        : names.length > 0
          ? `Known: ${names.join(", ")}.`
          : "The project has no reports: a file in reports/ makes one.",
  });
}

function checkName(report: Report, name: string, file: string): void {
  if (report.name === undefined || report.name === name) return;
  throw new AquiferError(`the report calls itself "${report.name}"`, {
    code: "bad-report",
    location: { file },
    hint: `Its name is that of its file: defineReport("${name}", ...).`,
  });
}

function checkFilters(report: Report, file: string): void {
  for (const column of Object.keys(report.filters)) {
    const queries = Object.entries(report.data).filter(([, query]) => query.filtered !== false);
    const without = queries.filter(([, query]) => !(column in query.columns));
    const [first] = without;
    if (first === undefined && queries.length > 0) continue;
    const near = first === undefined ? undefined : nearestName(column, Object.keys(first[1].columns));
    throw new AquiferError(
      first === undefined
        ? `the filter "${column}" acts on no query`
        : `the filter "${column}" acts on every query, but "${first[0]}" has no such column`,
      {
        code: "bad-report",
        location: { file },
        hint:
          near === undefined
            ? `Select the column in "${first?.[0] ?? ""}", or give that query \`filtered: false\`.`
            : `Did you mean "${near}"?`,
      },
    );
  }
}

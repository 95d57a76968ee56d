import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RelationName } from "../base/identifiers.js";
import { compileProject } from "./compile.js";
import { relationOf, type CompiledProject } from "./compiled-project.js";
import { findProject } from "./find-project.js";
import type { ReportRef } from "./report-sql.js";

/** Where the `ref` of a report leads. */
export type ReportRelations = (ref: ReportRef) => RelationName;

/**
 * The relations that a project's reports read, by the names that the project gives them: an action of the project has the
 * suffix and prefix of the compilation, a declaration and what the project does not know stand as written.
 */
export function reportRelations({ graph }: Pick<CompiledProject, "graph">): ReportRelations {
  const byName = new Map<string, RelationName>();
  const { tables = [], operations = [], assertions = [], declarations = [] } = graph;
  for (const action of [...tables, ...operations, ...assertions, ...declarations]) {
    const { schema = "", name = "" } = action.canonicalTarget ?? action.target;
    byName.set(JSON.stringify([schema, name]), relationOf(action.target));
  }
  return ({ schema, name }) => byName.get(JSON.stringify([schema, name])) ?? { schema, name };
}

/** As `reportRelations`; compiles the project only where its settings make a difference. */
export async function readReportRelations(root: string, signal?: AbortSignal): Promise<ReportRelations> {
  const settings = readFileSync(join(root, findProject(root).settingsFile), "utf8");
  if (!/(schemaSuffix|datasetSuffix|tablePrefix|namePrefix)/.test(settings))
    return ({ schema, name }) => ({ schema, name });
  return reportRelations(await compileProject({ projectRoot: root, ...(signal ? { signal } : {}) }));
}

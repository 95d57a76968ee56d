import type { Action } from "../project/action.js";
import type { ProjectConfig } from "../project/compiled-graph.js";
import type { PlannedAction } from "./plan.js";

/** Dataform's ExecutionGraph in its JSON form (`execution.proto`), with fields of ours under `aquifer`. */
export function executionGraphJson(
  planned: readonly PlannedAction[],
  projectConfig: ProjectConfig,
  runConfig: Readonly<Record<string, unknown>>,
  actions: ReadonlyMap<string, Action>,
): object {
  const target = (key: string): object => {
    const relation = actions.get(key)?.target;
    return relation === undefined ? { name: key } : { schema: relation.schema, name: relation.name };
  };
  return {
    projectConfig,
    runConfig,
    declarationTargets: [...actions.values()]
      .filter(({ kind }) => kind === "declaration")
      .map(({ key }) => target(key)),
    actions: planned.map((each) => ({
      target: target(each.key),
      fileName: each.file,
      type: each.kind === "operations" ? "operation" : each.kind === "assertion" ? "assertion" : "table",
      ...(["table", "view", "incremental"].includes(each.kind) ? { tableType: each.kind } : {}),
      dependencyTargets: each.dependencies.map(target),
      tasks: each.statements.map((statement) => ({ type: "statement", statement })),
      aquifer: { path: each.path, reason: each.reason, audits: each.audits },
    })),
  };
}

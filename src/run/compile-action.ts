import type { Action } from "../project/action.js";
import { compileJit, type JitOptions, type JitTableResult } from "../project/compile-jit.js";
import type { CompiledProject } from "../project/compiled-project.js";

type RunnableAction = Exclude<Action, { kind: "declaration" }>;

/** The action with the SQL that its just-in-time code makes now; the action itself when it has none. */
export async function compileAction(
  project: CompiledProject,
  action: RunnableAction,
  options: JitOptions,
): Promise<RunnableAction> {
  if (action.jitCode === undefined) return action;
  const result = await compileJit(project, action.key, options);
  switch (result.kind) {
    case "operation":
      return action.kind === "operations"
        ? { ...action, queries: result.queries }
        : mismatch(action, result.kind);
    case "assertion":
      return action.kind === "assertion" ? { ...action, query: result.query } : mismatch(action, result.kind);
    case "incremental": {
      if (action.kind !== "incremental") return mismatch(action, result.kind);
      const later = tableParts(result.incremental);
      return {
        ...action,
        ...tableParts(result.regular),
        incrementalQuery: later.query,
        incrementalPreOperations: later.preOperations,
        incrementalPostOperations: later.postOperations,
      };
    }
    case "table":
      return action.kind === "table" || action.kind === "view"
        ? { ...action, ...tableParts(result.table) }
        : mismatch(action, result.kind);
  }
}

function tableParts(table: JitTableResult): {
  query: string;
  preOperations: readonly string[];
  postOperations: readonly string[];
} {
  return {
    query: (table.query ?? "").replace(/[\s;]+$/, ""),
    preOperations: table.preOps ?? [],
    postOperations: table.postOps ?? [],
  };
}

function mismatch(action: RunnableAction, kind: string): never {
  throw new Error(`just-in-time code of ${action.key} (${action.kind}) made ${kind}`);
}

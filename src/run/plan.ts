import type { Action } from "../project/action.js";
import type { ProjectConfig } from "../project/compiled-graph.js";
import {
  createMaterializedView,
  createTableAs,
  createView,
  grantStatements,
  keyStatements,
} from "../statements/create-relation.js";
import { createDelta } from "../statements/incremental.js";
import type { ExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { Session } from "../warehouse/warehouse.js";
import { isUpdatable } from "./build-incremental.js";
import type { RunNode } from "./execution-graph.js";
import type { BuildPath } from "./outcome.js";

/** What a run would do with one action. */
export interface PlannedAction {
  readonly key: string;
  readonly kind: Exclude<Action["kind"], "declaration">;
  readonly file: string;
  readonly path: BuildPath | "disabled";
  /** Why this path. */
  readonly reason: string;
  /** Selected actions that come first. */
  readonly dependencies: readonly string[];
  /** Assertions checked before the new version is published. */
  readonly audits: readonly string[];
  /** The project's statements in order, as they would be sent, without what moves the new version into place. */
  readonly statements: readonly string[];
}

/**
 * Plans a run without touching anything: reads the catalog and decides the path of each action. What the new version's
 * columns decide (a view that reads a column which goes away) shows only when it is built.
 */
export async function planRun(
  session: Session,
  nodes: ReadonlyMap<string, RunNode>,
  existing: ExistingRelations,
  fullRefresh: boolean,
): Promise<PlannedAction[]> {
  await session.query("begin read only");
  try {
    const planned: PlannedAction[] = [];
    for (const node of nodes.values()) {
      const { action } = node;
      if (action.kind === "declaration") continue;
      const isBuilt = action.kind === "table" || action.kind === "view" || action.kind === "incremental";
      const stands = isBuilt && existing.relations.has(action.key);
      const facts = stands ? await readRelationFacts(session, action.target) : undefined;
      planned.push({
        key: action.key,
        kind: action.kind,
        file: action.file,
        ...choosePath(action, facts, existing, fullRefresh),
        dependencies: [...node.dependencies],
        audits: node.audits.map((assertion) => assertion.key),
        statements: action.disabled ? [] : statementsOf(action, existing, fullRefresh),
      });
    }
    return planned;
  } finally {
    await session.query("rollback");
  }
}

function choosePath(
  action: Exclude<Action, { kind: "declaration" }>,
  facts: RelationFacts | undefined,
  existing: ExistingRelations,
  fullRefresh: boolean,
): { path: PlannedAction["path"]; reason: string } {
  if (action.disabled) return { path: "disabled", reason: "disabled in its config" };
  if (action.kind === "operations")
    return { path: "operations", reason: "its statements run in one transaction" };
  if (action.kind === "assertion")
    return { path: "assertion", reason: "its view is made and its rows are counted" };
  if (facts === undefined) return { path: "create", reason: "does not exist yet" };
  if (action.kind === "incremental" && isUpdatable({ existing: existing.relations, fullRefresh }, action)) {
    const why = action.protected && fullRefresh ? "protected, so kept on a full refresh" : "exists";
    return { path: action.strategy, reason: why };
  }
  const isView = action.kind === "view" && !action.materialized;
  if (isView && facts.kind === "view")
    return { path: "replace", reason: "its columns allowing; else it is swapped" };
  const dependents = facts.views.length;
  const standing =
    dependents === 0 ? "nothing reads it" : `${dependents} views are pointed to the new version`;
  if (action.kind === "view") {
    const isKeyed = facts.kind === "materialized view" && facts.indexes.some((index) => index.isKey);
    if (isKeyed)
      return { path: "refresh", reason: "concurrently, unless its text changed; then it is swapped" };
    return { path: "swap", reason: standing };
  }
  if (action.postgres.replace === "delta") return { path: "delta", reason: "the model says so" };
  const foreign = facts.views
    .filter((view) => !view.replaceable)
    .map((view) => `${view.schema}.${view.name} belongs to another role`);
  const obstacles = [...facts.identityUsers, ...foreign];
  if (obstacles.length > 0) return { path: "delta", reason: obstacles.join("; ") };
  return { path: "swap", reason: standing };
}

function statementsOf(
  action: Exclude<Action, { kind: "declaration" }>,
  existing: ExistingRelations,
  fullRefresh: boolean,
): string[] {
  switch (action.kind) {
    case "operations":
      return [...action.queries];
    case "assertion":
      return [createView(action.target, action.query, true).text];
    case "view":
      return [
        ...action.preOperations,
        (action.materialized
          ? createMaterializedView(action.target, action.query)
          : createView(action.target, action.query, true)
        ).text,
        ...keyStatements(action.target, action.postgres),
        ...grantStatements(action.target, action.postgres),
        ...action.postOperations,
      ];
    case "incremental":
      if (isUpdatable({ existing: existing.relations, fullRefresh }, action)) {
        return [
          ...action.incrementalPreOperations,
          createDelta("aquifer_delta", action.incrementalQuery).text,
          ...action.incrementalPostOperations,
        ];
      }
      return tableStatements(action);
    case "table":
      return tableStatements(action);
  }
}

function tableStatements(action: Extract<Action, { kind: "table" | "incremental" }>): string[] {
  return [
    ...action.preOperations,
    createTableAs(action.target, action.query, action.postgres).text,
    ...keyStatements(action.target, action.postgres),
    ...grantStatements(action.target, action.postgres),
    ...action.postOperations,
  ];
}

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

import { AquiferError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { formatRelation } from "../base/identifiers.js";
import type { Action, RelationAction } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import {
  createMaterializedView,
  createTableAs,
  createView,
  grantStatements,
} from "../statements/create-relation.js";
import { keyStatements } from "../statements/model-keys.js";
import { createDelta } from "../statements/incremental.js";
import type { ExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { hasKeys } from "../statements/key-changes.js";
import type { Session } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { PlanningContext } from "./action-context.js";
import { locateIn } from "./action-error.js";
import { ActionSession } from "./action-session.js";
import { isUpdatable } from "./build-incremental.js";
import type { RunNode } from "./execution-graph.js";
import { managedViews } from "./managed-view.js";
import { incrementOutlook, tableOutlook, viewOutlook } from "./outlook.js";
import type { BuildPath } from "./outcome.js";
import { projectName } from "./project-name.js";
import type { RunnableAction } from "./run-context.js";

/** What a run would do with one action. */
export interface PlannedAction {
  readonly key: string;
  readonly kind: Exclude<Action["kind"], "declaration">;
  readonly file: string;
  readonly path: BuildPath | "disabled" | "refused";
  /** Why this path, or what stands in the way. */
  readonly reason: string;
  /** Selected actions that come first. */
  readonly dependencies: readonly string[];
  /** Assertions checked before the new version is published. */
  readonly audits: readonly string[];
  /** The project's statements in order, as they would be sent, without what moves the new version into place. */
  readonly statements: readonly string[];
}

/** What a plan is made from. */
export interface PlanInputs {
  readonly project: CompiledProject;
  readonly actions: ReadonlyMap<string, Action>;
  readonly nodes: ReadonlyMap<string, RunNode>;
  readonly existing: ExistingRelations;
  readonly fullRefresh: boolean;
  readonly historySchema: string;
  readonly newId: () => string;
}

/**
 * Plans a run and leaves no trace: the path of each action, or why it would be refused, as what it reads stands now. The
 * server tells the columns of a query without running it; where they differ from what stands there, an empty new version
 * is tried and undone.
 */
export async function planRun(connection: Session, inputs: PlanInputs): Promise<PlannedAction[]> {
  const { nodes, existing, fullRefresh } = inputs;
  await connection.query("begin; set local lock_timeout = '1s'");
  try {
    const planned: PlannedAction[] = [];
    for (const node of nodes.values()) {
      const { action } = node;
      if (action.kind === "declaration") continue;
      await connection.query("savepoint planned");
      const chosen = await choosePath(connection, action, inputs);
      await connection.query("rollback to savepoint planned");
      planned.push({
        key: action.key,
        kind: action.kind,
        file: action.file,
        ...chosen,
        dependencies: [...node.dependencies],
        audits: node.audits.map((assertion) => assertion.key),
        statements: action.disabled ? [] : statementsOf(action, existing, fullRefresh),
      });
    }
    return planned;
  } finally {
    await connection.query("rollback");
  }
}

type Chosen = Pick<PlannedAction, "path" | "reason">;

async function choosePath(connection: Session, action: RunnableAction, inputs: PlanInputs): Promise<Chosen> {
  if (action.disabled) return { path: "disabled", reason: "disabled in its config" };
  if (action.kind === "operations")
    return { path: "operations", reason: "its statements run in one transaction" };
  if (action.kind === "assertion")
    return { path: "assertion", reason: "its view is made and its rows are counted" };
  const facts = inputs.existing.relations.has(action.key)
    ? await readRelationFacts(connection, action.target)
    : undefined;
  if (facts === undefined) return { path: "create", reason: "does not exist yet" };
  const likely = likelyPath(action, facts, inputs);
  try {
    return await foreseenPath(planningContext(connection, action, inputs), action, facts, likely);
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || (thrown instanceof WarehouseError && thrown.isConnectionLoss))
      throw thrown;
    if (refusals.has(thrown.code))
      return {
        path: "refused",
        reason: thrown.details.length > 0 ? thrown.details.join("; ") : thrown.message,
      };
    return { ...likely, reason: `${likely.reason}; not tried, because of ${thrown.message}` };
  }
}

/** Codes of the errors with which an action refuses to change what stands there. */
const refusals: ReadonlySet<string> = new Set(["cannot-replace", "schema-change"]);

async function foreseenPath(
  context: PlanningContext,
  action: RelationAction,
  facts: RelationFacts,
  likely: Chosen,
): Promise<Chosen> {
  if (action.kind === "incremental" && likely.path === action.strategy) {
    await incrementOutlook(context, action, facts);
    return likely;
  }
  const { path, reasons } = await (action.kind === "view"
    ? viewOutlook(context, action, facts)
    : tableOutlook(context, action, facts));
  if (path === "swap" && likely.path === "refresh") return likely;
  if (reasons.length > 0) return { path, reason: reasons.join("; ") };
  return { path, reason: path === "replace" ? "its text is replaced" : standingReaders(facts) };
}

/** The path as the catalog alone lets expect it. */
function likelyPath(
  action: RelationAction,
  facts: RelationFacts,
  { existing, fullRefresh }: PlanInputs,
): Chosen {
  if (action.kind === "incremental" && isUpdatable({ existing: existing.relations, fullRefresh }, action)) {
    const why = action.protected && fullRefresh ? "protected, so kept on a full refresh" : "exists";
    return { path: action.strategy, reason: why };
  }
  if (action.kind === "view" && action.materialized) {
    const canRefresh =
      facts.kind === "materialized view" &&
      facts.indexes.some((index) => index.isKey) &&
      hasKeys(action.target, action.postgres, facts);
    if (canRefresh)
      return { path: "refresh", reason: "concurrently, unless its text changed; then it is swapped" };
  }
  return { path: "swap", reason: standingReaders(facts) };
}

function standingReaders({ views }: RelationFacts): string {
  return views.length === 0
    ? "nothing reads it"
    : `${formatPlural(views.length, "view")} ${views.length === 1 ? "is" : "are"} pointed to the new version`;
}

function planningContext(connection: Session, action: Action, inputs: PlanInputs): PlanningContext {
  const { project, actions, existing, historySchema, newId } = inputs;
  return {
    session: new ActionSession(connection, action, "planned", locateIn(project)),
    managed: managedViews(actions),
    project: projectName(project),
    known: new Set([...actions.values()].map(({ target }) => formatRelation(target))),
    historySchema,
    newSchema: () => `aquifer_${newId()}`,
    searchPath: existing.searchPath,
  };
}

function statementsOf(action: RunnableAction, existing: ExistingRelations, fullRefresh: boolean): string[] {
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

import type { IncrementalAction, TableAction, ViewAction } from "../project/action.js";
import { isManaged } from "../statements/managed-comment.js";
import type { RelationFacts, StandingColumn } from "../warehouse/catalog/relation-facts.js";
import type { PlanningContext } from "./action-context.js";
import { checkIncrement } from "./check-increment.js";
import { inPlace, keptObstacles } from "./in-place-obstacles.js";
import { bringsSameColumns, nextColumns, typesOf } from "./next-columns.js";
import type { BuildPath } from "./outcome.js";
import { cannotKeep, cannotReplace, swapObstacles } from "./replace-refusal.js";
import { rehearseSwap, type Unbuilt } from "./rehearse-swap.js";
import { kindOf } from "./table-successor.js";

/** How a new version will take the place of the old one, as far as can be told before it is built. */
export interface Outlook {
  readonly path: Extract<BuildPath, "swap" | "delta" | "replace">;
  /** Why it is not the usual path. */
  readonly reasons: readonly string[];
}

/**
 * Looks ahead for a table.
 *
 * @throws AquiferError `cannot-replace` where there is no way
 */
export async function tableOutlook(
  context: PlanningContext,
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
): Promise<Outlook> {
  const { target, file, query, postgres } = action;
  const foreignViews = facts.views
    .filter((view) => !view.replaceable)
    .map(
      (view) => `${view.kind} ${view.schema}.${view.name} belongs to another role, which we may not act for`,
    );
  const known = [...swapObstacles(target, facts, kindOf(postgres)), ...foreignViews];
  const prefersDelta = postgres.replace === "delta";
  if (known.length === 0 && !prefersDelta && isAlone(facts)) return { path: "swap", reasons: [] };
  const columns = action.jitCode === undefined ? await nextColumns(context.session, query) : undefined;
  const columnTypes = typesOf(columns ?? facts.columns);
  const toSwap = async (): Promise<readonly string[]> =>
    known.length > 0 || columns === undefined || bringsSameColumns(facts.columns, columns)
      ? known
      : rehearseSwap(context, { name: target, query, kind: kindOf(postgres), columnTypes }, facts);
  const toKeep = async (): Promise<readonly string[]> =>
    (await inPlace(context, action, facts, columnTypes)).obstacles;
  if (!prefersDelta) {
    const obstacles = await toSwap();
    if (obstacles.length === 0) return { path: "swap", reasons: [] };
    const others = await toKeep();
    if (others.length === 0) return { path: "delta", reasons: obstacles };
    throw cannotReplace(target, file, [...new Set([...obstacles, ...others])]);
  }
  const others = await toKeep();
  if (others.length === 0) return { path: "delta", reasons: ["the model says so"] };
  const obstacles = await toSwap();
  if (obstacles.length === 0) return { path: "swap", reasons: [`not in place: ${others.join("; ")}`] };
  throw cannotReplace(target, file, [...new Set([...obstacles, ...others])]);
}

/**
 * Looks ahead for a view or materialized view.
 *
 * @throws AquiferError `cannot-replace` where there is no way
 */
export async function viewOutlook(
  context: PlanningContext,
  action: ViewAction,
  facts: RelationFacts,
): Promise<Outlook> {
  const { target, file, query } = action;
  const kind = action.materialized ? "materialized view" : "view";
  if (facts.kind !== kind || !facts.ownedByUs) {
    const obstacles = swapObstacles(target, facts, kind);
    if (obstacles.length > 0) throw cannotReplace(target, file, obstacles);
  }
  const swapped: Outlook = { path: "swap", reasons: [] };
  const isReplaced = facts.kind === "view" && kind === "view";
  if (action.jitCode !== undefined || isAlone(facts))
    return isReplaced ? { ...swapped, path: "replace" } : swapped;
  const columns = await nextColumns(context.session, query);
  if (columns === undefined) return isReplaced ? { ...swapped, path: "replace" } : swapped;
  if (isReplaced && onlyAppends(facts, columns)) return { ...swapped, path: "replace" };
  if (bringsSameColumns(facts.columns, columns)) return swapped;
  const next: Unbuilt = {
    name: target,
    query,
    kind,
    columnTypes: typesOf(columns),
  };
  const obstacles = await rehearseSwap(context, next, facts);
  if (obstacles.length > 0) throw cannotReplace(target, file, obstacles);
  return swapped;
}

/**
 * Looks ahead for an incremental table that is kept and added to.
 *
 * @throws AquiferError `cannot-replace` or `schema-change`
 */
export async function incrementOutlook(
  context: PlanningContext,
  action: IncrementalAction,
  facts: RelationFacts,
): Promise<void> {
  const obstacles = keptObstacles(action, facts);
  if (obstacles.length > 0) throw cannotKeep(action.target, action.file, obstacles);
  if (action.jitCode !== undefined) return;
  const columns = await nextColumns(context.session, action.incrementalQuery);
  if (columns === undefined || bringsSameColumns(facts.columns, columns)) return;
  await checkIncrement(context, action, facts, typesOf(columns));
}

/** True when nothing hangs on a relation that new columns could harm. */
function isAlone(facts: RelationFacts): boolean {
  const { views, otherDependents, identityUsers, statistics, policies, triggers, rules, columnSettings } =
    facts;
  const own = [...facts.indexes, ...facts.constraints].filter((each) => !isManaged(each.comment));
  const all = [
    views,
    otherDependents,
    identityUsers,
    statistics,
    policies,
    triggers,
    rules,
    columnSettings,
    own,
  ];
  return all.every((each) => each.length === 0);
}

/** What `create or replace view` can do: the standing columns as they are, and perhaps more behind them. */
function onlyAppends(facts: RelationFacts, next: readonly StandingColumn[]): boolean {
  return facts.columns.every(({ name, typeId, typeModifier }, index) => {
    const column = next[index];
    return column?.name === name && column.typeId === typeId && column.typeModifier === typeModifier;
  });
}

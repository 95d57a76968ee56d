import { formatRelation, type RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import { keyChanges } from "../statements/key-changes.js";
import { settingChanges } from "../statements/kept-settings.js";
import { compareColumns, type ColumnDifference } from "../statements/incremental.js";
import { managedMark } from "../statements/managed-comment.js";
import { readColumnUsers } from "../warehouse/catalog/column-users.js";
import type { DependentView, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { isAbandonedAssertion } from "./abandoned-assertion.js";
import type { PlanningContext } from "./action-context.js";
import { kindOf } from "./table-successor.js";

/** What a change of rows in place would meet. */
export interface InPlace {
  readonly difference: ColumnDifference;
  /** Why the rows cannot be changed in place, in words. */
  readonly obstacles: readonly string[];
  /** Views of assertions that the project no longer has, which go with a column. */
  readonly abandoned: readonly DependentView[];
}

/** Compares a table with the columns of its next version. */
export async function inPlace(
  context: PlanningContext,
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
  types: ReadonlyMap<string, string>,
): Promise<InPlace> {
  const next = [...types].map(([name, type]) => ({ name, type, notNull: false }));
  const difference = compareColumns(facts.columns, next);
  const removed = difference.removed.map((column) => column.name);
  const { abandoned, lost } = await lostInPlace(context, action.target, facts, removed);
  const kind = kindOf(action.postgres);
  const obstacles = [
    ...(facts.ownedByUs ? [] : [`${action.key} belongs to ${facts.owner}, which we may not act for`]),
    ...(facts.kind === kind
      ? keptObstacles(action, facts)
      : [`${action.key} is a ${facts.kind} and becomes a ${kind}`]),
    ...difference.retyped.map(
      ({ name, from, to }) =>
        `column ${action.key}.${name} becomes ${to} (was ${from}), which rewrites the table`,
    ),
    ...lost,
  ];
  return { difference, obstacles, abandoned };
}

/** Settings and keys of a model that a table which is kept cannot follow. */
export function keptObstacles(action: TableAction | IncrementalAction, facts: RelationFacts): string[] {
  return [
    ...settingChanges(action.target, action.postgres, facts).obstacles,
    ...keyChanges(action.target, action.postgres, facts).obstacles,
  ];
}

/** What would be lost, or is in the way, when columns are dropped from a table where it stands. */
export async function lostInPlace(
  context: PlanningContext,
  name: RelationName,
  facts: RelationFacts,
  removed: readonly string[],
): Promise<Pick<InPlace, "abandoned"> & { lost: readonly string[] }> {
  if (removed.length === 0) return { abandoned: [], lost: [] };
  const readers = facts.views.filter((view) => view.readsColumns.some((column) => removed.includes(column)));
  const abandoned: DependentView[] = [];
  for (const view of readers) if (await isAbandonedAssertion(context, view)) abandoned.push(view);
  const lost = readers
    .filter((view) => !abandoned.includes(view))
    .flatMap((view) =>
      view.readsColumns
        .filter((column) => removed.includes(column))
        .map((column) => {
          const what = `${view.kind} ${formatRelation(view)}`;
          return `${what} reads column ${formatRelation(name)}.${column}, which goes away`;
        }),
    );
  return { abandoned, lost: [...lost, ...(await lostWithColumns(context, name, facts, removed))] };
}

/** What people put on columns that go away: it would go with them without a word. */
export async function lostWithColumns(
  context: PlanningContext,
  name: RelationName,
  facts: RelationFacts,
  removed: readonly string[],
): Promise<string[]> {
  const users = await readColumnUsers(context.session.plain, facts.oid, removed, managedMark);
  return users.map(
    ({ user, column }) => `${user} needs column ${formatRelation(name)}.${column}, which goes away`,
  );
}

import { AquiferError } from "../base/errors.js";
import type { IncrementalAction } from "../project/action.js";
import { compareColumns, lossyTypes, type ColumnDifference } from "../statements/incremental.js";
import type { ColumnFact, DependentView, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { PlanningContext } from "./action-context.js";
import { lostInPlace } from "./in-place-obstacles.js";
import { cannotKeep } from "./replace-refusal.js";

/** What new rows do to the columns of the table that they go into. */
export interface Increment {
  readonly added: readonly ColumnFact[];
  readonly removed: readonly ColumnFact[];
  /** Views of assertions that the project no longer has, which go with a column. */
  readonly abandoned: readonly DependentView[];
}

/**
 * Compares new rows with the table that they go into and follows `onSchemaChange`.
 *
 * @param types of the new rows' columns
 * @throws AquiferError `schema-change`, or `cannot-replace` where a column that goes away is needed
 */
export async function checkIncrement(
  context: PlanningContext,
  action: IncrementalAction,
  facts: RelationFacts,
  types: ReadonlyMap<string, string>,
): Promise<Increment> {
  const next = [...types].map(([name, type]) => ({ name, type, notNull: false }));
  const difference = compareColumns(facts.columns, next);
  const changes = followPolicy(action, difference);
  await refuseLossyTypes(context, action, difference.retyped);
  const removed = changes.removed.map(({ name }) => name);
  const { abandoned, lost } = await lostInPlace(context, action.target, facts, removed);
  if (lost.length > 0) throw cannotKeep(action.target, action.file, lost);
  return { ...changes, abandoned };
}

function followPolicy(
  action: IncrementalAction,
  { added, removed, retyped }: ColumnDifference,
): Pick<Increment, "added" | "removed"> {
  const names = (columns: readonly { readonly name: string }[]): string =>
    columns.map((column) => column.name).join(", ");
  const changes = [
    ...(added.length > 0 ? [`new: ${names(added)}`] : []),
    ...(removed.length > 0 ? [`gone: ${names(removed)}`] : []),
    ...retyped.map(({ name, from, to }) => `${name}: ${to} instead of ${from}`),
  ];
  const refuse = (why: string): AquiferError =>
    new AquiferError(`The columns of ${action.key} changed (${changes.join("; ")})${why}`, {
      code: "schema-change",
      location: { file: action.file },
      hint: "Set onSchemaChange to EXTEND or SYNCHRONIZE, or rebuild with --full-refresh.",
    });
  if (changes.length === 0 || action.onSchemaChange === "ignore") return { added: [], removed: [] };
  if (action.onSchemaChange === "fail") throw refuse(" and onSchemaChange is FAIL");
  if (action.onSchemaChange === "extend" && removed.length > 0)
    throw refuse(" and onSchemaChange is EXTEND, which only adds");
  return { added, removed };
}

/**
 * Refuses a new type that PostgreSQL would fit into the table's by rounding or cutting without a word: `1.5` into an
 * integer column becomes 2.
 */
async function refuseLossyTypes(
  { session }: PlanningContext,
  action: IncrementalAction,
  retyped: ColumnDifference["retyped"],
): Promise<void> {
  if (retyped.length === 0) return;
  const { rows } = await session.query<{ name: string }>(lossyTypes(retyped));
  const lossy = new Set(rows.map(({ name }) => name));
  const named = retyped
    .filter(({ name }) => lossy.has(name))
    .map(({ name, from, to }) => `${name} is ${from}, the query gives ${to}`);
  if (named.length === 0) return;
  throw new AquiferError(`Columns of ${action.key} changed their type: ${named.join("; ")}`, {
    code: "schema-change",
    location: { file: action.file },
    hint: "Values would be rounded or cut. Cast the column in the model, or rebuild with --full-refresh.",
  });
}

import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import { isRelationAction, type Action } from "../project/action.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { buildAlone } from "./build-alone.js";
import { buildTogether } from "./build-together.js";
import type { CheckContext } from "./check-context.js";
import { checkStatements } from "./check-statements.js";

/** A relation whose columns are known without a warehouse: a source, a seed, a pulled declaration. */
export interface KnownRelation {
  readonly name: RelationName;
  readonly kind: "source" | "declaration";
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** Makes the schemas of a project and its known relations, empty. */
export async function buildKnown(
  session: Queryable,
  actions: Iterable<Action>,
  known: readonly KnownRelation[],
): Promise<void> {
  const schemas = new Set([
    ...[...actions].map((each) => each.target.schema),
    ...known.map((each) => each.name.schema),
  ]);
  for (const schema of schemas) await session.query(`create schema if not exists ${quoteIdentifier(schema)}`);
  for (const { name, columns } of known) {
    const list = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(", ");
    await session.query(`create table ${quoteRelation(name)} (${list})`);
  }
}

/** How many actions are parsed while the server builds as many others. */
const stride = 100;

/**
 * Parses the statements of the actions and lets the server judge them on empty tables, in the order given. What it refuses
 * becomes a finding; what depends on a broken action is not judged.
 */
export async function buildEmpty(
  session: Queryable,
  context: CheckContext,
  actions: readonly Action[],
): Promise<void> {
  const enabled = actions.filter((action) => !action.disabled);
  let building = Promise.resolve();
  for (let start = 0; start < enabled.length; start += stride) {
    const next = enabled.slice(start, start + stride);
    for (const action of next) checkStatements(context, action);
    await building;
    building = buildInOrder(session, context, next);
    // A failure is thrown by the await above or below, never while the next ones are parsed.
    building.catch(() => undefined);
  }
  await building;
}

/** Neighbours that send nothing but what Aquifer makes of their queries are sent together. */
async function buildInOrder(
  session: Queryable,
  context: CheckContext,
  actions: readonly Action[],
): Promise<void> {
  let together: Action[] = [];
  for (const action of actions) {
    if (!runsOwnStatements(action)) {
      together.push(action);
      continue;
    }
    await buildTogether(session, context, together);
    together = [];
    if (context.isJudged(action)) await buildAlone(session, context, action);
  }
  await buildTogether(session, context, together);
}

function runsOwnStatements(action: Action): boolean {
  if (!isRelationAction(action)) return action.kind === "operations";
  const { preOperations, postOperations } = action;
  const more =
    action.kind === "incremental"
      ? [...action.incrementalPreOperations, ...action.incrementalPostOperations]
      : [];
  return preOperations.length + postOperations.length + more.length > 0;
}

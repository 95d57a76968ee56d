import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import { nearestName } from "../base/nearest-name.js";
import {
  isRelationAction,
  type Action,
  type AssertionAction,
  type IncrementalAction,
  type OperationsAction,
  type RelationAction,
} from "../project/action.js";
import { keyStatements } from "../statements/create-relation.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { CheckContext } from "./check-context.js";

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

/**
 * Lets the server judge one action on empty tables. What it refuses becomes a finding; what depends on a broken action is
 * not judged.
 */
export async function buildEmpty(session: Queryable, context: CheckContext, action: Action): Promise<void> {
  if (action.disabled || action.kind === "declaration" || context.broken.has(action.key)) return;
  if (action.jitCode !== undefined) {
    context.broken.set(action.key, "is made at run time");
    return;
  }
  const below = action.dependencies.find((key) => context.broken.has(key));
  if (below !== undefined) {
    context.broken.set(action.key, `reads ${below}, which ${context.broken.get(below) ?? ""}`);
    return;
  }
  try {
    if (isRelationAction(action)) await buildRelation(session, context, action);
    else if (action.kind === "operations") await runOperations(session, action);
    else await buildAssertion(session, action);
  } catch (error) {
    await session.query("rollback");
    if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    context.refuse(action, error);
    await resetSession(session);
    return;
  }
  if (runsOwnStatements(action)) await resetSession(session);
}

function runsOwnStatements(action: Action): boolean {
  if (!isRelationAction(action)) return action.kind === "operations";
  return action.preOperations.length + action.postOperations.length > 0 || action.kind === "incremental";
}

/** Nothing that one action sets or makes for itself reaches the next one. A statement that takes long is not tried to its end. */
export async function resetSession(session: Queryable): Promise<void> {
  await session.query(
    "discard temp; reset all; set synchronous_commit = off; set statement_timeout = '10s'; set client_min_messages = error",
  );
}

async function buildRelation(
  session: Queryable,
  context: CheckContext,
  action: RelationAction,
): Promise<void> {
  const { target, query, preOperations, postOperations } = action;
  // Statements about a view want a view; everything else is built as a table, so that nothing nests.
  const isView = action.kind === "view" && preOperations.length + postOperations.length > 0;
  const isAlone = preOperations.length + postOperations.length === 0;
  if (!isAlone) await session.query("begin");
  for (const operation of preOperations) await session.query(operation);
  await session.query(
    isView
      ? `create ${action.materialized ? "materialized " : ""}view ${quoteRelation(target)} as\n${query}\n${action.materialized ? "with no data" : ""}`
      : `create table ${quoteRelation(target)} as\n${query}\nwith no data`,
  );
  if (action.kind !== "view" || action.materialized) {
    for (const statement of keyStatements(target, action.postgres)) await session.query(statement);
  }
  for (const operation of postOperations) await session.query(operation);
  if (!isAlone) await session.query("commit");
  if (action.columns.length === 0 && action.kind !== "incremental") return;
  const produced = await columnsOf(session, quoteRelation(target));
  compareContract(context, action, produced);
  if (action.kind === "incremental") await tryIncrement(session, context, action, produced);
}

/** The incremental form, tried and rolled back. */
async function tryIncrement(
  session: Queryable,
  context: CheckContext,
  action: IncrementalAction,
  existing: readonly string[],
): Promise<void> {
  const delta = "pg_temp.aquifer_increment";
  await session.query("begin");
  for (const operation of action.incrementalPreOperations) await session.query(operation);
  await session.query(`create temp table aquifer_increment as\n${action.incrementalQuery}\nwith no data`);
  const produced = await columnsOf(session, delta);
  const missing = action.uniqueKey.filter((column) => !produced.includes(column));
  for (const column of missing) {
    const near = nearestName(column, produced);
    context.broken.set(action.key, "is broken");
    context.add(action, {
      severity: "error",
      code: "unknown-key",
      message: `uniqueKey names "${column}", which the query does not return`,
      hint: near === undefined ? `It returns ${produced.join(", ")}.` : `Did you mean "${near}"?`,
    });
  }
  const differing = [
    ...produced.filter((column) => !existing.includes(column)).map((column) => `+${column}`),
    ...existing.filter((column) => !produced.includes(column)).map((column) => `-${column}`),
  ];
  if (differing.length > 0 && action.onSchemaChange === "fail") {
    context.add(action, {
      severity: "error",
      code: "increment-columns",
      message: `the incremental query returns other columns than the first build: ${differing.join(", ")}`,
      hint: "onSchemaChange is FAIL: every incremental run would fail.",
    });
  }
  const shared = produced.filter((column) => existing.includes(column)).map(quoteIdentifier);
  if (shared.length > 0) {
    const list = shared.join(", ");
    await session.query(`insert into ${quoteRelation(action.target)} (${list}) select ${list} from ${delta}`);
  }
  for (const operation of action.incrementalPostOperations) await session.query(operation);
  await session.query("rollback");
}

async function buildAssertion(session: Queryable, action: AssertionAction): Promise<void> {
  await session.query(`create table ${quoteRelation(action.target)} as\n${action.query}\nwith no data`);
}

async function runOperations(session: Queryable, action: OperationsAction): Promise<void> {
  for (const query of action.queries) await session.query(query);
}

/**
 * Columns that the config describes and the query does not return; and the reverse where it describes most of them: a few
 * descriptions are notes, not a contract.
 */
function compareContract(context: CheckContext, action: RelationAction, produced: readonly string[]): void {
  for (const { name } of action.columns) {
    if (produced.includes(name)) continue;
    const near = nearestName(name, produced);
    context.add(action, {
      severity: "warning",
      code: "described-not-produced",
      message: `describes the column "${name}", which the query does not return`,
      ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
    });
  }
  const described = new Set(action.columns.map(({ name }) => name));
  const silent = produced.filter((name) => !described.has(name));
  if (silent.length === 0 || silent.length >= produced.length - silent.length) return;
  context.add(action, {
    severity: "warning",
    code: "produced-not-described",
    message: `returns ${formatList(silent)}, which its columns do not describe`,
    hint: "It describes the others.",
  });
}

function formatList(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

async function columnsOf(session: Queryable, relation: string): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum",
    [relation],
  );
  return rows.map((row) => row.name);
}

import { formatRelation, quoteRelation } from "../base/identifiers.js";
import {
  isRelationAction,
  type Action,
  type AssertionAction,
  type IncrementalAction,
  type OperationsAction,
  type RelationAction,
} from "../project/action.js";
import { relationOf } from "../project/compiled-project.js";
import { conditionChecks, conditionScan, queryScan, uniqueScan } from "../statements/assertion-scan.js";
import { keyStatements } from "../statements/model-keys.js";
import { lossyTypes } from "../statements/incremental.js";
import { createPartitionedTable, neededPartitions } from "../statements/partitions.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { CheckContext } from "./check-context.js";
import { compareContract } from "./compare-contract.js";
import { judgeIncrement } from "./judge-increment.js";
import { readColumns, type Columns } from "./read-columns.js";

/** Lets the server judge one action on empty tables; what it refuses becomes a finding. */
export async function buildAlone(session: Queryable, context: CheckContext, action: Action): Promise<void> {
  try {
    if (isRelationAction(action)) await buildRelation(session, context, action);
    else if (action.kind === "operations") await tryOperations(session, context, action);
    else if (action.kind === "assertion") await tryAssertion(session, action);
  } catch (error) {
    await session.query("rollback");
    if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    context.refuse(action, error);
  }
  await resetSession(session);
}

async function tryOperations(
  session: Queryable,
  context: CheckContext,
  action: OperationsAction,
): Promise<void> {
  for (const query of action.queries) await session.query(query);
  if (!action.hasOutput) return;
  const { rows } = await session.query<{ made: boolean }>("select to_regclass($1) is not null as made", [
    quoteRelation(action.target),
  ]);
  if (rows[0]?.made === true) return;
  context.add(action, {
    severity: "warning",
    code: "no-output",
    message: `says hasOutput: true, but makes no ${formatRelation(action.target)}`,
    hint: "Make it with create table or create view ${self()}, or leave hasOutput out.",
  });
}

/** Nothing that one action sets or makes for itself reaches the next one. A statement that takes long is not tried to its end. */
export async function resetSession(session: Queryable): Promise<void> {
  await session.query(
    "discard temp; reset all; set synchronous_commit = off; set statement_timeout = '10s'; set client_min_messages = error",
  );
}

/** The statements that make a model's relation, empty: as a table, so that nothing nests, unless statements of the model's own are about a view. */
export function createEmpty(action: RelationAction): string[] {
  const { target, query, preOperations, postOperations } = action;
  const name = quoteRelation(target);
  const judged = planned(query);
  if (action.kind === "view" && preOperations.length + postOperations.length > 0) {
    return action.materialized
      ? [`create materialized view ${name} as\n${query}\nwith no data`, judged]
      : [`create view ${name} as\n${query}\n`, judged];
  }
  const partition = action.kind === "view" ? undefined : action.postgres.partitionBy;
  if (partition === undefined) return [`create table ${name} as\n${query}\nwith no data`, judged];
  const rows = { schema: "pg_temp", name: "aquifer_rows" };
  return [
    `create temp table aquifer_rows as\n${query}\nwith no data`,
    judged,
    createPartitionedTable(target, rows, partition),
    neededPartitions(rows, partition),
    `drop table ${quoteRelation(rows)}`,
  ];
}

/** Lets the server plan a statement, which finds what its analysis does not (a full join that nothing can execute), and leaves nothing. */
export function planned(statement: string): string {
  return `explain\n${statement}`;
}

/** What a run sends to check an assertion. */
export function assertionStatement(action: AssertionAction): string {
  const { check, query } = action;
  switch (check?.kind) {
    case "uniqueKey":
      return uniqueScan(relationOf(check.parent), check.columns);
    case "rowConditions":
      return conditionScan(relationOf(check.parent), conditionChecks([action]));
    case undefined:
      return queryScan(query);
  }
}

async function tryAssertion(session: Queryable, action: AssertionAction): Promise<void> {
  await session.query(planned(assertionStatement(action)));
}

async function buildRelation(
  session: Queryable,
  context: CheckContext,
  action: RelationAction,
): Promise<void> {
  const { target, preOperations, postOperations } = action;
  await session.query("begin");
  for (const operation of preOperations) await session.query(operation);
  for (const statement of createEmpty(action)) await session.query(statement);
  if (action.kind !== "view" || action.materialized) {
    for (const statement of keyStatements(target, action.postgres)) await session.query(statement);
  }
  for (const operation of postOperations) await session.query(operation);
  await session.query("commit");
  if (action.columns.length === 0 && action.kind !== "incremental") return;
  const columns = (await readColumns(session, [target])).get(quoteRelation(target)) ?? [];
  compareContract(context, action, columns);
  if (action.kind === "incremental") await tryIncrement(session, context, action, columns);
}

/** The incremental form of a model whose first form stands there, tried and rolled back. */
export async function tryIncrement(
  session: Queryable,
  context: CheckContext,
  action: IncrementalAction,
  existing: Columns,
): Promise<void> {
  const increment = { schema: "pg_temp", name: "aquifer_increment" };
  await session.query("begin");
  try {
    for (const operation of action.incrementalPreOperations) await session.query(operation);
    await session.query(`create temp table aquifer_increment as\n${action.incrementalQuery}\nwith no data`);
    await session.query(planned(action.incrementalQuery));
    const produced = (await readColumns(session, [increment])).get(quoteRelation(increment)) ?? [];
    const { findings, retyped, changes, writes } = judgeIncrement(action, existing, produced, increment);
    for (const finding of findings) context.fail(action, finding);
    if (findings.length === 0 && !(await losesValues(session, context, action, retyped))) {
      for (const statement of [...changes, ...writes]) await session.query(statement);
      for (const operation of action.incrementalPostOperations) await session.query(operation);
    }
    await session.query("rollback");
  } catch (error) {
    await session.query("rollback");
    if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    context.refuse(action, error);
  }
}

async function losesValues(
  session: Queryable,
  context: CheckContext,
  action: IncrementalAction,
  retyped: ReturnType<typeof judgeIncrement>["retyped"],
): Promise<boolean> {
  if (retyped.length === 0) return false;
  const { rows } = await session.query<{ name: string }>(lossyTypes(retyped));
  const lossy = retyped.filter(({ name }) => rows.some((row) => row.name === name));
  if (lossy.length === 0) return false;
  context.fail(action, {
    severity: "error",
    code: "increment-types",
    message: `the incremental query returns other types than the first build: ${lossy.map(({ name, from, to }) => `${name} is ${from}, the query gives ${to}`).join("; ")}`,
    hint: "Values would be rounded or cut: every incremental run would fail. Cast the column.",
  });
  return true;
}

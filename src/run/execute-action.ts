import { AquiferError, asError } from "../base/errors.js";
import type { Action } from "../project/action.js";
import { actionRecordStatement, assertionRecordsStatement } from "../history/run-store.js";
import { userStatement } from "../statements/statement.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable, Session } from "../warehouse/warehouse.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { ActionSession, milliseconds } from "./action-session.js";
import { assertionError } from "./assertion-error.js";
import { buildIncremental, isUpdatable } from "./build-incremental.js";
import { buildTable } from "./build-table.js";
import { buildView } from "./build-view.js";
import type { RunNode } from "./execution-graph.js";
import { actionRecord, assertionRecord } from "./outcome-record.js";
import type { ActionOutcome } from "./outcome.js";
import { runAssertion } from "./run-assertion.js";
import { refuseTransactionControl } from "./refuse-transaction-control.js";
import type { RunContext } from "./run-context.js";
import { lockCheck } from "./run-lock.js";
import { runOperations } from "./run-operations.js";

/**
 * Runs one action on a connection: everything it does, and the record of it, in one transaction.
 *
 * @throws WarehouseError that may be tried again: connection lost, deadlock, serialization failure
 */
export async function executeAction(
  connection: Session,
  node: RunNode,
  run: RunContext,
  attempts: number,
): Promise<ActionOutcome> {
  const { action } = node;
  if (action.kind === "declaration") throw new Error("declarations are not run");
  const startedAt = run.now();
  const session = new ActionSession(connection, action, run.runId, run.locate, run.signal);
  const base = { key: action.key, kind: action.kind, startedAt };
  try {
    if (action.kind === "operations" && !run.inTransaction(action)) {
      const compiled = await run.compile(action, (statement) => session.query(statement));
      const queries = compiled.kind === "operations" ? compiled.queries : [];
      for (const query of queries) await session.send(userStatement(query));
      const outcome = {
        ...base,
        status: "successful",
        path: "operations",
        attempts,
        finishedAt: run.now(),
      } as const;
      await connection.query(actionRecordStatement(run.historySchema, actionRecord(run, outcome)));
      return outcome;
    }
    const sessionSchema = isBuiltAside(node, run) ? await run.schemas?.of(connection) : undefined;
    await begin(session, run, action);
    // Its statements may have faults of syntax, and may be sent without being waited for.
    if (action.jitCode !== undefined) await session.flush();
    const compiled = await run.compile(action, (statement) => session.query(statement));
    refuseTransactionControl(compiled, run.locate);
    const report = await build(
      { ...node, action: compiled },
      {
        ...run,
        session,
        sessionSchema,
        audits: node.audits,
      },
    );
    const outcome: ActionOutcome = {
      ...base,
      status: "successful",
      path: report.path,
      attempts: attempts + report.attempts - 1,
      finishedAt: run.now(),
      ...(report.reason === undefined ? {} : { reason: report.reason }),
      ...(report.rowCount === undefined ? {} : { rowCount: report.rowCount }),
      ...(action.kind === "assertion" && report.assertions[0] ? { assertion: report.assertions[0] } : {}),
    };
    return await commit(session.plain, run, outcome, report, action);
  } catch (thrown) {
    return rollBack(connection, run, base, action, thrown, attempts);
  }
}

/** True for an action that will, as far as can be told now, build a new version beside the old one. */
function isBuiltAside({ action, audits }: RunNode, run: RunContext): boolean {
  if (!run.existing.has(action.key)) return false;
  if (action.kind === "view") return action.materialized || audits.length > 0;
  return action.kind === "table" || (action.kind === "incremental" && !isUpdatable(run, action));
}

async function begin(session: ActionSession, run: RunContext, action: Action): Promise<void> {
  const timeout = run.statementTimeout(action);
  session.defer("begin");
  if (timeout !== undefined)
    await session.query(`set local statement_timeout = '${timeout.replaceAll("'", "''")}'`);
}

async function build(node: RunNode, context: ActionContext & RunContext): Promise<BuildReport> {
  const { action } = node;
  switch (action.kind) {
    case "table":
      return buildTable(context, action);
    case "view":
      return buildView(context, action);
    case "incremental":
      return buildIncremental(context, action);
    case "operations":
      return runOperations(context, action);
    case "assertion":
      return runAssertion(context, action);
    case "declaration":
      throw new Error("declarations are not run");
  }
}

async function commit(
  connection: Queryable,
  run: RunContext,
  outcome: ActionOutcome,
  report: BuildReport,
  action: Action,
): Promise<ActionOutcome> {
  const failed = action.kind === "assertion" && outcome.assertion?.status === "failed";
  const final: ActionOutcome = failed
    ? { ...outcome, status: "failed", error: assertionError(action, outcome.assertion) }
    : outcome;
  // An assertion that was audited has left its record with the relation it reads.
  const unrecorded = report.assertions.filter(
    (each) => action.kind !== "assertion" || !run.audited.has(each.assertion),
  );
  const records = assertionRecordsStatement(
    run.historySchema,
    unrecorded.map((each) => assertionRecord(run, each)),
  );
  await connection.query(
    [
      lockCheck(run.lock),
      actionRecordStatement(run.historySchema, actionRecord(run, final)),
      ...(records === undefined ? [] : [records]),
      "commit",
    ].join(";\n"),
  );
  for (const each of report.assertions) run.audited.set(each.assertion, each);
  const readerWaitMs = report.lockedAt === undefined ? undefined : milliseconds() - report.lockedAt;
  return { ...final, ...(readerWaitMs === undefined ? {} : { readerWaitMs }) };
}

async function rollBack(
  connection: Queryable,
  run: RunContext,
  base: Pick<ActionOutcome, "key" | "kind" | "startedAt">,
  action: Action,
  thrown: unknown,
  attempts: number,
): Promise<ActionOutcome> {
  if (thrown instanceof WarehouseError && thrown.isConnectionLoss) throw thrown;
  await connection.query("rollback");
  if (thrown instanceof WarehouseError && thrown.server.constraint === "action_run_success_key") {
    // The attempt before this one had committed when its connection broke: its work is done, and this one's is undone.
    return { ...base, status: "successful", attempts: attempts - 1, finishedAt: run.now() };
  }
  if (thrown instanceof WarehouseError && thrown.isRetryable) throw thrown;
  const finishedAt = run.now();
  if (thrown instanceof AuditFailure) {
    const outcomes = thrown.outcomes.map((each) => ({ ...each, published: false }));
    for (const each of outcomes) run.audited.set(each.assertion, each);
    const failing = outcomes.filter((each) => each.status === "failed").map((each) => each.assertion);
    const error = new AquiferError(
      `not published: ${failing.join(", ")} failed on the new version; the last good version still serves`,
      { code: "audit-failed", location: { file: action.file } },
    );
    const outcome: ActionOutcome = { ...base, status: "failed", attempts, finishedAt, error };
    const records = assertionRecordsStatement(
      run.historySchema,
      outcomes.map((each) => assertionRecord(run, each)),
    );
    await connection.query(
      [
        "begin",
        actionRecordStatement(run.historySchema, actionRecord(run, outcome)),
        ...(records ? [records] : []),
        "commit",
      ].join(";\n"),
    );
    return outcome;
  }
  const failure = asError(thrown);
  if (!(failure instanceof AquiferError)) throw failure;
  const status = run.signal.aborted ? "cancelled" : "failed";
  const outcome: ActionOutcome = { ...base, status, attempts, finishedAt, error: failure };
  await connection.query(actionRecordStatement(run.historySchema, actionRecord(run, outcome)));
  return outcome;
}

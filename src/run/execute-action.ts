import { AquiferError, asError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { formatLocation } from "../base/source-location.js";
import type { Action, AssertionAction, OperationsAction } from "../project/action.js";
import {
  actionRecordStatement,
  assertionRecordsStatement,
  type ActionRecord,
  type AssertionRecord,
} from "../history/run-store.js";
import { defaultPostgresSettings } from "../project/postgres-settings.js";
import { userStatement } from "../statements/statement.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable, QueryResult, Row, Session } from "../warehouse/warehouse.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import type { Locate } from "./action-error.js";
import { ActionSession, milliseconds } from "./action-session.js";
import { audit, checkPublished } from "./audit.js";
import { buildIncremental } from "./build-incremental.js";
import { buildTable } from "./build-table.js";
import { buildView } from "./build-view.js";
import type { RunNode } from "./execution-graph.js";
import type { ActionOutcome, AssertionOutcome } from "./outcome.js";
import { lockCheck, type RunLock } from "./run-lock.js";

type RunnableAction = Exclude<Action, { kind: "declaration" }>;

/** What every action of a run shares. */
export interface RunContext extends Omit<ActionContext, "session" | "audits"> {
  readonly runId: string;
  readonly historySchema: string;
  readonly lock: RunLock;
  readonly locate: Locate | undefined;
  readonly now: () => Date;
  readonly statementTimeout: (action: Action) => string | undefined;
  /** False for operations that PostgreSQL refuses inside a transaction. */
  readonly inTransaction: (action: OperationsAction) => boolean;
  readonly fingerprint: (key: string) => string | undefined;
  /** The action with the SQL that its just-in-time code makes, which may ask the database. */
  readonly compile: (
    action: RunnableAction,
    query: (statement: string) => Promise<QueryResult<Row>>,
  ) => Promise<RunnableAction>;
  /** Results of assertions that were checked with the relation they read. */
  readonly audited: Map<string, AssertionOutcome>;
}

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
      await connection.query(actionRecordStatement(run.historySchema, record(run, outcome)));
      return outcome;
    }
    await begin(session, run, action);
    const compiled = await run.compile(action, (statement) => session.query(statement));
    const report = await build({ ...node, action: compiled }, { ...run, session, audits: node.audits });
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
    return await commit(connection, run, outcome, report, action);
  } catch (thrown) {
    return rollBack(connection, run, base, action, thrown, attempts);
  }
}

async function begin(session: ActionSession, run: RunContext, action: Action): Promise<void> {
  const timeout = run.statementTimeout(action);
  await session.batch([
    "begin",
    ...(timeout === undefined ? [] : [`set local statement_timeout = '${timeout.replaceAll("'", "''")}'`]),
  ]);
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

async function runOperations(context: ActionContext, action: OperationsAction): Promise<BuildReport> {
  let rowCount = 0;
  for (const query of action.queries) rowCount = (await context.session.send(userStatement(query))).rowCount;
  const assertions =
    context.audits.length === 0
      ? []
      : await audit(
          context.session,
          { at: action.target, name: action.target, provenKeys: [] },
          context.audits,
        );
  if (assertions.some((each) => each.status === "failed")) throw new AuditFailure(action, assertions);
  return { path: "operations", rowCount, attempts: 1, assertions };
}

/** Makes the assertion's view, then checks it, unless it was checked with the relation it reads. */
async function runAssertion(
  context: ActionContext & RunContext,
  action: AssertionAction,
): Promise<BuildReport> {
  const known = context.audited.get(action.key);
  const view = {
    ...action,
    kind: "view",
    materialized: false,
    preOperations: [],
    postOperations: [],
  } as const;
  const report = await buildView({ ...context, audits: [] }, { ...view, postgres: defaultPostgresSettings });
  const relation = action.parent === undefined ? undefined : parentRelation(action);
  if (known !== undefined) return { path: "assertion", attempts: report.attempts, assertions: [known] };
  const assertions =
    action.check !== undefined && relation !== undefined
      ? await audit(context.session, { at: relation, name: relation, provenKeys: [] }, [action])
      : [await checkPublished(context.session, action, relation)];
  return { path: "assertion", attempts: report.attempts, assertions };
}

function parentRelation(action: AssertionAction): { schema: string; name: string } | undefined {
  const parent = action.check?.parent;
  return parent === undefined ? undefined : { schema: parent.schema ?? "", name: parent.name ?? "" };
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
      actionRecordStatement(run.historySchema, record(run, final)),
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
        actionRecordStatement(run.historySchema, record(run, outcome)),
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
  await connection.query(actionRecordStatement(run.historySchema, record(run, outcome)));
  return outcome;
}

/** The words of a failed assertion that Dataform's scripts look for, with what failed. */
export function assertionError(action: Action, outcome: AssertionOutcome | undefined): AquiferError {
  const details = (outcome?.sample ?? []).flatMap(({ condition, failed, rows }) => [
    ...(condition === undefined ? [] : [`${condition}: ${formatPlural(failed, "row")}`]),
    ...rows.slice(0, 3).map((row) => `  ${JSON.stringify(row)}`),
  ]);
  return new AquiferError(
    `postgres error: Assertion failed: query returned ${outcome?.rowsFailed ?? 0} row(s).`,
    { code: "assertion-failed", location: { file: action.file }, details },
  );
}

/** The record of an outcome for history. */
export function record(run: Pick<RunContext, "runId" | "fingerprint">, outcome: ActionOutcome): ActionRecord {
  const fingerprint = outcome.status === "successful" ? run.fingerprint(outcome.key) : undefined;
  const { error } = outcome;
  return {
    runId: run.runId,
    action: outcome.key,
    kind: outcome.kind,
    status: outcome.status,
    attempts: outcome.attempts,
    finishedAt: outcome.finishedAt,
    ...(outcome.path === undefined ? {} : { path: outcome.path }),
    ...(outcome.startedAt === undefined ? {} : { startedAt: outcome.startedAt }),
    ...(outcome.rowCount === undefined ? {} : { rowCount: outcome.rowCount }),
    ...(outcome.readerWaitMs === undefined ? {} : { readerWaitMs: outcome.readerWaitMs }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(error === undefined
      ? {}
      : {
          error: {
            message: error.message,
            code: error.code,
            ...(error.location === undefined ? {} : { location: formatLocation(error.location) }),
          },
        }),
  };
}

function assertionRecord(run: Pick<RunContext, "runId">, outcome: AssertionOutcome): AssertionRecord {
  const { assertion, status, severity, rowsFailed, threshold, published, sample, durationMs } = outcome;
  return {
    runId: run.runId,
    assertion,
    status,
    severity,
    rowsFailed,
    threshold,
    published,
    durationMs,
    ...(sample.length === 0 ? {} : { sample }),
    ...(outcome.relation === undefined ? {} : { relation: outcome.relation }),
    ...(outcome.rowsChecked === undefined ? {} : { rowsChecked: outcome.rowsChecked }),
  };
}

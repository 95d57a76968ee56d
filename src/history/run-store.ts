import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** A run as it is written before its first action. */
export interface RunStart {
  readonly runId: string;
  readonly project: string;
  readonly command: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Keys of the actions that the run set out to run. */
  readonly planned: readonly string[];
  readonly version: string;
}

/** The end of one action. */
export interface ActionRecord {
  readonly runId: string;
  readonly action: string;
  readonly kind: string;
  readonly status: "successful" | "failed" | "skipped" | "cancelled" | "disabled";
  readonly path?: string;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly rowCount?: number;
  readonly readerWaitMs?: number;
  readonly attempts: number;
  readonly fingerprint?: string;
  readonly error?: { readonly message: string; readonly code: string; readonly location?: string };
}

/** The result of one assertion. */
export interface AssertionRecord {
  readonly runId: string;
  readonly assertion: string;
  readonly relation?: string;
  readonly status: "passed" | "warned" | "failed" | "error";
  readonly severity: string;
  readonly rowsChecked?: number;
  readonly rowsFailed?: number;
  readonly threshold?: string;
  readonly published?: boolean;
  readonly sample?: unknown;
  readonly durationMs?: number;
}

/** Records that a run begins. */
export async function startRun(queryable: Queryable, schema: string, run: RunStart): Promise<void> {
  const quoted = quoteIdentifier(schema);
  await queryable.query(
    `with new_run as (
  insert into ${quoted}.run (run_id, project, command, options, planned, aquifer_version)
  values ($1, $2, $3, $4, $5, $6) returning run_id
) insert into ${quoted}.run_status (run_id, status) select run_id, 'running' from new_run`,
    [run.runId, run.project, run.command, JSON.stringify(run.options), run.planned, run.version],
  );
}

/** Records a change of a run's state. */
export async function appendRunStatus(
  queryable: Queryable,
  schema: string,
  runId: string,
  status: "successful" | "failed" | "cancelled" | "timed_out" | "crashed",
  message?: string,
): Promise<void> {
  await queryable.query(
    `insert into ${quoteIdentifier(schema)}.run_status (run_id, status, message) values ($1, $2, $3)`,
    [runId, status, message ?? null],
  );
}

/**
 * Statement that records the end of an action, to be sent in the transaction that built what it tells of. Values stand in
 * the text, so that it can share a round trip with `commit`.
 */
export function actionRecordStatement(schema: string, record: ActionRecord): string {
  const values = [
    `${literal(record.runId)}::uuid`,
    literal(record.action),
    literal(record.kind),
    literal(record.status),
    literal(record.path),
    literal(record.startedAt?.toISOString()),
    literal(record.finishedAt?.toISOString()) === "null"
      ? "clock_timestamp()"
      : literal(record.finishedAt?.toISOString()),
    number(record.rowCount),
    number(record.readerWaitMs),
    number(record.attempts),
    literal(record.fingerprint),
    literal(record.error === undefined ? undefined : JSON.stringify(record.error)),
  ];
  return `insert into ${quoteIdentifier(schema)}.action_run
(run_id, action, kind, status, path, started_at, finished_at, row_count, reader_wait_ms, attempts, fingerprint, error)
values (${values.join(", ")})`;
}

/** Statement that records the results of assertions; undefined when there are none. */
export function assertionRecordsStatement(
  schema: string,
  records: readonly AssertionRecord[],
): string | undefined {
  if (records.length === 0) return undefined;
  const rows = records.map((record) => {
    const values = [
      `${literal(record.runId)}::uuid`,
      literal(record.assertion),
      literal(record.relation),
      literal(record.status),
      literal(record.severity),
      number(record.rowsChecked),
      number(record.rowsFailed),
      literal(record.threshold),
      record.published === undefined ? "null" : String(record.published),
      record.sample === undefined ? "null" : `${literal(JSON.stringify(record.sample))}::jsonb`,
      number(record.durationMs),
    ];
    return `(${values.join(", ")})`;
  });
  return `insert into ${quoteIdentifier(schema)}.assertion_result
(run_id, assertion, relation, status, severity, rows_checked, rows_failed, threshold, published, sample, duration_ms)
values ${rows.join(",\n")}`;
}

/** The two keys of the advisory lock that a run holds while it is alive; `runId` is SQL of type text. */
export function runLockKey(runId: string): string {
  return `hashtext('aquifer run id'), hashtext(${runId})`;
}

/** Runs that a dead command left in the state `running`, and whose lock nobody holds, are recorded as crashed. */
export async function recordCrashedRuns(
  queryable: Queryable,
  schema: string,
  project: string,
): Promise<string[]> {
  const quoted = quoteIdentifier(schema);
  const answer = await queryable.query<{ run_id: string }>(
    `insert into ${quoted}.run_status (run_id, status, message)
select run_id, 'crashed', 'found by a later run' from ${quoted}.run
where project = $1 and not exists (
  select from ${quoted}.run_status where run_status.run_id = run.run_id and run_status.status <> 'running')
and case when project = $1 then pg_try_advisory_xact_lock(${runLockKey("run.run_id::text")}) end
returning run_id::text`,
    [project],
  );
  return answer.rows.map((row) => row.run_id);
}

/** True when a run has recorded the success of an action. */
export async function hasSucceeded(
  queryable: Queryable,
  schema: string,
  runId: string,
  action: string,
): Promise<boolean> {
  const answer = await queryable.query(
    `select from ${quoteIdentifier(schema)}.action_run where run_id = $1 and action = $2 and status = 'successful'`,
    [runId, action],
  );
  return answer.rowCount > 0;
}

/** Seconds that each action took when it last succeeded, by key. */
export async function pastDurations(
  queryable: Queryable,
  schema: string,
): Promise<ReadonlyMap<string, number>> {
  const answer = await queryable.query<{ action: string; seconds: number }>(
    `select distinct on (action) action, extract(epoch from finished_at - started_at)::float8 as seconds
from ${quoteIdentifier(schema)}.action_run where status = 'successful' and started_at is not null
order by action, action_run_id desc`,
  );
  return new Map(answer.rows.map((row) => [row.action, row.seconds]));
}

function literal(text: string | undefined): string {
  // A NUL cannot stand in PostgreSQL's text; a message that holds one is still worth keeping.
  return text === undefined ? "null" : quoteLiteral(text.replaceAll("\0", "\uFFFD"));
}

function number(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "null" : String(value);
}

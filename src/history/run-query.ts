import { derivedIdentifier, quoteIdentifier, type RelationName } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** A run as `dataform history` shows it. */
export interface RunSummary {
  readonly runId: string;
  readonly project: string;
  readonly command: string;
  readonly status: string;
  readonly startedAt: string;
  readonly seconds: number | null;
  readonly planned: number;
  readonly successful: number;
  readonly failed: number;
  readonly skipped: number;
  readonly fullRefresh: boolean;
}

/** One action of a run; `unfinished` when the run ended without a word of it. */
export interface ActionHistory {
  readonly action: string;
  readonly kind: string | null;
  readonly status: string;
  readonly path: string | null;
  readonly seconds: number | null;
  readonly rows: number | null;
  readonly readerWaitMs: number | null;
  readonly attempts: number | null;
  readonly error: { readonly message: string; readonly location?: string } | null;
}

/** The newest runs first. */
export async function listRuns(queryable: Queryable, schema: string, limit: number): Promise<RunSummary[]> {
  const answer = await queryable.query<RunSummary>(
    `select run_id::text as "runId", project, command, status, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS') as "startedAt",
  seconds::float8, actions_planned as planned, successful::int, failed::int, skipped::int,
  coalesce((select (options->>'fullRefresh')::boolean from ${quoteIdentifier(schema)}.run where run.run_id = run_summary.run_id), false) as "fullRefresh"
from ${quoteIdentifier(schema)}.run_summary order by started_at desc limit $1`,
    [limit],
  );
  return [...answer.rows];
}

/** The run whose id begins with `prefix`, or the newest one of a project. */
export async function findRun(
  queryable: Queryable,
  schema: string,
  wanted: { readonly prefix?: string; readonly project?: string },
): Promise<RunSummary | undefined> {
  const answer = await queryable.query<RunSummary>(
    `select run_id::text as "runId", project, command, status, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS') as "startedAt",
  seconds::float8, actions_planned as planned, successful::int, failed::int, skipped::int,
  coalesce((select (options->>'fullRefresh')::boolean from ${quoteIdentifier(schema)}.run where run.run_id = run_summary.run_id), false) as "fullRefresh"
from ${quoteIdentifier(schema)}.run_summary
where ($1::text is null or starts_with(run_id::text, $1)) and ($2::text is null or project = $2)
order by started_at desc limit 1`,
    [wanted.prefix ?? null, wanted.project ?? null],
  );
  return answer.rows[0];
}

/** The status of the project's run before a given one. */
export async function statusBefore(
  queryable: Queryable,
  schema: string,
  project: string,
  runId: string,
): Promise<string | undefined> {
  const answer = await queryable.query<{ status: string }>(
    `select status from ${quoteIdentifier(schema)}.run_summary
where project = $1 and started_at < (select started_at from ${quoteIdentifier(schema)}.run where run_id = $2)
order by started_at desc limit 1`,
    [project, runId],
  );
  return answer.rows[0]?.status;
}

/** Every action that a run planned, in the order in which they ended. */
export async function actionsOfRun(
  queryable: Queryable,
  schema: string,
  runId: string,
): Promise<ActionHistory[]> {
  const quoted = quoteIdentifier(schema);
  const answer = await queryable.query<ActionHistory>(
    `select planned.action, action_run.kind, coalesce(action_run.status, 'unfinished') as status, action_run.path,
  extract(epoch from action_run.finished_at - action_run.started_at)::float8 as seconds, action_run.row_count::float8 as rows,
  action_run.reader_wait_ms as "readerWaitMs", action_run.attempts, action_run.error
from ${quoted}.run cross join lateral unnest(planned) as planned (action)
left join lateral (
  select * from ${quoted}.action_run where action_run.run_id = run.run_id and action_run.action = planned.action
  order by action_run_id desc limit 1
) as action_run on true
where run.run_id = $1
order by action_run.action_run_id nulls last, planned.action`,
    [runId],
  );
  return [...answer.rows];
}

/** The fingerprint with which each action last succeeded. */
export async function lastFingerprints(
  queryable: Queryable,
  schema: string,
): Promise<ReadonlyMap<string, string>> {
  const answer = await queryable.query<{ action: string; fingerprint: string }>(
    `select distinct on (action) action, fingerprint from ${quoteIdentifier(schema)}.action_run
where status = 'successful' and fingerprint is not null order by action, action_run_id desc`,
  );
  return new Map(answer.rows.map((row) => [row.action, row.fingerprint]));
}

/** Relations that the runs of a project, and of no other, have built. */
export async function builtRelations(
  queryable: Queryable,
  schema: string,
  project: string,
): Promise<RelationName[]> {
  const quoted = quoteIdentifier(schema);
  const answer = await queryable.query<{ action: string }>(
    `select action from ${quoted}.action_run join ${quoted}.run using (run_id)
where action_run.status = 'successful' and kind in ('table', 'view', 'incremental', 'assertion')
group by action having bool_and(project = $1)
order by action`,
    [project],
  );
  return answer.rows.map(({ action }) => {
    const dot = action.indexOf(".");
    return { schema: action.slice(0, dot), name: derivedIdentifier(action.slice(dot + 1), "") };
  });
}

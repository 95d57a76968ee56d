import type { Migration } from "../migrate.js";

export const run: Migration = {
  version: 1,
  name: "run",
  statements: (schema) => `
create table ${schema}.run (
  run_id uuid primary key,
  project text not null,
  command text not null,
  options jsonb not null default '{}',
  planned text[] not null,
  aquifer_version text not null,
  started_at timestamptz not null default clock_timestamp()
);
comment on table ${schema}.run is 'One row a run, written before its first action; planned holds the actions it set out to run.';

create table ${schema}.run_status (
  run_id uuid not null references ${schema}.run,
  status text not null check (status in ('running', 'successful', 'failed', 'cancelled', 'timed_out', 'crashed')),
  message text,
  at timestamptz not null default clock_timestamp()
);
create index on ${schema}.run_status (run_id, at);
comment on table ${schema}.run_status is 'Every change of a run''s state appends a row; the newest one holds.';

create table ${schema}.action_run (
  action_run_id bigint generated always as identity primary key,
  run_id uuid not null references ${schema}.run,
  action text not null,
  kind text not null,
  status text not null check (status in ('successful', 'failed', 'skipped', 'cancelled', 'disabled')),
  path text,
  started_at timestamptz,
  finished_at timestamptz not null default clock_timestamp(),
  row_count bigint,
  reader_wait_ms double precision,
  attempts integer not null default 1,
  fingerprint text,
  error jsonb
);
create index on ${schema}.action_run (action, action_run_id desc);
create index on ${schema}.action_run (run_id);
create unique index action_run_success_key on ${schema}.action_run (run_id, action) where status = 'successful';
comment on table ${schema}.action_run is
  'The end of each action; a successful one is written in the same transaction as what it built, so both are true or neither.';
comment on column ${schema}.action_run.path is 'How it was materialised: create, swap, replace, delta, merge, append, overwrite ...';
comment on column ${schema}.action_run.reader_wait_ms is 'How long the strongest locks were held, so how long a reader can have waited.';

create table ${schema}.assertion_result (
  run_id uuid not null references ${schema}.run,
  assertion text not null,
  relation text,
  status text not null check (status in ('passed', 'warned', 'failed', 'error')),
  severity text not null,
  rows_checked bigint,
  rows_failed bigint,
  threshold text,
  published boolean,
  sample jsonb,
  duration_ms double precision,
  at timestamptz not null default clock_timestamp()
);
create index on ${schema}.assertion_result (run_id);
create index on ${schema}.assertion_result (assertion, at desc);
comment on table ${schema}.assertion_result is 'One row an assertion and run, passing ones too.';
comment on column ${schema}.assertion_result.published is 'False when the failure kept the new version of the relation from being published.';

create view ${schema}.run_summary as
select
  run.run_id, run.project, run.command, run.started_at,
  status.status, status.message,
  case when status.status <> 'running' then status.at end as finished_at,
  case when status.status <> 'running' then extract(epoch from status.at - run.started_at) end as seconds,
  cardinality(run.planned) as actions_planned,
  counts.successful, counts.failed, counts.skipped, counts.row_count
from ${schema}.run
cross join lateral (
  select status, message, at from ${schema}.run_status
  where run_status.run_id = run.run_id order by at desc limit 1
) as status
cross join lateral (
  select
    count(*) filter (where action_run.status = 'successful') as successful,
    count(*) filter (where action_run.status = 'failed') as failed,
    count(*) filter (where action_run.status in ('skipped', 'cancelled')) as skipped,
    sum(action_run.row_count) as row_count
  from ${schema}.action_run where action_run.run_id = run.run_id
) as counts;
`,
};

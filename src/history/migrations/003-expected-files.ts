import type { Migration } from "../migrate.js";

export const expectedFiles: Migration = {
  version: 3,
  name: "expected files",
  statements: (schema) => `
alter table ${schema}.ingest_file add column name_parts jsonb not null default '{}';
comment on column ${schema}.ingest_file.name_parts is 'What the file''s name tells, by the named groups of its source.';

alter table ${schema}.ingest_batch add column loaded_by text not null default session_user;
comment on column ${schema}.ingest_batch.loaded_by is 'The user of the database who loaded it.';

create table ${schema}.ingest_source (
  source text primary key,
  system text not null,
  bronze_table text not null,
  expected text check (expected in ('day', 'month', 'year'))
);
comment on table ${schema}.ingest_source is 'The sources of the project as the last load knew them.';
comment on column ${schema}.ingest_source.expected is 'How often a file is expected; null where nobody waits for one.';

create view ${schema}.ingest_missing as
with seen as (
  select source.system, source.expected as grain, min(file.period) as first, max(file.period) as last
  from ${schema}.ingest_source as source
  join ${schema}.ingest_file as file on file.source = source.source
  where file.status = 'loaded' and file.superseded_by is null
  group by source.system, source.expected
)
select source.system, source.source, source.bronze_table, period.start::date as period
from seen
join ${schema}.ingest_source as source on source.system = seen.system and source.expected = seen.grain
cross join lateral generate_series(
  seen.first::timestamp, seen.last::timestamp, ('1 ' || seen.grain)::interval) as period (start)
where not exists (
  select from ${schema}.ingest_file as file
  where file.source = source.source and file.period = period.start::date
    and file.status = 'loaded' and file.superseded_by is null);
comment on view ${schema}.ingest_missing is
  'Expected files that are absent: periods between the first and the last of a system for which a source has none.';

create view ${schema}.ingest_rejected as
select
  file.source, file.bronze_table, file.file_name, file.period, batch.name as batch, file.name_parts,
  reject.row_number, reject.line, reject.column_name, reject.error, reject.raw,
  file.superseded_by is null as is_current, batch.ended_at as loaded_at
from ${schema}.ingest_reject as reject
join ${schema}.ingest_file as file on file.content_file_id = reject.file_id
join ${schema}.ingest_batch as batch using (batch_id)
where file.status = 'loaded';
comment on view ${schema}.ingest_rejected is
  'The records that were not loaded, and why, with the file they stand in; current where that file is.';
`,
};

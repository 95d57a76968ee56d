import type { Migration } from "../migrate.js";

export const ingest: Migration = {
  version: 2,
  name: "ingest",
  statements: (schema) => `
create table ${schema}.ingest_batch (
  batch_id bigint generated always as identity primary key,
  name text not null unique,
  status text not null default 'started' check (status in ('started', 'loaded', 'failed')),
  error text,
  aquifer_version text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
comment on table ${schema}.ingest_batch is
  'One row a load; all its files become visible in the transaction that sets it to loaded. One that was killed is found started, set to failed and swept by the next load.';

create table ${schema}.ingest_file (
  file_id bigint generated always as identity primary key,
  batch_id bigint not null references ${schema}.ingest_batch,
  source text not null,
  bronze_table text not null,
  file_name text not null,
  slot text not null,
  period date,
  period_rule text,
  content_hash text not null,
  content_file_id bigint not null,
  bytes bigint not null,
  modified_at timestamptz not null,
  encoding text not null,
  encoding_evidence text,
  dialect jsonb not null,
  classification text not null,
  header jsonb not null,
  columns_added text[] not null,
  columns_missing text[] not null,
  rows_read bigint not null,
  rows_loaded bigint not null,
  rows_rejected bigint not null,
  rows_repaired bigint not null,
  nul_bytes bigint not null,
  seconds double precision,
  method text not null,
  status text not null default 'started' check (status in ('started', 'loaded', 'failed')),
  superseded_by bigint references ${schema}.ingest_file
);
create index on ${schema}.ingest_file (batch_id);
create index on ${schema}.ingest_file (source, slot) where status = 'loaded' and superseded_by is null;
create index on ${schema}.ingest_file (source, content_hash) where status = 'loaded';
comment on table ${schema}.ingest_file is 'One row a version of a file. Current: loaded and not superseded.';
comment on column ${schema}.ingest_file.slot is 'What a later file replaces this one by: its name, its period, or the source as a whole.';
comment on column ${schema}.ingest_file.content_file_id is 'The file whose stored rows these are: another one where the same content was stored before.';

create table ${schema}.ingest_reject (
  file_id bigint not null references ${schema}.ingest_file,
  row_number bigint not null,
  line bigint not null,
  column_name text,
  error text not null,
  raw text not null
);
create index on ${schema}.ingest_reject (file_id, row_number);
comment on table ${schema}.ingest_reject is 'The records that were not loaded, and why.';

create view ${schema}.ingest_history as
select
  batch.name as batch, file.source, file.file_name, file.period, file.rows_read, file.rows_loaded, file.rows_rejected,
  file.rows_repaired, file.bytes, file.seconds, file.rows_read / nullif(file.seconds, 0) as rows_per_second, file.method,
  file.status, file.status = 'loaded' and file.superseded_by is null as is_current,
  batch.started_at, batch.ended_at, batch.error
from ${schema}.ingest_file as file
join ${schema}.ingest_batch as batch using (batch_id);
`,
};

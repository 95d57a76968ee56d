import type { Migration } from "../migrate.js";

export const ledgerIdentity: Migration = {
  version: 5,
  name: "ledger identity",
  statements: (schema) => `
create table ${schema}.ingest_ledger (ledger_id uuid not null default gen_random_uuid());
comment on table ${schema}.ingest_ledger is
  'Who this ledger is: bronze_store keeps the same value, so that rows are never read by the ledger of other ones.';
insert into ${schema}.ingest_ledger default values;
`,
};

import type { Migration } from "../migrate.js";

export const declarations: Migration = {
  version: 4,
  name: "declarations",
  statements: (schema) => `
alter table ${schema}.ingest_file add column declaration text;
comment on column ${schema}.ingest_file.declaration is
  'Hash of what the sources of its system were when the file was read: the same content under the same name and declarations need not be read again.';
`,
};

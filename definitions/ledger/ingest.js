/** The ledger of ingest, as models read it: what was loaded, what was rejected, what is absent. */
const relations = {
  ingest_batch: {
    description: "One row a load; all its files become visible at once.",
    columns: {
      batch_id: "Key.",
      name: "batch_<DDMMYY>_<n>.",
      status: "started, loaded or failed.",
      error: "Why it failed.",
      aquifer_version: "What loaded it.",
      started_at: "When it began.",
      ended_at: "When it became visible, or failed.",
      loaded_by: "The user of the database who loaded it.",
    },
  },
  ingest_file: {
    description: "One row a version of a file. Current: loaded and not superseded.",
    columns: {
      file_id: "Key; _file_id of bronze.",
      batch_id: "Its batch.",
      source: "<system>/<type>.",
      bronze_table: "The table in bronze.",
      file_name: "Path below raw/.",
      period: "First day of its period.",
      period_rule: "How the period was found.",
      name_parts: "What the name tells, by group.",
      content_hash: "SHA-256.",
      classification: "Why it is of this source.",
      columns_added: "Columns that are not declared.",
      columns_missing: "Declared columns that it lacks.",
      rows_read: "Records after the header.",
      rows_loaded: "Those in bronze.",
      rows_rejected: "Those in ingest_reject.",
      status: "started, loaded or failed.",
      superseded_by: "The file that took its place.",
    },
  },
  ingest_rejected: {
    description: "The records that were not loaded, and why, with the file they stand in.",
    columns: {
      source: "<system>/<type>.",
      bronze_table: "The table in bronze.",
      file_name: "Path below raw/.",
      period: "First day of its period.",
      batch: "batch_<DDMMYY>_<n>.",
      name_parts: "What the name tells, by group.",
      row_number: "1 for the first record after the header.",
      line: "Of the file.",
      column_name: "The column that breaks a check.",
      error: "What was expected and found.",
      raw: "The record.",
      is_current: "The file is not superseded.",
      loaded_at: "When its batch became visible.",
    },
  },
  ingest_missing: {
    description: "Expected files that are absent, by source and period.",
    columns: {
      system: "The system.",
      source: "<system>/<type>.",
      bronze_table: "The table in bronze.",
      period: "First day of the period.",
    },
  },
};

for (const [name, { description, columns }] of Object.entries(relations)) {
  declare({ schema: "aquifer", name, description, columns, tags: ["ledger", "bronze"] });
}

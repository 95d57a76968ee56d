import { quoteRelation, type RelationName } from "../base/identifiers.js";
import type { AbandonedFile, DeclaredSource, FileRecord, Reject } from "./ingest-records.js";
import { LoadedFiles } from "./loaded-files.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** The ledger of ingest in the history schema. Every function is one or two statements. */
export class IngestLedger extends LoadedFiles {
  /**
   * Takes the lock of ingest for as long as the connection lives; false when another one has it.
   */
  async lock(session: Queryable): Promise<boolean> {
    const { rows } = await session.query<{ locked: boolean }>(
      "select pg_try_advisory_lock(hashtextextended('aquifer ingest ' || $1, 0)) as locked",
      [this.schema],
    );
    return rows[0]?.locked === true;
  }

  async unlock(session: Queryable): Promise<void> {
    await session.query("select pg_advisory_unlock(hashtextextended('aquifer ingest ' || $1, 0))", [
      this.schema,
    ]);
  }

  /** Lets `awaitStreams` wait for this transaction, which puts rows where they are not seen yet. */
  async enterStream(transaction: Queryable): Promise<void> {
    await transaction.query(
      "select pg_advisory_xact_lock_shared(hashtextextended('aquifer ingest stream ' || $1, 0))",
      [this.schema],
    );
  }

  /** Waits until no transaction is left that puts rows into bronze, also of a process that has ended. */
  async awaitStreams(transaction: Queryable): Promise<void> {
    await transaction.query(
      "select pg_advisory_xact_lock(hashtextextended('aquifer ingest stream ' || $1, 0))",
      [this.schema],
    );
  }

  /**
   * Makes the sources of these systems the ones that are declared, and no others. What was loaded under the name of a source
   * that is gone belongs to the one that has its table now: it was renamed. To be called in a transaction.
   */
  async declareSources(transaction: Queryable, sources: readonly DeclaredSource[]): Promise<void> {
    const columns = [
      sources.map(({ source }) => source),
      sources.map(({ system }) => system),
      sources.map(({ bronzeTable }) => bronzeTable),
      sources.map(({ expected }) => expected ?? null),
    ];
    await transaction.query(
      `update ${this.schema}.ingest_file as file set source = renamed.source
       from unnest($1::text[], $2::text[]) as renamed (source, bronze_table)
       where file.bronze_table = renamed.bronze_table and file.source <> all ($1)`,
      [columns[0], columns[2]],
    );
    await transaction.query(
      `delete from ${this.schema}.ingest_source where system = any ($2) and source <> all ($1)`,
      columns.slice(0, 2),
    );
    await transaction.query(
      `insert into ${this.schema}.ingest_source as old (source, system, bronze_table, expected)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
       on conflict (source) do update
       set system = excluded.system, bronze_table = excluded.bronze_table, expected = excluded.expected
       where (old.system, old.bronze_table, old.expected)
         is distinct from (excluded.system, excluded.bronze_table, excluded.expected)`,
      columns,
    );
  }

  /**
   * Opens a batch named `batch_<DDMMYY>_<n>`, n counting within the day.
   *
   * @param day the date in the name
   */
  async startBatch(session: Queryable, day: Date, version: string): Promise<{ id: string; name: string }> {
    const two = (number: number): string => String(number).padStart(2, "0");
    const prefix = `batch_${two(day.getDate())}${two(day.getMonth() + 1)}${two(day.getFullYear() % 100)}_`;
    const { rows } = await session.query<{ id: string; name: string }>(
      `insert into ${this.schema}.ingest_batch (name, aquifer_version)
       select $1 || 1 + coalesce(max(substr(name, length($1) + 1)::integer), 0), $2
       from ${this.schema}.ingest_batch where starts_with(name, $1)
       returning batch_id as id, name`,
      [prefix, version],
    );
    const [batch] = rows;
    if (!batch) throw new Error("insert returned no row");
    return batch;
  }

  /** Ids for files that are read but not started yet, in the order of the files. */
  async reserveFiles(session: Queryable, count: number): Promise<string[]> {
    const { rows } = await session.query<{ id: string }>(
      `select nextval(pg_get_serial_sequence('${this.schema}.ingest_file', 'file_id')) as id from generate_series(1, $1)`,
      [count],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * @param reserved one of `reserveFiles`, greater than those of all files that were started before
   */
  async startFile(session: Queryable, batchId: string, file: FileRecord, reserved?: string): Promise<string> {
    const values = {
      batch_id: batchId,
      source: file.source,
      bronze_table: file.bronzeTable,
      file_name: file.fileName,
      slot: file.slot,
      period: file.period ?? null,
      period_rule: file.periodRule ?? null,
      name_parts: JSON.stringify(file.nameParts),
      content_hash: file.contentHash,
      bytes: file.bytes,
      modified_at: file.modifiedAt.toISOString(),
      encoding: file.encoding,
      encoding_evidence: file.encodingEvidence ?? null,
      dialect: JSON.stringify(file.dialect),
      classification: file.classification,
      header: JSON.stringify(file.header),
      columns_added: file.columnsAdded,
      columns_missing: file.columnsMissing,
      rows_read: file.rowsRead,
      rows_loaded: file.rowsRead - file.rowsRejected,
      rows_rejected: file.rowsRejected,
      rows_repaired: file.rowsRepaired,
      nul_bytes: file.nulBytes,
      method: file.method,
      declaration: file.declaration ?? null,
    };
    const names = Object.keys(values);
    const { rows } = await session.query<{ id: string }>(
      `insert into ${this.schema}.ingest_file (file_id, content_file_id, ${names.join(", ")})
       overriding system value
       select id, coalesce($1, id), ${names.map((_, index) => `$${index + 3}`).join(", ")}
       from (select coalesce($2, nextval(pg_get_serial_sequence('${this.schema}.ingest_file', 'file_id')))) as next (id)
       returning file_id as id`,
      [file.storedAs ?? null, reserved ?? null, ...Object.values(values)],
    );
    const [row] = rows;
    if (!row) throw new Error("insert returned no row");
    return row.id;
  }

  async addRejects(session: Queryable, fileId: string, rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    await session.query(
      `insert into ${this.schema}.ingest_reject (file_id, row_number, line, column_name, error, raw)
       select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])`,
      [
        fileId,
        rejects.map(({ row }) => row),
        rejects.map(({ line }) => line),
        rejects.map(({ column }) => column ?? null),
        rejects.map(({ error }) => error),
        rejects.map(({ raw }) => raw),
      ],
    );
  }

  /** Removes the rows of a file that are rejects from where they were stored. */
  async takeOutRejected(session: Queryable, relation: RelationName, fileId: string): Promise<void> {
    await session.query(
      `delete from only ${quoteRelation(relation)} where _file_id = $1
       and _row in (select row_number from ${this.schema}.ingest_reject where file_id = $1)`,
      [fileId],
    );
  }

  /** Records how loading went; `rejected` rows broke a check of their values, beyond those that were counted before. */
  async endFile(
    session: Queryable,
    fileId: string,
    outcome: { readonly seconds: number; readonly rejected: number },
  ): Promise<void> {
    await session.query(
      `update ${this.schema}.ingest_file
       set seconds = $2, rows_loaded = rows_loaded - $3, rows_rejected = rows_rejected + $3 where file_id = $1`,
      [fileId, outcome.seconds, outcome.rejected],
    );
  }

  /** Makes the batch's files current, and those whose slots they take superseded. To be called in a transaction. */
  async publishBatch(transaction: Queryable, batchId: string): Promise<void> {
    await transaction.query(
      `update ${this.schema}.ingest_file set status = 'loaded' where batch_id = $1 and status = 'started'`,
      [batchId],
    );
    // Of two files of one batch that take the same slot, the later one wins.
    await transaction.query(
      `update ${this.schema}.ingest_file as old set superseded_by = newer.file_id
       from (
         select source, slot, max(file_id) as file_id from ${this.schema}.ingest_file where batch_id = $1 group by source, slot
       ) as newer
       where old.source = newer.source and old.slot = newer.slot and old.file_id < newer.file_id
         and old.status = 'loaded' and old.superseded_by is null`,
      [batchId],
    );
    await transaction.query(
      `update ${this.schema}.ingest_batch set status = 'loaded', ended_at = clock_timestamp() where batch_id = $1`,
      [batchId],
    );
  }

  /** What readers of bronze are planned by: how many of the stored rows are those of current files. */
  async analyze(transaction: Queryable): Promise<void> {
    await transaction.query(`analyze ${this.schema}.ingest_file, ${this.schema}.ingest_batch`);
  }

  /** Files of batches that were started and did not end; only under the lock are they dead. */
  async abandonedFiles(session: Queryable): Promise<AbandonedFile[]> {
    const { rows } = await session.query<AbandonedFile>(
      `select file_id as "fileId", bronze_table as "bronzeTable" from ${this.schema}.ingest_file where status = 'started'`,
    );
    return [...rows];
  }

  /** Marks batches that are still started as failed. Their rows must be gone by then. */
  async failBatches(session: Queryable, error: string): Promise<string[]> {
    await session.query(
      `with swept as (update ${this.schema}.ingest_file set status = 'failed' where status = 'started' returning file_id)
       delete from ${this.schema}.ingest_reject where file_id in (select file_id from swept)`,
    );
    const { rows } = await session.query<{ name: string }>(
      `update ${this.schema}.ingest_batch set status = 'failed', ended_at = clock_timestamp(), error = $1
       where status = 'started' returning name`,
      [error],
    );
    return rows.map(({ name }) => name);
  }
}

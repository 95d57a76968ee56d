import { quoteIdentifier } from "../base/identifiers.js";
import type {
  CurrentExtract,
  CurrentFile,
  LastVersion,
  MissingFile,
  ReadVersion,
  StoredContent,
  TopicPosition,
} from "./ingest-records.js";
import type { Queryable } from "../warehouse/warehouse.js";

type Counts = "bytes" | "rowsRead" | "rowsRejected" | "rowsRepaired";

/** What the ledger of ingest in the history schema knows of files. Every function is one statement. */
export class LoadedFiles {
  protected readonly schema: string;

  constructor(schema: string) {
    this.schema = quoteIdentifier(schema);
  }

  /** What names of this ledger's files have and those of no other ledger: it stays when the schema is renamed. */
  async tag(session: Queryable): Promise<string> {
    const { rows } = await session.query<{ tag: string }>(
      `select left(ledger_id::text, 8) as tag from ${this.schema}.ingest_ledger`,
    );
    const [row] = rows;
    if (!row) throw new Error("the ledger has no identity");
    return row.tag;
  }

  /** Whether there is a ledger yet. */
  async exists(session: Queryable): Promise<boolean> {
    const { rows } = await session.query<{ exists: boolean }>(
      "select to_regclass($1) is not null as exists",
      [`${this.schema}.ingest_file`],
    );
    return rows[0]?.exists === true;
  }

  async currentFiles(session: Queryable): Promise<CurrentFile[]> {
    const { rows } = await session.query<Omit<CurrentFile, "period"> & { period: string | null }>(
      `select file_id as "fileId", source, file_name as "fileName", slot, period::text, name_parts as "nameParts",
         content_hash as "contentHash"
       from ${this.schema}.ingest_file where status = 'loaded' and superseded_by is null`,
    );
    return rows.map((row) => ({ ...row, period: row.period ?? undefined }));
  }

  /** The current files of sources that read a database, the latest last. */
  async currentExtracts(session: Queryable, sources: readonly string[]): Promise<CurrentExtract[]> {
    const { rows } = await session.query<
      Omit<CurrentExtract, "period" | "bytes"> & { period: string | null; bytes: string }
    >(
      `select source, slot, file_name as "fileName", content_hash as "contentHash", period::text,
         rows_loaded as rows, bytes, dialect
       from ${this.schema}.ingest_file
       where status = 'loaded' and superseded_by is null and source = any ($1) and dialect ? 'connection'
       order by file_id`,
      [sources],
    );
    return rows.map((row) => ({ ...row, period: row.period ?? undefined, bytes: Number(row.bytes) }));
  }

  /**
   * Where these sources go on in each partition of their topics. Offsets stand with the batch that loaded their messages, so
   * both are there, or neither.
   */
  async topicPositions(session: Queryable, sources: readonly string[]): Promise<TopicPosition[]> {
    const { rows } = await session.query<
      Omit<TopicPosition, "next" | "last"> & { next: string; last: [number, string] | null }
    >(
      `select source, dialect ->> 'broker' as connection, dialect ->> 'topic' as topic, key::integer as partition,
         max((value ->> 1)::bigint) as next,
         (array_agg(dialect -> 'last' -> key order by file_id desc) filter (where dialect -> 'last' ? key))[1] as last
       from ${this.schema}.ingest_file, jsonb_each(dialect -> 'offsets')
       where status = 'loaded' and source = any ($1) and dialect ? 'offsets'
       group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
      [sources],
    );
    return rows.map(({ next, last, ...row }) => ({
      ...row,
      next: Number(next),
      last: last ? { offset: last[0], digest: last[1] } : undefined,
    }));
  }

  /** Loaded content with one of these hashes, superseded or not. */
  async storedContent(session: Queryable, hashes: readonly string[]): Promise<StoredContent[]> {
    const { rows } = await session.query<StoredContent>(
      `select distinct content_file_id as "fileId", source, content_hash as "contentHash"
       from ${this.schema}.ingest_file where status = 'loaded' and content_hash = any ($1)`,
      [hashes],
    );
    return [...rows];
  }

  /** For each of these names the last version that was loaded. */
  async lastVersions(session: Queryable, fileNames: readonly string[]): Promise<LastVersion[]> {
    const { rows } = await session.query<Record<keyof LastVersion, string | null> & { modified: number }>(
      `select distinct on (file.source, file.file_name) file.source, file.file_name as "fileName", file.period::text,
         file.content_hash as "contentHash", newer.file_name as "supersededBy",
         extract(epoch from file.modified_at)::float8 as modified
       from ${this.schema}.ingest_file as file
       left join ${this.schema}.ingest_file as newer on newer.file_id = file.superseded_by
       where file.status = 'loaded' and file.file_name = any ($1)
       order by file.source, file.file_name, file.file_id desc`,
      [fileNames],
    );
    return rows.map(({ source, fileName, period, contentHash, supersededBy, modified }) => ({
      source: source ?? "",
      fileName: fileName ?? "",
      period: period ?? undefined,
      contentHash: contentHash ?? "",
      modifiedAt: new Date(Math.round(modified * 1000)),
      supersededBy: supersededBy ?? undefined,
    }));
  }

  /** What was read of files under these declarations; of a content that was read more than once the latest. */
  async readVersions(session: Queryable, declarations: readonly string[]): Promise<ReadVersion[]> {
    const { rows } = await session.query<
      Omit<ReadVersion, "period" | "periodRule" | Counts> & {
        period: string | null;
        periodRule: string | null;
      } & Readonly<Record<Counts, string>>
    >(
      `select distinct on (file_name, declaration, content_hash) source, file_name as "fileName", slot, period::text,
         period_rule as "periodRule", name_parts as "nameParts", content_hash as "contentHash", declaration, bytes, encoding,
         classification, columns_added as "columnsAdded", columns_missing as "columnsMissing", rows_read as "rowsRead",
         rows_rejected as "rowsRejected", rows_repaired as "rowsRepaired", method
       from ${this.schema}.ingest_file where status = 'loaded' and declaration = any ($1)
       order by file_name, declaration, content_hash, file_id desc`,
      [declarations],
    );
    return rows.map((row) => ({
      ...row,
      period: row.period ?? undefined,
      periodRule: row.periodRule ?? undefined,
      bytes: Number(row.bytes),
      rowsRead: Number(row.rowsRead),
      rowsRejected: Number(row.rowsRejected),
      rowsRepaired: Number(row.rowsRepaired),
    }));
  }

  /** Expected files that are absent, of these sources. */
  async missingFiles(session: Queryable, sources: readonly string[]): Promise<MissingFile[]> {
    const { rows } = await session.query<MissingFile>(
      `select source, period::text from ${this.schema}.ingest_missing where source = any ($1) order by source, period`,
      [sources],
    );
    return [...rows];
  }

  /** Whether a file of a source that may have this content was loaded. */
  async hasSize(session: Queryable, source: string, bytes: number): Promise<boolean> {
    const { rowCount } = await session.query(
      `select 1 from ${this.schema}.ingest_file where status = 'loaded' and source = $1 and bytes = $2 limit 1`,
      [source, bytes],
    );
    return rowCount > 0;
  }
}

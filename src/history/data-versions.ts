import { quoteIdentifier } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/**
 * What each bronze table holds now, as a short text that changes exactly when its current files do: by
 * `schema.name`. Tables that hold nothing yet are absent. The relations of the ledger of ingest change with each batch.
 */
export async function readDataVersions(
  queryable: Queryable,
  schema: string,
): Promise<ReadonlyMap<string, string>> {
  const answer = await queryable.query<{ bronze_table: string; version: string }>(
    `select 'bronze.' || bronze_table as bronze_table, md5(string_agg(file_id || ':' || content_file_id, ',' order by file_id)) as version
from ${quoteIdentifier(schema)}.ingest_file where status = 'loaded' and superseded_by is null
group by 1`,
  );
  const batch = await queryable.query<{ relation: string; version: string }>(
    `select relname as relation, (select coalesce(max(batch_id), 0)::text from ${quoteIdentifier(schema)}.ingest_batch) as version
from pg_class where relnamespace = (select oid from pg_namespace where nspname = $1) and relkind in ('r', 'v') and starts_with(relname, 'ingest_')`,
    [schema],
  );
  return new Map([
    ...answer.rows.map((row) => [row.bronze_table, row.version] as const),
    ...batch.rows.map((row) => [`${schema}.${row.relation}`, row.version] as const),
  ]);
}

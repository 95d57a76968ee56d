import { quoteIdentifier } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** When each source was last loaded, by its name. Sources that never were are absent. */
export async function readLastLoads(
  queryable: Queryable,
  schema: string,
): Promise<ReadonlyMap<string, Date>> {
  const answer = await queryable.query<{ source: string; loaded: number }>(
    `select source, extract(epoch from max(coalesce(batch.ended_at, batch.started_at)))::float8 as loaded
from ${quoteIdentifier(schema)}.ingest_file as file join ${quoteIdentifier(schema)}.ingest_batch as batch using (batch_id)
where file.status = 'loaded' group by source`,
  );
  return new Map(answer.rows.map(({ source, loaded }) => [source, new Date(loaded * 1000)]));
}

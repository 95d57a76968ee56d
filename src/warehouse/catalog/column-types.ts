import { quoteLiteral, quoteRelation, type RelationName } from "../../base/identifiers.js";
import type { Queryable } from "../warehouse.js";

/** Columns and types of a relation, in order. */
export async function columnTypes(
  queryable: Queryable,
  relation: RelationName,
): Promise<Map<string, string>> {
  const answer = await queryable.query<{ name: string; type: string }>(
    `select attname as name, pg_catalog.format_type(atttypid, atttypmod) as type from pg_catalog.pg_attribute
where attrelid = ${quoteLiteral(quoteRelation(relation))}::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  return new Map(answer.rows.map((row) => [row.name, row.type]));
}

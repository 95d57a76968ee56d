/**
 * The columns of a relation as JSON, an SQL expression, see `StandingColumn`.
 *
 * @param relation an SQL expression of the relation's OID
 */
export function standingColumns(relation: string): string {
  return `(
    select coalesce(json_agg(json_build_object('name', attname, 'type', pg_catalog.format_type(atttypid, atttypmod),
      'notNull', attnotnull, 'typeId', atttypid::bigint, 'typeModifier', atttypmod) order by attnum), '[]')
    from pg_catalog.pg_attribute where attrelid = ${relation} and attnum > 0 and not attisdropped
  )`;
}

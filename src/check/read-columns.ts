import { quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** Columns of a relation in their order, types as PostgreSQL writes them. */
export type Columns = readonly ColumnFacts[];

export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  /** Where it is not the type's own. */
  readonly collation?: string;
}

/** The columns of relations that exist, by their quoted names. */
export async function readColumns(
  session: Queryable,
  relations: readonly RelationName[],
): Promise<ReadonlyMap<string, Columns>> {
  const { rows } = await session.query<{ relation: string; columns: Columns }>(
    `select relation, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', attname,
       'type', format_type(atttypid, atttypmod), 'notNull', attnotnull,
       'collation', case when attcollation <> typcollation then attcollation::regcollation::text end)) order by attnum) as columns
     from unnest($1::text[]) as relation
     join pg_catalog.pg_attribute on attrelid = to_regclass(relation) and attnum > 0 and not attisdropped
     join pg_catalog.pg_type t on t.oid = atttypid
     group by relation`,
    [relations.map(quoteRelation)],
  );
  return new Map(rows.map(({ relation, columns }) => [relation, columns]));
}

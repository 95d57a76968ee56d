import type { RelationName } from "../../base/identifiers.js";
import type { Queryable } from "../warehouse.js";

/** A view or function that reads a relation, directly or through other views. */
export interface ColumnReader {
  /** `schema.name` of what it reads, and the column; null when it reads none of the columns. */
  readonly relation: string;
  readonly column: string | null;
  readonly kind: "view" | "materialized view" | "function";
  /** `schema.name` */
  readonly name: string;
}

/**
 * Views and SQL functions with an analysed body (`begin atomic`) that read the relations, by the server's own record of
 * dependencies; functions whose body is a text are not recorded there.
 */
export async function readColumnReaders(
  queryable: Queryable,
  relations: readonly RelationName[],
): Promise<readonly ColumnReader[]> {
  const { rows } = await queryable.query<ColumnReader & Record<string, unknown>>(
    `with recursive wanted as (
  select class.oid, wanted.schema || '.' || wanted.name as relation
  from unnest($1::text[], $2::text[]) as wanted (schema, name)
  join pg_catalog.pg_namespace as namespace on namespace.nspname = wanted.schema
  join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = wanted.name
), dependency as (
  select refobjid, refobjsubid, coalesce(rule.ev_class, objid) as reader, rule.ev_class is not null as is_view
  from pg_catalog.pg_depend
  left join pg_catalog.pg_rewrite as rule on classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = objid
  where refclassid = 'pg_catalog.pg_class'::regclass and deptype = 'n'
    and classid in ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_proc'::regclass)
), reader as (
  select wanted.relation, attribute.attname::text as "column", dependency.reader, dependency.is_view
  from wanted
  join dependency on dependency.refobjid = wanted.oid
  left join pg_catalog.pg_attribute as attribute on attrelid = wanted.oid and attnum = refobjsubid and attnum > 0
  union
  select above.relation, above."column", dependency.reader, dependency.is_view
  from reader as above
  join dependency on above.is_view and dependency.refobjid = above.reader
)
select relation, "column",
  case class.relkind when 'm' then 'materialized view' when 'v' then 'view' else 'function' end as kind,
  namespace.nspname || '.' || coalesce(class.relname, proc.proname) as name
from reader
left join pg_catalog.pg_class as class on is_view and class.oid = reader.reader
left join pg_catalog.pg_proc as proc on not is_view and proc.oid = reader.reader
join pg_catalog.pg_namespace as namespace on namespace.oid = coalesce(class.relnamespace, proc.pronamespace)
order by 1, 2, 3, 4`,
    [relations.map(({ schema }) => schema), relations.map(({ name }) => name)],
  );
  return rows;
}

import type { Queryable } from "../warehouse.js";

/** Something that hangs on a column of a relation, or reads it, and is neither a view nor the model's own. */
export interface ColumnUser {
  readonly column: string;
  /** `index people.mine`, `function people.total()` ... */
  readonly user: string;
}

/**
 * Indexes, constraints, statistics objects, policies, triggers, rules, functions, generated columns and sequences that
 * would go with columns, or keep them from going, those of partitions and of tables that inherit included.
 *
 * @param ownMark begins the comment of what the model made itself
 */
export async function readColumnUsers(
  queryable: Queryable,
  oid: number,
  columns: readonly string[],
  ownMark: string,
): Promise<readonly ColumnUser[]> {
  if (columns.length === 0) return [];
  const answer = await queryable.query<ColumnUser>(
    `with recursive tree (oid) as (
  select $1::oid
  union
  select inhrelid from tree join pg_catalog.pg_inherits on inhparent = tree.oid
)
select distinct attribute.attname as "column", object.type || ' ' || object.identity as "user"
from tree
join pg_catalog.pg_attribute as attribute on attribute.attrelid = tree.oid and attribute.attname = any($2::text[])
  and (tree.oid = $1::oid or not attribute.attislocal)
join pg_catalog.pg_depend as depend on depend.refclassid = 'pg_catalog.pg_class'::regclass
  and depend.refobjid = attribute.attrelid and depend.refobjsubid = attribute.attnum and depend.deptype in ('n', 'a')
left join pg_catalog.pg_class as class on depend.classid = 'pg_catalog.pg_class'::regclass and class.oid = depend.objid
left join pg_catalog.pg_attrdef as def on depend.classid = 'pg_catalog.pg_attrdef'::regclass and def.oid = depend.objid
left join pg_catalog.pg_trigger as trigger on depend.classid = 'pg_catalog.pg_trigger'::regclass and trigger.oid = depend.objid
left join pg_catalog.pg_constraint as con
  on depend.classid = 'pg_catalog.pg_constraint'::regclass and con.oid = depend.objid
left join pg_catalog.pg_rewrite as rule on depend.classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = depend.objid
cross join lateral pg_catalog.pg_identify_object(depend.classid, depend.objid, 0) as object
where def.adnum is distinct from attribute.attnum
  and con.contype is distinct from 'n' and rule.rulename is distinct from '_RETURN'
  -- What a partition has from its parent follows the parent's.
  and class.relispartition is not true and coalesce(con.conparentid, 0) = 0 and coalesce(trigger.tgparentid, 0) = 0
  and not coalesce(starts_with(pg_catalog.obj_description(depend.objid,
    (select relname from pg_catalog.pg_class where oid = depend.classid)), $3), false)
  and not coalesce(con.contype in ('p', 'u', 'x')
    and starts_with(pg_catalog.obj_description(con.conindid, 'pg_class'), $3), false)
order by 1, 2`,
    [oid, columns, ownMark],
  );
  return answer.rows;
}

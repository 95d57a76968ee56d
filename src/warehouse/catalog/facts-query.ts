import { carriedState } from "./carried-state.js";

/** `RelationFacts` without the columns as JSON in column `facts`, of the relation with schema $1 and name $2; no row when there is none. */
export const factsQuery = `with recursive rel as (
  select class.* from pg_catalog.pg_class as class
  join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
  where namespace.nspname = $1 and class.relname = $2
), above (view, depth) as (
  select rule.ev_class, 1
  from rel
  join pg_catalog.pg_depend as depend on depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = rel.oid
  join pg_catalog.pg_rewrite as rule on depend.classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = depend.objid
  where rule.ev_class <> rel.oid and rule.rulename = '_RETURN'
  union
  select rule.ev_class, above.depth + 1
  from above
  join pg_catalog.pg_depend as depend on depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = above.view
  join pg_catalog.pg_rewrite as rule on depend.classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = depend.objid
  where rule.ev_class <> above.view and rule.rulename = '_RETURN'
), direct as (
  select rule.ev_class as oid, array_agg(distinct attribute.attname) filter (where attribute.attname is not null) as reads
  from rel
  join pg_catalog.pg_depend as depend on depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = rel.oid
  join pg_catalog.pg_rewrite as rule on depend.classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = depend.objid
  left join pg_catalog.pg_attribute as attribute on attribute.attrelid = rel.oid and attribute.attnum = depend.refobjsubid
    and depend.refobjsubid > 0
  where rule.ev_class <> rel.oid and rule.rulename = '_RETURN'
  group by rule.ev_class
)
select json_build_object(
  'oid', rel.oid::bigint,
  'kind', case rel.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
    when 'm' then 'materialized view' else 'other' end,
  'owner', pg_catalog.pg_get_userbyid(rel.relowner),
  'ownedByUs', pg_catalog.pg_has_role(rel.relowner, 'USAGE'),
  'isOwnedByCurrentUser', pg_catalog.pg_get_userbyid(rel.relowner) = current_user,
  'hasDefaultGrants', exists (select from pg_catalog.pg_default_acl where defaclobjtype = 'r' and defaclnamespace = 0),
  'unlogged', rel.relpersistence = 'u',
  'options', coalesce(to_json(rel.reloptions), '[]'),
  'rowSecurity', rel.relrowsecurity,
  'forceRowSecurity', rel.relforcerowsecurity,
  'grants', (
    select coalesce(json_agg(json_build_object(
      'grantee', case when acl.grantee = 0 then null else pg_catalog.pg_get_userbyid(acl.grantee) end,
      'privilege', lower(acl.privilege_type), 'grantable', acl.is_grantable, 'column', acl.attname)), '[]')
    from (
      select exploded.*, null::name as attname from pg_catalog.aclexplode(rel.relacl) as exploded
      union all
      select exploded.*, attribute.attname
      from pg_catalog.pg_attribute as attribute, pg_catalog.aclexplode(attribute.attacl) as exploded
      where attribute.attrelid = rel.oid and attribute.attacl is not null and not attribute.attisdropped
    ) as acl
    where acl.grantee <> rel.relowner
  ),
  'comments', (
    select coalesce(json_agg(json_build_object('column', attribute.attname, 'text', description.description)), '[]')
    from pg_catalog.pg_description as description
    left join pg_catalog.pg_attribute as attribute on attribute.attrelid = rel.oid and attribute.attnum = description.objsubid
      and description.objsubid > 0
    where description.classoid = 'pg_catalog.pg_class'::regclass and description.objoid = rel.oid
  ),
  'indexes', (
    select coalesce(json_agg(json_build_object(
      'name', index_class.relname, 'unique', index.indisunique,
      'definition', regexp_replace(pg_catalog.pg_get_indexdef(index.indexrelid, 0, true), ' ON ONLY ', ' ON '),
      'valid', index.indisvalid,
      'isKey', index.indisunique and index.indisvalid and index.indpred is null and index.indexprs is null,
      'columns', (
        select coalesce(json_agg(coalesce(attribute.attname, pg_catalog.pg_get_indexdef(index.indexrelid, position, true))
          order by position), '[]')
        from generate_series(1, index.indnkeyatts) as position
        left join pg_catalog.pg_attribute as attribute
          on attribute.attrelid = index.indrelid and attribute.attnum = index.indkey[position - 1] and attribute.attnum > 0
      ),
      'constraint', (
        select pg_catalog.pg_get_constraintdef(pg_constraint.oid, true) from pg_catalog.pg_constraint
        where conindid = index.indexrelid and conrelid = rel.oid and contype in ('p', 'u', 'x') limit 1
      ),
      'comment', pg_catalog.obj_description(index.indexrelid, 'pg_class')) order by index_class.relname), '[]')
    from pg_catalog.pg_index as index join pg_catalog.pg_class as index_class on index_class.oid = index.indexrelid
    where index.indrelid = rel.oid
  ),
  'constraints', (
    select coalesce(json_agg(json_build_object('name', conname,
      'definition', pg_catalog.pg_get_constraintdef(pg_constraint.oid, true),
      'comment', pg_catalog.obj_description(pg_constraint.oid, 'pg_constraint')) order by conname), '[]')
    from pg_catalog.pg_constraint where conrelid = rel.oid and contype in ('c', 'f') and conparentid = 0
  ),
  'notNulls', (
    select coalesce(json_agg(json_build_object('column', attname, 'constraint', (
      select conname from pg_catalog.pg_constraint where conrelid = rel.oid and contype = 'n' and conkey[1] = attnum
    )) order by attnum), '[]')
    from pg_catalog.pg_attribute
    where attrelid = rel.oid and attnum > 0 and attnotnull and not attisdropped
  ),
  'columnSettings', (
    select coalesce(json_agg(json_build_object('column', attname, 'action', action, 'isDefault', is_default)
      order by attnum, is_default), '[]')
    from (
      select attnum, attname, 'set default ' || pg_catalog.pg_get_expr(adbin, adrelid) as action, true as is_default
      from pg_catalog.pg_attrdef join pg_catalog.pg_attribute on attrelid = adrelid and attnum = adnum
      where adrelid = rel.oid and attgenerated = ''
      union all
      select attnum, attname, 'set statistics ' || attstattarget, false from pg_catalog.pg_attribute
      where attrelid = rel.oid and attnum > 0 and not attisdropped and attstattarget >= 0
    ) as settings
  ),
  'replicaIdentity', case rel.relreplident when 'f' then 'full' when 'n' then 'nothing' when 'i' then (
    select 'using index ' || quote_ident(relname) from pg_catalog.pg_index join pg_catalog.pg_class on pg_class.oid = indexrelid
    where indrelid = rel.oid and indisreplident
  ) end,
  'triggers', (
    select coalesce(json_agg(json_build_object('name', tgname, 'definition', pg_catalog.pg_get_triggerdef(pg_trigger.oid, true),
      'enabled', tgenabled, 'comment', pg_catalog.obj_description(pg_trigger.oid, 'pg_trigger')) order by tgname), '[]')
    from pg_catalog.pg_trigger where tgrelid = rel.oid and not tgisinternal
  ),
  'policies', (
    select coalesce(json_agg(json_build_object('name', polname,
      'comment', pg_catalog.obj_description(pg_policy.oid, 'pg_policy'),
      'definition', format('create policy %I on %I as %s for %s to %s%s%s', polname, rel.relname,
      case when polpermissive then 'permissive' else 'restrictive' end,
      case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      case when polroles = '{0}' then 'public' else (
        select string_agg(quote_ident(pg_catalog.pg_get_userbyid(role)), ', ') from unnest(polroles) as role
      ) end,
      ' using (' || pg_catalog.pg_get_expr(polqual, polrelid) || ')',
      ' with check (' || pg_catalog.pg_get_expr(polwithcheck, polrelid) || ')')) order by polname), '[]')
    from pg_catalog.pg_policy where polrelid = rel.oid
  ),
  'statistics', (
    select coalesce(json_agg(json_build_object('schema', nspname, 'name', stxname,
      'definition', substr(pg_catalog.pg_get_statisticsobjdef(pg_statistic_ext.oid),
        length('CREATE STATISTICS ' || quote_ident(nspname) || '.' || quote_ident(stxname)) + 1),
      'comment', pg_catalog.obj_description(pg_statistic_ext.oid, 'pg_statistic_ext'))), '[]')
    from pg_catalog.pg_statistic_ext join pg_catalog.pg_namespace on pg_namespace.oid = stxnamespace
    where stxrelid = rel.oid
  ),
  'rules', (
    select coalesce(json_agg(json_build_object('name', rulename, 'definition', pg_catalog.pg_get_ruledef(pg_rewrite.oid, true),
      'comment', pg_catalog.obj_description(pg_rewrite.oid, 'pg_rewrite')) order by rulename), '[]')
    from pg_catalog.pg_rewrite where ev_class = rel.oid and rulename <> '_RETURN'
  ),
  'views', (
    select coalesce(json_agg(json_build_object(
      'schema', namespace.nspname, 'name', view.relname,
      'kind', case view.relkind when 'm' then 'materialized view' else 'view' end,
      'definition', pg_catalog.pg_get_viewdef(view.oid),
      'options', coalesce(to_json(view.reloptions), '[]'),
      'columns', (
        select json_agg(attname order by attnum) from pg_catalog.pg_attribute
        where attrelid = view.oid and attnum > 0 and not attisdropped
      ),
      'readsColumns', coalesce(to_json(direct.reads), '[]'),
      'depth', (select max(above.depth) from above where above.view = view.oid),
      'replaceable', pg_catalog.pg_has_role(view.relowner, 'USAGE'),
      'populated', view.relispopulated)), '[]')
    from direct join pg_catalog.pg_class as view on view.oid = direct.oid
    join pg_catalog.pg_namespace as namespace on namespace.oid = view.relnamespace
  ),
  'otherDependents', (
    select coalesce(json_agg(json_build_object('description', description, 'statement', statement,
      'replaceable', replaceable)), '[]')
    from (
      select distinct 'function ' || (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, function.oid, 0)).identity as description,
        pg_catalog.pg_get_functiondef(function.oid) as statement,
        pg_catalog.pg_has_role(function.proowner, 'USAGE') as replaceable
      from pg_catalog.pg_depend as depend
      join pg_catalog.pg_proc as function on depend.classid = 'pg_catalog.pg_proc'::regclass and function.oid = depend.objid
      where depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = rel.oid
      union
      select 'policy ' || (pg_catalog.pg_identify_object('pg_catalog.pg_policy'::regclass, policy.oid, 0)).identity,
        format('alter policy %I on %s', policy.polname, policy.polrelid::regclass)
          || coalesce(' using (' || pg_catalog.pg_get_expr(policy.polqual, policy.polrelid) || ')', '')
          || coalesce(' with check (' || pg_catalog.pg_get_expr(policy.polwithcheck, policy.polrelid) || ')', ''),
        pg_catalog.pg_has_role(owner.relowner, 'USAGE')
      from pg_catalog.pg_depend as depend
      join pg_catalog.pg_policy as policy on depend.classid = 'pg_catalog.pg_policy'::regclass and policy.oid = depend.objid
      join pg_catalog.pg_class as owner on owner.oid = policy.polrelid
      where depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = rel.oid and policy.polrelid <> rel.oid
      union
      select 'rule ' || (pg_catalog.pg_identify_object('pg_catalog.pg_rewrite'::regclass, rule.oid, 0)).identity,
        regexp_replace(pg_catalog.pg_get_ruledef(rule.oid, true), '^ *CREATE RULE', 'CREATE OR REPLACE RULE'),
        pg_catalog.pg_has_role(owner.relowner, 'USAGE')
      from pg_catalog.pg_depend as depend
      join pg_catalog.pg_rewrite as rule on depend.classid = 'pg_catalog.pg_rewrite'::regclass and rule.oid = depend.objid
      join pg_catalog.pg_class as owner on owner.oid = rule.ev_class
      where depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = rel.oid
        and rule.ev_class <> rel.oid and rule.rulename <> '_RETURN'
    ) as dependents
  ),
  'identityUsers', (
    select coalesce(json_agg(description), '[]')
    from (
      select 'foreign key ' || conname || ' of ' || conrelid::regclass::text as description
      from pg_catalog.pg_constraint where contype = 'f' and confrelid = rel.oid and conrelid <> rel.oid and conparentid = 0
      union all
      select 'publication ' || pubname from pg_catalog.pg_publication
      where rel.relkind in ('r', 'p') and rel.relpersistence = 'p' and (puballtables
        or exists (select from pg_catalog.pg_publication_rel where prpubid = pg_publication.oid and prrelid = rel.oid)
        or exists (select from pg_catalog.pg_publication_namespace
          where pnpubid = pg_publication.oid and pnnspid = rel.relnamespace))
      union all
      select 'row type used by ' || user_object.type || ' ' || user_object.identity
      from pg_catalog.pg_depend as depend
      join pg_catalog.pg_type as type on depend.refclassid = 'pg_catalog.pg_type'::regclass and depend.refobjid = type.oid
      cross join lateral pg_catalog.pg_identify_object(depend.classid, depend.objid, depend.objsubid) as user_object
      where (type.oid = rel.reltype or type.oid = (select typarray from pg_catalog.pg_type where pg_type.oid = rel.reltype))
        and depend.deptype in ('n', 'a') and type.oid <> 0
      union all
      select case when attidentity <> '' then 'identity column ' else 'generated column ' end || attname
      from pg_catalog.pg_attribute
      where attrelid = rel.oid and attnum > 0 and not attisdropped and (attidentity <> '' or attgenerated <> '')
      union all
      select 'sequence ' || depend.objid::regclass::text || ', owned by a column'
      from pg_catalog.pg_depend as depend
      where depend.classid = 'pg_catalog.pg_class'::regclass and depend.refclassid = 'pg_catalog.pg_class'::regclass
        and depend.refobjid = rel.oid and depend.refobjsubid > 0 and depend.deptype = 'a'
        and (select relkind from pg_catalog.pg_class where oid = depend.objid) = 'S'
      union all
      select 'partition ' || inhrelid::regclass::text || ' is used by '
        || user_object.type || ' ' || user_object.identity
      from pg_catalog.pg_inherits
      join pg_catalog.pg_depend as depend on depend.refclassid = 'pg_catalog.pg_class'::regclass and depend.refobjid = inhrelid
      cross join lateral pg_catalog.pg_identify_object(depend.classid, depend.objid, depend.objsubid) as user_object
      where inhparent = rel.oid and rel.relkind = 'p' and depend.deptype = 'n' and not exists (
        select from pg_catalog.pg_constraint
        where depend.classid = 'pg_catalog.pg_constraint'::regclass and pg_constraint.oid = depend.objid and conrelid = inhrelid)
      union all
      select case when inhrelid = rel.oid then 'child or partition of ' || inhparent::regclass::text
        else 'parent of ' || inhrelid::regclass::text end
      from pg_catalog.pg_inherits
      where inhrelid = rel.oid or (inhparent = rel.oid and rel.relkind <> 'p')
    ) as users
  ),
  'partitionedBy', (
    select json_build_object('kind', case partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
      'columns', (
        select json_agg(attname order by position) from unnest(partattrs::int2[]) with ordinality as key (attnum, position)
        left join pg_catalog.pg_attribute as attribute on attrelid = rel.oid and attribute.attnum = key.attnum and key.attnum > 0
      ))
    from pg_catalog.pg_partitioned_table where partrelid = rel.oid
  ),
  'partitions', (
    select coalesce(json_agg(json_build_object('name', partition.relname,
      'unlogged', partition.relpersistence = 'u', 'options', coalesce(to_json(partition.reloptions), '[]'),
      'bound', pg_catalog.pg_get_expr(partition.relpartbound, partition.oid)) order by partition.relname), '[]')
    from pg_catalog.pg_inherits join pg_catalog.pg_class as partition on partition.oid = inhrelid
    where inhparent = rel.oid and rel.relkind = 'p'
  ),
  'carried', ${carriedState},
  'deadlockTimeout', (extract(epoch from current_setting('deadlock_timeout')::interval) * 1000)::int
) as facts
from rel`;

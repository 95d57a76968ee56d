import type { Queryable } from "../../src/warehouse/warehouse.js";

/**
 * Everything that the catalog knows of people's and the project's objects, as sorted lines without OIDs: two equal
 * snapshots mean that nothing was lost, added or changed. Partitions are left out: they follow the data. Who granted a
 * privilege is left out too: only the owner can grant in another's place.
 */
export async function catalogSnapshot(queryable: Queryable): Promise<string[]> {
  const answer = await queryable.query<{ line: string }>(snapshotQuery);
  return answer.rows.map((row) => row.line).sort();
}

const own = `(select oid from pg_namespace where nspname not in ('pg_catalog', 'information_schema', 'aquifer', 'pg_toast'))`;

const snapshotQuery = `
with rel as (
  select *, pg_class.oid::regclass::text as shown from pg_class
  where relnamespace in ${own} and relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition
)
select format('relation %s %s owner %s options %s %s rls %s %s identity %s', shown, relkind, pg_get_userbyid(relowner),
  (select array_agg(option order by option) from unnest(reloptions) as option),
  relpersistence, relrowsecurity, relforcerowsecurity, relreplident) as line from rel
union all
select format('grant on %s to %s: %s%s', shown, case grantee when 0 then 'public' else pg_get_userbyid(grantee) end,
  privilege_type, case when is_grantable then ' with grant option' else '' end)
from rel, aclexplode(coalesce(relacl, acldefault('r', relowner))) where grantee <> relowner
union all
select format('grant on %s.%s to %s: %s%s', shown, attname, case grantee when 0 then 'public' else pg_get_userbyid(grantee) end,
  privilege_type, case when is_grantable then ' with grant option' else '' end)
from rel join pg_attribute on attrelid = rel.oid, aclexplode(attacl) where not attisdropped
union all
select format('column %s.%s %s not null %s default %s statistics %s', shown, attname, format_type(atttypid, atttypmod), attnotnull,
  (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = rel.oid and adnum = attnum), attstattarget)
from rel join pg_attribute on attrelid = rel.oid where attnum > 0 and not attisdropped
union all
select format('definition of %s: %s', shown, pg_get_viewdef(oid)) from rel where relkind in ('v', 'm')
union all
select format('index of %s: %s valid %s', shown, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), indisvalid) from rel join pg_index on indrelid = rel.oid
union all
select format('constraint %s of %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
from pg_constraint where connamespace in ${own} and conparentid = 0
  and not exists (select from pg_class where pg_class.oid = conrelid and relispartition)
union all
select format('trigger %s enabled %s', pg_get_triggerdef(pg_trigger.oid), tgenabled) from pg_trigger join rel on rel.oid = tgrelid
where not tgisinternal
union all
select format('rule %s', pg_get_ruledef(pg_rewrite.oid)) from pg_rewrite join rel on rel.oid = ev_class where rulename <> '_RETURN'
union all
select format('policy %s on %s %s %s %s using %s check %s', polname, shown, polcmd, polpermissive,
  (select array_agg(pg_get_userbyid(role) order by 1) from unnest(polroles) as role),
  pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
from pg_policy join rel on rel.oid = polrelid
union all
select format('statistics %s owner %s', pg_get_statisticsobjdef(oid), pg_get_userbyid(stxowner)) from pg_statistic_ext
union all
select format('function %s owner %s', pg_get_functiondef(oid), pg_get_userbyid(proowner)) from pg_proc where pronamespace in ${own}
union all
select format('publication %s of %s', pubname, prrelid::regclass) from pg_publication_rel
join pg_publication on pg_publication.oid = prpubid
union all
select format('%s inherits %s', inhrelid::regclass, inhparent::regclass) from pg_inherits join rel on rel.oid = inhrelid
union all
select format('comment on %s %s: %s', identity.type, identity.identity, description)
from pg_description, pg_identify_object(classoid, objoid, objsubid) as identity
where identity.schema is distinct from 'pg_catalog' and identity.identity !~ '^(pg_catalog|information_schema|aquifer)\\.'
  and identity.type not in ('extension', 'language', 'access method', 'schema', 'conversion', 'operator', 'cast', 'text search configuration')
union all
select format('schema %s owner %s', nspname, pg_get_userbyid(nspowner)) from pg_namespace
where oid in ${own} and nspname !~ '^pg_(toast_)?temp'
`;

import { quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import type { NamedObjects } from "./named-objects.js";
import type { Snapshot, SnapshotFunction, SnapshotRelation, SnapshotType } from "./snapshot.js";

export interface PulledSnapshot {
  readonly snapshot: Snapshot;
  /** Declared relations that the warehouse does not have, or does not show to this role. */
  readonly absent: readonly RelationName[];
}

/** Takes a snapshot of what a project uses of a live warehouse and does not make itself. Reads catalogs only. */
export async function pullSnapshot(
  warehouse: Warehouse,
  declarations: readonly RelationName[],
  named: NamedObjects,
): Promise<PulledSnapshot> {
  return warehouse.withSession((session) =>
    session.transaction(async (transaction) => {
      // With only its own schema in the path, the server writes the schema of every type that is not its own.
      await transaction.query("set transaction isolation level repeatable read, read only");
      await transaction.query("set local search_path = pg_catalog");
      const relations = await readRelations(transaction, declarations);
      const functions = await readFunctions(transaction, [...named.functions]);
      const types = await readTypes(
        transaction,
        declarations,
        functions.map(({ oid }) => oid),
        [...named.types],
      );
      const found = new Set(relations.map(keyOf));
      return {
        snapshot: {
          version: 1,
          server: Math.floor(warehouse.serverVersion / 10_000),
          extensions: await readExtensions(transaction),
          roles: await readRoles(transaction, [...named.roles]),
          types,
          relations,
          functions: functions.map(({ signature }) => signature),
        },
        absent: declarations.filter((each) => !found.has(keyOf(each))),
      };
    }),
  );
}

function keyOf({ schema, name }: RelationName): string {
  return JSON.stringify([schema, name]);
}

async function readRelations(
  session: Queryable,
  declarations: readonly RelationName[],
): Promise<SnapshotRelation[]> {
  const { rows } = await session.query<{ relation: SnapshotRelation }>(
    `select jsonb_build_object('schema', n.nspname, 'name', c.relname, 'columns', (
         select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
             'name', a.attname,
             'type', format_type(a.atttypid, a.atttypmod),
             'notNull', nullif(a.attnotnull, false))) order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as relation
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = any (select to_regclass(each) from unnest($1::text[]) each)
     order by n.nspname collate "C", c.relname collate "C"`,
    [declarations.map(quoteRelation)],
  );
  return rows.map(({ relation: { schema, name, columns } }) => ({
    schema,
    name,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      ...(column.notNull === true ? { notNull: true as const } : {}),
    })),
  }));
}

async function readExtensions(session: Queryable): Promise<Snapshot["extensions"]> {
  const { rows } = await session.query<{ name: string; schema: string }>(
    `select extname as name, nspname as schema from pg_extension join pg_namespace n on n.oid = extnamespace
     where extname <> 'plpgsql' order by extname collate "C"`,
  );
  return rows.map(({ name, schema }) => ({ name, schema }));
}

async function readRoles(session: Queryable, names: readonly string[]): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select rolname as name from pg_roles where rolname = any ($1) order by rolname collate "C"`,
    [names],
  );
  return rows.map(({ name }) => name);
}

/** Functions of the named names that neither the server nor an extension brought, with their signatures. */
async function readFunctions(
  session: Queryable,
  names: readonly string[],
): Promise<{ oid: string; signature: SnapshotFunction }[]> {
  const { rows } = await session.query<{
    oid: string;
    schema: string;
    name: string;
    kind: string;
    arguments: string;
    takes: string[];
    returns: string | null;
    volatility: SnapshotFunction["volatility"];
  }>(
    `select p.oid::text, n.nspname as schema, p.proname as name, p.prokind as kind,
       coalesce(args.written, '') as arguments, to_jsonb(coalesce(args.taken, '{}')) as takes,
       pg_get_function_result(p.oid) as returns,
       case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     cross join lateral (
       select
         string_agg(
           case mode when 'o' then 'out ' when 'b' then 'inout ' when 'v' then 'variadic ' else '' end
             || coalesce(quote_ident(nullif(name, '')) || ' ', '')
             || format_type(type, null)
             || case when is_input and input > p.pronargs - p.pronargdefaults then ' default null' else '' end,
           ', ' order by at) filter (where mode <> 't') as written,
         array_agg(format_type(type, null) order by at) filter (where is_input) as taken
       from (
         select type, at, mode, p.proargnames[at] as name, mode in ('i', 'b', 'v') as is_input,
           count(*) filter (where mode in ('i', 'b', 'v')) over (order by at) as input
         from (
           select type, at, coalesce(p.proargmodes[at], 'i') as mode
           from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as each (type, at)
         ) numbered
       ) argument
     ) args
     where p.proname = any ($1) and p.prokind <> 'w' and n.nspname not in ('pg_catalog', 'information_schema')
       and n.nspname !~ '^pg_(temp|toast)'
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     order by n.nspname collate "C", p.proname collate "C", args.written collate "C"`,
    [names],
  );
  const kinds: Readonly<Record<string, SnapshotFunction["kind"]>> = { p: "procedure", a: "aggregate" };
  return rows.map(({ oid, kind, returns, schema, name, takes, volatility, arguments: written }) => ({
    oid,
    signature: {
      ...{ schema, name, kind: kinds[kind] ?? "function", arguments: written, takes, volatility },
      ...(returns === null ? {} : { returns }),
    },
  }));
}

/** The types that columns and signatures need, those that are named, and what these are made of. */
async function readTypes(
  session: Queryable,
  declarations: readonly RelationName[],
  functions: readonly string[],
  names: readonly string[],
): Promise<SnapshotType[]> {
  const { rows } = await session.query<{ type: SnapshotType }>(
    `with recursive needed (oid) as (
       select a.atttypid from pg_attribute a
       where a.attrelid = any (select to_regclass(each) from unnest($1::text[]) each) and a.attnum > 0 and not a.attisdropped
       union
       select unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) from pg_proc p where p.oid = any ($2::oid[])
       union
       select t.oid from pg_type t where t.typname = any ($3)
       union
       select part.oid from needed join pg_type t on t.oid = needed.oid
       cross join lateral (
         select t.typelem where t.typelem <> 0
         union all select t.typbasetype where t.typbasetype <> 0
         union all select r.rngsubtype from pg_range r where r.rngtypid = t.oid
         union all select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
       ) part (oid)
     )
     select jsonb_strip_nulls(jsonb_build_object('schema', n.nspname, 'name', t.typname) || case t.typtype
         when 'e' then jsonb_build_object('kind', 'enum', 'labels', (
           select jsonb_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = t.oid))
         when 'd' then jsonb_build_object('kind', 'domain', 'type', format_type(t.typbasetype, t.typtypmod),
           'notNull', nullif(t.typnotnull, false))
         when 'r' then jsonb_build_object('kind', 'range', 'type', (
           select format_type(rngsubtype, null) from pg_range where rngtypid = t.oid))
         else jsonb_build_object('kind', 'composite', 'columns', (
           select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
           from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) end) as type
     from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
     where t.oid in (select oid from needed) and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
       and n.nspname not in ('pg_catalog', 'information_schema')
       and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
     order by n.nspname collate "C", t.typname collate "C"`,
    [declarations.map(quoteRelation), functions, names],
  );
  return rows.map(({ type }) => type);
}

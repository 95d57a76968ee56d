import { formatRelation, type RelationName } from "../../base/identifiers.js";
import type { Queryable } from "../warehouse.js";
import type { RelationKind } from "./relation-facts.js";

/** What a run needs to know before it starts, read in one query whatever the size of the project. */
export interface ExistingRelations {
  /** Kind by `schema.name`, of those asked for that exist. */
  readonly relations: ReadonlyMap<string, RelationKind>;
  /** Schemas of those asked for that exist. */
  readonly schemas: ReadonlySet<string>;
  readonly database: string;
  readonly searchPath: string;
}

/** Looks up relations and their schemas. */
export async function readExistingRelations(
  queryable: Queryable,
  names: readonly RelationName[],
): Promise<ExistingRelations> {
  const answer = await queryable.query<{
    relations: { schema: string; name: string; kind: RelationKind }[];
    schemas: string[];
    database: string;
    search_path: string;
  }>(
    `with wanted as (select distinct * from unnest($1::text[], $2::text[]) as wanted (schema, name))
select
  (select coalesce(json_agg(json_build_object('schema', wanted.schema, 'name', wanted.name, 'kind',
      case class.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
        when 'm' then 'materialized view' else 'other' end)), '[]')
    from wanted
    join pg_catalog.pg_namespace as namespace on namespace.nspname = wanted.schema
    join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = wanted.name
    where class.relkind in ('r', 'p', 'v', 'm', 'f')) as relations,
  (select coalesce(json_agg(distinct nspname), '[]') from pg_catalog.pg_namespace
    join wanted on wanted.schema = nspname) as schemas,
  current_database() as database,
  current_setting('search_path') as search_path`,
    [names.map((name) => name.schema), names.map((name) => name.name)],
  );
  const [row] = answer.rows;
  return {
    relations: new Map((row?.relations ?? []).map((each) => [formatRelation(each), each.kind])),
    schemas: new Set(row?.schemas ?? []),
    database: row?.database ?? "",
    searchPath: row?.search_path ?? "",
  };
}

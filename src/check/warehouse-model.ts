import type { RelationName } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";

/** What a project makes of the warehouse: every relation with its columns, as the server judged them. Versioned JSON. */
export interface WarehouseModel {
  readonly version: 1;
  /** By `schema.name`, sorted. */
  readonly relations: Readonly<Record<string, ModelRelation>>;
  /** What the queries of the reports return, by report (sorted) and query; those that were not judged are absent. */
  readonly reports: Readonly<Record<string, Readonly<Record<string, readonly ModelColumn[]>>>>;
}

export interface ModelRelation {
  readonly kind: "source" | "declaration" | "table" | "view" | "incremental" | "operations";
  readonly description?: string;
  /** A fingerprint of the SQL and settings that make it; layout and comments do not count. */
  readonly sql?: string;
  readonly columns: readonly ModelColumn[];
}

export interface ModelColumn {
  readonly name: string;
  /** As PostgreSQL writes it: `numeric(10,2)`. */
  readonly type: string;
  readonly notNull?: true;
  readonly description?: string;
}

/** A relation to read back from the scratch database, with what the project says about it. */
export interface DescribedRelation {
  readonly name: RelationName;
  readonly kind: ModelRelation["kind"];
  readonly description?: string;
  readonly sql?: string;
  readonly columnDescriptions: ReadonlyMap<string, string>;
}

/** Reads back the relations that exist. */
export async function readRelations(
  session: Queryable,
  relations: readonly DescribedRelation[],
): Promise<WarehouseModel["relations"]> {
  const { rows } = await session.query<{ key: string; name: string; type: string; not_null: boolean }>(
    `select n.nspname || '.' || c.relname as key, a.attname as name,
       format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
     order by c.oid, a.attnum`,
  );
  const columns = new Map<string, (typeof rows)[number][]>();
  for (const row of rows) columns.set(row.key, [...(columns.get(row.key) ?? []), row]);
  const found = relations.flatMap((relation): [string, ModelRelation][] => {
    const key = `${relation.name.schema}.${relation.name.name}`;
    const own = columns.get(key);
    if (own === undefined) return [];
    return [
      [
        key,
        {
          kind: relation.kind,
          ...(relation.description === undefined ? {} : { description: relation.description }),
          ...(relation.sql === undefined ? {} : { sql: relation.sql }),
          columns: own.map(({ name, type, not_null }) => {
            const description = relation.columnDescriptions.get(name);
            return {
              name,
              type,
              ...(not_null ? { notNull: true as const } : {}),
              ...(description === undefined ? {} : { description }),
            };
          }),
        },
      ],
    ];
  });
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(found);
}

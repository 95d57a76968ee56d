import type { RelationName } from "../base/identifiers.js";
import type { Columns } from "./read-columns.js";

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

/** What the project says about relations, beside their columns as they were built; those that were not are absent. */
export function describeRelations(
  relations: readonly DescribedRelation[],
  columnsOf: (name: RelationName) => Columns | undefined,
): WarehouseModel["relations"] {
  const found = relations.flatMap(
    ({ name, kind, description, sql, columnDescriptions }): [string, ModelRelation][] => {
      const columns = columnsOf(name)?.map((column): ModelColumn => {
        const said = columnDescriptions.get(column.name);
        return {
          ...{ name: column.name, type: column.type },
          ...(column.notNull ? { notNull: true as const } : {}),
          ...(said === undefined ? {} : { description: said }),
        };
      });
      if (columns === undefined) return [];
      return [
        [
          `${name.schema}.${name.name}`,
          {
            kind,
            ...(description === undefined ? {} : { description }),
            ...(sql === undefined ? {} : { sql }),
            columns,
          },
        ],
      ];
    },
  );
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

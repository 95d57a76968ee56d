import { SettingsReader, type SettingsFile } from "./settings-reader.js";

export interface IndexSetting {
  /** Column names or expressions; an expression stands in parentheses, as in `create index`. */
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly method?: "btree" | "hash" | "gist" | "spgist" | "gin" | "brin";
  readonly where?: string;
  readonly include: readonly string[];
  readonly name?: string;
}

export const granularities = ["hour", "day", "week", "month", "quarter", "year"] as const;
export type Granularity = (typeof granularities)[number];

/** How a table is split into partitions, which are made as the data needs them; rows without a value go to the default partition. */
export type PartitionSetting =
  | { readonly kind: "range"; readonly column: string; readonly granularity: Granularity }
  | { readonly kind: "list"; readonly column: string }
  | { readonly kind: "hash"; readonly column: string; readonly partitions: number };

export interface ForeignKeySetting {
  readonly columns: readonly string[];
  /** `schema.table` of the referenced table. */
  readonly references: string;
  readonly referencedColumns: readonly string[];
}

/** `metadata: { extraProperties: { postgres: {...} } }` of a table, view or incremental table. */
export interface PostgresSettings {
  readonly indexes: readonly IndexSetting[];
  readonly partitionBy?: PartitionSetting;
  readonly unlogged: boolean;
  readonly fillfactor?: number;
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly ForeignKeySetting[];
  /** Roles by privilege: `{ select: ["reporting"] }`. */
  readonly grants: Readonly<Record<string, readonly string[]>>;
  /** How a new version takes the place of the old one; `delta` changes rows in place and is safe for repeatable-read readers. */
  readonly replace: "swap" | "delta";
}

const privileges = [
  "select",
  "insert",
  "update",
  "delete",
  "truncate",
  "references",
  "trigger",
  "maintain",
  "all",
];

export const defaultPostgresSettings: PostgresSettings = {
  indexes: [],
  unlogged: false,
  primaryKey: [],
  foreignKeys: [],
  grants: {},
  replace: "swap",
};

/**
 * Checks and types `extraProperties.postgres`.
 *
 * @throws AquiferError `unknown-setting` or `bad-setting`, at the model's file
 */
export function readPostgresSettings(value: unknown, source: SettingsFile): PostgresSettings {
  if (value === undefined) return defaultPostgresSettings;
  return SettingsReader.read(value, "extraProperties.postgres", source, (reader) => {
    const partitionBy = reader.object("partitionBy", readPartition);
    const fillfactor = reader.count("fillfactor", 10, 100);
    return {
      indexes: reader.objects("indexes", readIndex) ?? [],
      unlogged: reader.flag("unlogged") ?? false,
      primaryKey: reader.texts("primaryKey") ?? [],
      foreignKeys: reader.objects("foreignKeys", readForeignKey) ?? [],
      grants:
        reader.object("grants", (grants) => {
          const read = privileges.map((privilege) => [privilege, grants.texts(privilege)] as const);
          return Object.fromEntries(
            read.flatMap(([privilege, roles]) => (roles ? [[privilege, roles]] : [])),
          );
        }) ?? {},
      replace: reader.oneOf("replace", ["swap", "delta"]) ?? "swap",
      ...(partitionBy === undefined ? {} : { partitionBy }),
      ...(fillfactor === undefined ? {} : { fillfactor }),
    };
  });
}

function readIndex(reader: SettingsReader): IndexSetting {
  const method = reader.oneOf("method", ["btree", "hash", "gist", "spgist", "gin", "brin"]);
  const where = reader.text("where");
  const name = reader.text("name");
  const columns = reader.texts("columns");
  if (columns === undefined) throw reader.refuse("columns", "a list of columns");
  return {
    columns,
    unique: reader.flag("unique") ?? false,
    include: reader.texts("include") ?? [],
    ...(method === undefined ? {} : { method }),
    ...(where === undefined ? {} : { where }),
    ...(name === undefined ? {} : { name }),
  };
}

function readPartition(reader: SettingsReader): PartitionSetting {
  const column = reader.text("column");
  if (column === undefined) throw reader.refuse("column", "the name of the partition column");
  const granularity = reader.oneOf("granularity", granularities);
  const list = reader.flag("list");
  const partitions = reader.count("hash", 2, 1024);
  const chosen = [granularity !== undefined, list === true, partitions !== undefined].filter(Boolean).length;
  if (chosen !== 1)
    throw reader.refuse("granularity", "given, or else list: true, or hash: <number of partitions>");
  if (granularity !== undefined) return { kind: "range", column, granularity };
  return partitions === undefined ? { kind: "list", column } : { kind: "hash", column, partitions };
}

function readForeignKey(reader: SettingsReader): ForeignKeySetting {
  const columns = reader.texts("columns");
  const references = reader.text("references");
  if (columns === undefined) throw reader.refuse("columns", "a list of columns");
  if (references?.split(".").length !== 2) throw reader.refuse("references", '"schema.table"');
  return { columns, references, referencedColumns: reader.texts("referencedColumns") ?? columns };
}

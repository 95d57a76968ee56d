import {
  derivedIdentifier,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import type { ForeignKeySetting, IndexSetting, PostgresSettings } from "../project/postgres-settings.js";
import { managedComment } from "./managed-comment.js";

/**
 * A primary key, index or foreign key of a model's settings. Its name is stable: it derives from the table's name and the
 * columns, never from a run.
 */
export type ModelKey =
  | { readonly kind: "primary key"; readonly name: string; readonly setting: readonly string[] }
  | { readonly kind: "index"; readonly name: string; readonly setting: IndexSetting }
  | { readonly kind: "foreign key"; readonly name: string; readonly setting: ForeignKeySetting };

/** The keys of a model's settings, in the order in which they are made. */
export function modelKeys(table: string, settings: PostgresSettings): ModelKey[] {
  const { primaryKey, indexes, foreignKeys } = settings;
  return [
    ...(primaryKey.length > 0
      ? [{ kind: "primary key", name: derivedIdentifier(table, "_pkey"), setting: primaryKey } as const]
      : []),
    ...indexes.map((setting) => ({ kind: "index", name: indexName(table, setting), setting }) as const),
    ...foreignKeys.map((setting) => {
      const name = derivedIdentifier(`${table}_${setting.columns.join("_")}`, "_fkey");
      return { kind: "foreign key", name, setting } as const;
    }),
  ];
}

/** Names of the indexes and constraints that a model's settings make. */
export function keyNames(table: string, settings: PostgresSettings): string[] {
  return modelKeys(table, settings).map(({ name }) => name);
}

/** Makes all keys of a model's settings. */
export function keyStatements(at: RelationName, settings: PostgresSettings): string[] {
  return modelKeys(at.name, settings).flatMap((key) => makeKey(at, key));
}

/** Makes one key, marked so that the next rebuild knows it for the model's. */
export function makeKey(at: RelationName, key: ModelKey): string[] {
  return [keyDefinition(at, key), markKey(at, key)];
}

function keyDefinition(at: RelationName, key: ModelKey): string {
  const table = quoteRelation(at);
  switch (key.kind) {
    case "primary key":
      return `alter table ${table} add constraint ${quoteIdentifier(key.name)} primary key (${list(key.setting)})`;
    case "index":
      return createIndex(at, key.name, key.setting);
    case "foreign key": {
      const [schema = "", name = ""] = key.setting.references.split(".");
      return (
        `alter table ${table} add constraint ${quoteIdentifier(key.name)} foreign key (${list(key.setting.columns)}) ` +
        `references ${quoteRelation({ schema, name })} (${list(key.setting.referencedColumns)})`
      );
    }
  }
}

/** The comment that marks a key, see `managedComment`. */
export function markKey(at: RelationName, key: ModelKey): string {
  const what =
    key.kind === "foreign key"
      ? `constraint ${quoteIdentifier(key.name)} on ${quoteRelation(at)}`
      : `index ${quoteRelation({ schema: at.schema, name: key.name })}`;
  return `comment on ${what} is ${quoteLiteral(managedComment(key.setting))}`;
}

function createIndex(at: RelationName, name: string, index: IndexSetting): string {
  const parts = [
    `create ${index.unique ? "unique " : ""}index ${quoteIdentifier(name)} on ${quoteRelation(at)}`,
    `using ${index.method ?? "btree"} (${index.columns.map(quoteColumnOrExpression).join(", ")})`,
  ];
  if (index.include.length > 0) parts.push(`include (${list(index.include)})`);
  if (index.where !== undefined) parts.push(`where ${index.where}`);
  return parts.join(" ");
}

function list(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(", ");
}

function quoteColumnOrExpression(column: string): string {
  return column.startsWith("(") && column.endsWith(")") ? column : quoteIdentifier(column);
}

function indexName(table: string, index: IndexSetting): string {
  if (index.name !== undefined) return index.name;
  const columns = index.columns
    .map((column) => column.replace(/\W+/g, "_").replace(/^_+|_+$/g, ""))
    .join("_");
  return derivedIdentifier(`${table}_${columns}`, index.unique ? "_key" : "_idx");
}

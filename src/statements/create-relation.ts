import {
  derivedIdentifier,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import type { ColumnDescription, RelationAction } from "../project/action.js";
import type { IndexSetting, PostgresSettings } from "../project/postgres-settings.js";
import { alterNoun, type Successor } from "./carry-over.js";
import { managedComment } from "./managed-comment.js";
import { aroundUser, type Statement } from "./statement.js";

/** `create table ... as` the user's query; `at` may be a private schema. */
export function createTableAs(at: RelationName, query: string, settings: PostgresSettings): Statement {
  const kind = settings.unlogged ? "unlogged table" : "table";
  const options = settings.fillfactor === undefined ? "" : ` with (fillfactor = ${settings.fillfactor})`;
  return aroundUser(`create ${kind} ${quoteRelation(at)}${options} as\n`, query, "\n");
}

/** `create view`, or `create or replace view`. */
export function createView(at: RelationName, query: string, replace: boolean): Statement {
  return aroundUser(`create ${replace ? "or replace " : ""}view ${quoteRelation(at)} as\n`, query, "\n");
}

/** `create materialized view`, filled. */
export function createMaterializedView(at: RelationName, query: string): Statement {
  return aroundUser(`create materialized view ${quoteRelation(at)} as\n`, query, "\n");
}

/** Names of the indexes and constraints that a model's settings make, in the order of `keyStatements`. */
export function keyNames(table: string, settings: PostgresSettings): string[] {
  return [
    ...(settings.primaryKey.length > 0 ? [derivedIdentifier(table, "_pkey")] : []),
    ...settings.indexes.map((index) => indexName(table, index)),
    ...settings.foreignKeys.map((key) => derivedIdentifier(`${table}_${key.columns.join("_")}`, "_fkey")),
  ];
}

/**
 * Primary key, indexes and foreign keys of a model's settings. Names are stable: they derive from the table's name and the
 * columns, never from a run. Each is marked, so that the next rebuild knows it for the model's.
 */
export function keyStatements(at: RelationName, settings: PostgresSettings): string[] {
  const table = quoteRelation(at);
  const statements: string[] = [];
  if (settings.primaryKey.length > 0) {
    const name = derivedIdentifier(at.name, "_pkey");
    statements.push(
      `alter table ${table} add constraint ${quoteIdentifier(name)} primary key (${settings.primaryKey.map(quoteIdentifier).join(", ")})`,
      `comment on index ${quoteRelation({ schema: at.schema, name })} is ${quoteLiteral(managedComment)}`,
    );
  }
  for (const index of settings.indexes) {
    const name = indexName(at.name, index);
    statements.push(
      createIndex(at, name, index),
      `comment on index ${quoteRelation({ schema: at.schema, name })} is ${quoteLiteral(managedComment)}`,
    );
  }
  for (const key of settings.foreignKeys) {
    const name = quoteIdentifier(derivedIdentifier(`${at.name}_${key.columns.join("_")}`, "_fkey"));
    const [schema = "", referenced = ""] = key.references.split(".");
    statements.push(
      `alter table ${table} add constraint ${name} foreign key (${key.columns.map(quoteIdentifier).join(", ")}) ` +
        `references ${quoteRelation({ schema, name: referenced })} (${key.referencedColumns.map(quoteIdentifier).join(", ")})`,
      `comment on constraint ${name} on ${table} is ${quoteLiteral(managedComment)}`,
    );
  }
  return statements;
}

function createIndex(at: RelationName, name: string, index: IndexSetting): string {
  const parts = [
    `create ${index.unique ? "unique " : ""}index ${quoteIdentifier(name)} on ${quoteRelation(at)}`,
    `using ${index.method ?? "btree"} (${index.columns.map(quoteColumnOrExpression).join(", ")})`,
  ];
  if (index.include.length > 0) parts.push(`include (${index.include.map(quoteIdentifier).join(", ")})`);
  if (index.where !== undefined) parts.push(`where ${index.where}`);
  return parts.join(" ");
}

function quoteColumnOrExpression(column: string): string {
  return column.startsWith("(") ? column : quoteIdentifier(column);
}

function indexName(table: string, index: IndexSetting): string {
  if (index.name !== undefined) return index.name;
  const columns = index.columns
    .map((column) => column.replace(/\W+/g, "_").replace(/^_+|_+$/g, ""))
    .join("_");
  return derivedIdentifier(`${table}_${columns}`, index.unique ? "_key" : "_idx");
}

/** Comments from the model's descriptions, for columns that exist. */
export function commentStatements(
  at: RelationName,
  kind: Successor["kind"],
  action: { readonly description?: string; readonly columns: readonly ColumnDescription[] },
  existing: ReadonlySet<string>,
): string[] {
  const name = quoteRelation(at);
  const statements: string[] = [];
  if (action.description !== undefined) {
    statements.push(`comment on ${alterNoun(kind)} ${name} is ${quoteLiteral(action.description)}`);
  }
  for (const column of action.columns) {
    if (column.description === undefined || !existing.has(column.name)) continue;
    statements.push(
      `comment on column ${name}.${quoteIdentifier(column.name)} is ${quoteLiteral(column.description)}`,
    );
  }
  return statements;
}

/** Columns whose comments the model gives, "" for the relation's own. */
export function describedColumns(action: RelationAction): ReadonlySet<string> {
  return new Set([
    ...(action.description === undefined ? [] : [""]),
    ...action.columns.filter((column) => column.description !== undefined).map((column) => column.name),
  ]);
}

/** Grants of a model's settings. */
export function grantStatements(at: RelationName, settings: PostgresSettings): string[] {
  return Object.entries(settings.grants).map(
    ([privilege, roles]) =>
      `grant ${privilege} on ${quoteRelation(at)} to ${roles
        .map((role) => (role.toLowerCase() === "public" ? "public" : quoteIdentifier(role)))
        .join(", ")}`,
  );
}

import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { ColumnDescription, RelationAction } from "../project/action.js";
import type { PostgresSettings } from "../project/postgres-settings.js";
import { alterNoun, type Successor } from "./carry-over.js";
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

import {
  formatRelation,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import type { DependentView, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { quoteOption, type Successor } from "./carry-over.js";

/** One relation that is exchanged for its successor. */
export interface Exchange {
  readonly name: RelationName;
  readonly successor: Successor;
  readonly columnTypes: ReadonlyMap<string, string>;
  /** Partitions that stand beside the successor and move with it. */
  readonly partitions: readonly string[];
  /** True when the private schema that the successor leaves is to stay. */
  readonly isKept: boolean;
  /** Of the old version. */
  readonly facts: RelationFacts;
}

/** The same words mean the new version as long as its schema comes first. */
export function inReachOf({ successor, name }: Exchange): string {
  const schemas = [successor.relation.schema, name.schema].map(quoteIdentifier);
  return `set local search_path = ${schemas.join(", ")}`;
}

export function readsRelation(exchange: Exchange, view: DependentView): boolean {
  return exchange.facts.views.some((each) => each.schema === view.schema && each.name === view.name);
}

/** Columns that a view reads and the new version lacks or has with another type. */
export function lostColumns(exchange: Exchange, view: DependentView): string[] {
  const reads = exchange.facts.views.find((each) => each.schema === view.schema && each.name === view.name);
  const before = new Map(exchange.facts.columns.map((column) => [column.name, column.type]));
  return (reads?.readsColumns ?? []).flatMap((column) => {
    const type = exchange.columnTypes.get(column);
    if (type === undefined) return [`column ${formatRelation(exchange.name)}.${column}, which goes away`];
    if (type === before.get(column)) return [];
    return [
      `column ${formatRelation(exchange.name)}.${column}, which becomes ${type} (was ${before.get(column) ?? "?"})`,
    ];
  });
}

export function repointView(view: DependentView, exchange: Exchange): string[] {
  const columns = view.columns.map(quoteIdentifier).join(", ");
  const options = view.options.length === 0 ? "" : ` with (${view.options.map(quoteOption).join(", ")})`;
  return [
    inReachOf(exchange),
    `create or replace view ${quoteRelation(view)} (${columns})${options} as ${view.definition.replace(/;\s*$/, "")}`,
  ];
}

const dropNouns = {
  table: "table",
  "partitioned table": "table",
  view: "view",
  "materialized view": "materialized view",
  other: "table",
} as const;

/** Drops the old version, never with cascade: an overlooked dependent stops the swap. Then moves the new one in. */
export function exchangeStatements({ name, facts, successor, partitions, isKept }: Exchange): string[] {
  const schema = quoteIdentifier(name.schema);
  const from = successor.relation.schema;
  const isTable = successor.kind === "table" || successor.kind === "partitioned table";
  return [
    `drop ${dropNouns[facts.kind]} ${quoteRelation(name)} restrict`,
    `alter ${dropNouns[successor.kind]} ${quoteRelation(successor.relation)} set schema ${schema}`,
    ...partitions.map(
      (partition) => `alter table ${quoteRelation({ schema: from, name: partition })} set schema ${schema}`,
    ),
    ...(isTable || successor.kind === "materialized view"
      ? facts.statistics.map(
          (each) =>
            `alter statistics ${quoteRelation({ schema: from, name: each.name })} set schema ${quoteIdentifier(each.schema)}`,
        )
      : []),
    ...(isKept ? [] : [`drop schema ${quoteIdentifier(from)} restrict`]),
  ];
}

export function isTableLike(kind: RelationFacts["kind"]): boolean {
  return kind === "table" || kind === "partitioned table";
}

/** Takes back what default privileges gave to a successor: the old version's grants are all it is to have. */
export function revokeDefaults(relation: RelationName): string {
  return `do $aquifer$
declare grantee text;
begin
  for grantee in
    select distinct case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
    from pg_catalog.pg_class, pg_catalog.aclexplode(relacl) as acl
    where pg_class.oid = ${quoteLiteral(quoteRelation(relation))}::regclass and acl.grantee <> relowner
  loop
    execute ${quoteLiteral(`revoke all on ${quoteRelation(relation)} from `)} || grantee;
  end loop;
end $aquifer$`;
}

import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { ColumnFact } from "../warehouse/catalog/relation-facts.js";
import type { PartitionSetting } from "../project/postgres-settings.js";
import { lowerBound } from "./partitions.js";
import { aroundUser, type Statement } from "./statement.js";

/** Materialises the new rows of an incremental table once; the temporary table goes with the transaction. */
export function createDelta(delta: string, query: string): Statement {
  return aroundUser(`create temporary table ${quoteIdentifier(delta)} on commit drop as\n`, query, "\n");
}

/** Counts rows of the delta whose key is null or stands there twice: columns `null_keys` and `duplicate_keys`. */
export function keyFaults(delta: RelationName, key: readonly string[]): string {
  const columns = key.map(quoteIdentifier);
  return `select
  (select count(*) from ${quoteRelation(delta)} where ${columns.map((column) => `${column} is null`).join(" or ")}) as null_keys,
  (select count(*) from (select from ${quoteRelation(delta)} group by ${columns.join(", ")} having count(*) > 1) as keys) as duplicate_keys`;
}

/** Adds every row of the delta. */
export function appendRows(target: RelationName, delta: RelationName, columns: readonly string[]): string {
  const list = columns.map(quoteIdentifier).join(", ");
  return `insert into ${quoteRelation(target)} (${list}) select ${list} from ${quoteRelation(delta)}`;
}

/** Updates rows whose key is known, inserts the others. */
export function mergeRows(
  target: RelationName,
  delta: RelationName,
  columns: readonly string[],
  key: readonly string[],
): string {
  const on = key
    .map((column) => `target.${quoteIdentifier(column)} = delta.${quoteIdentifier(column)}`)
    .join(" and ");
  const rest = columns.filter((column) => !key.includes(column));
  const update =
    rest.length === 0
      ? "do nothing"
      : `update set ${rest.map((column) => `${quoteIdentifier(column)} = delta.${quoteIdentifier(column)}`).join(", ")}`;
  return `merge into ${quoteRelation(target)} as target
using ${quoteRelation(delta)} as delta on ${on}
when matched then ${update}
when not matched then insert (${columns.map(quoteIdentifier).join(", ")})
  values (${columns.map((column) => `delta.${quoteIdentifier(column)}`).join(", ")})`;
}

/** Removes the partitions' worth of rows that the delta brings anew; rows without a value are a partition too. */
export function deleteOverwritten(
  target: RelationName,
  delta: RelationName,
  partition: PartitionSetting,
): string {
  const column = quoteIdentifier(partition.column);
  const unit = partition.kind === "range" ? lowerBound(partition) : column;
  return `delete from ${quoteRelation(target)}
where ${unit} in (select ${unit} from ${quoteRelation(delta)})
  or (${column} is null and exists (select from ${quoteRelation(delta)} where ${column} is null))`;
}

/** How the columns of a query differ from those of the table it feeds. */
export interface ColumnDifference {
  readonly added: readonly ColumnFact[];
  readonly removed: readonly ColumnFact[];
  readonly retyped: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

export function compareColumns(
  current: readonly ColumnFact[],
  next: readonly ColumnFact[],
): ColumnDifference {
  const before = new Map(current.map((column) => [column.name, column]));
  const after = new Map(next.map((column) => [column.name, column]));
  return {
    added: next.filter((column) => !before.has(column.name)),
    removed: current.filter((column) => !after.has(column.name)),
    retyped: next.flatMap((column) => {
      const from = before.get(column.name)?.type;
      return from !== undefined && from !== column.type ? [{ name: column.name, from, to: column.type }] : [];
    }),
  };
}

/** `alter table` that adds and drops columns; restricts where something reads a dropped one. */
export function alterColumns(
  target: RelationName,
  added: readonly ColumnFact[],
  removed: readonly ColumnFact[],
): string[] {
  const changes = [
    ...added.map((column) => `add column ${quoteIdentifier(column.name)} ${column.type}`),
    ...removed.map((column) => `drop column ${quoteIdentifier(column.name)}`),
  ];
  return changes.length === 0 ? [] : [`alter table ${quoteRelation(target)} ${changes.join(", ")}`];
}

/** Column `name` of those whose new type PostgreSQL would fit into the old one by rounding or cutting, or not at all. */
export function lossyTypes(retyped: ColumnDifference["retyped"]): string {
  const list = (texts: readonly string[]): string => `array[${texts.map(quoteLiteral).join(", ")}]::text[]`;
  const [names, old, fresh] = [
    retyped.map(({ name }) => name),
    retyped.map(({ from }) => from),
    retyped.map(({ to }) => to),
  ].map(list);
  return `select retyped.name from unnest(${names}, ${old}, ${fresh}) as retyped (name, old, new)
where old like '%(%' or not (old::regtype = new::regtype or exists (
  select from pg_catalog.pg_cast where castsource = new::regtype and casttarget = old::regtype
    and (castcontext = 'i' or castmethod = 'b')))`;
}

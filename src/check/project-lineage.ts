import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import { isRelationAction } from "../project/action.js";
import { renderSql, type ReportRef } from "../project/report-sql.js";
import type { Queryable } from "../warehouse/warehouse.js";
import type { CheckContext } from "./check-context.js";
import type { CheckedReport } from "./check-report.js";
import { queryLineage, type ColumnNumber, type QueryLineage } from "./query-lineage.js";

/** A column of the warehouse or of a report's query: `gold.orders.amount`, `report sales/orders: by_day.amount`. */
export type ColumnKey = string;

/** Where each column comes from: one entry for every column that a model or a report computes. */
export type Lineage = ReadonlyMap<ColumnKey, ColumnLineage>;

export interface ColumnLineage {
  /** Columns that the value is computed from. */
  readonly from: readonly ColumnKey[];
  /** Columns that filter, join, group or order the rows that it stands in. */
  readonly through: readonly ColumnKey[];
}

/**
 * The lineage of every model and report query, from the server's own analysis: each query is made a view over the empty
 * tables of its inputs, and its rewrite rule read. What is broken, and what is made by operations, has none.
 */
export async function readLineage(
  session: Queryable,
  context: CheckContext,
  reports: readonly CheckedReport[],
  relationOf: (ref: ReportRef) => RelationName,
): Promise<Lineage> {
  const columnName = await columnNames(session);
  const lineage = new Map<ColumnKey, ColumnLineage>();
  const add = (subject: string, query: QueryLineage): void => {
    const keys = (numbers: Iterable<ColumnNumber>): string[] =>
      [...new Set([...numbers].flatMap((each) => columnName(each)))].sort();
    for (const { name, from } of query.outputs) {
      const key = `${subject}.${name}`;
      const before = lineage.get(key);
      lineage.set(key, {
        from: union(before?.from, keys(from)),
        through: union(before?.through, keys(query.through)),
      });
    }
  };
  for (const action of context.actions.values()) {
    if (!isRelationAction(action) || action.disabled || context.broken.has(action.key)) continue;
    const queries = new Set([
      action.query,
      ...(action.kind === "incremental" ? [action.incrementalQuery] : []),
    ]);
    for (const query of queries) {
      // Its pre-operations may make temporary tables that it reads.
      add(action.key, await analysed(session, query, action.preOperations));
    }
  }
  for (const { name, report } of reports) {
    for (const [queryName, query] of Object.entries(report.data)) {
      const { text, values } = renderSql(query.sql, (ref) => quoteRelation(relationOf(ref)));
      const literal = (index: number): string => {
        const value = values[index - 1];
        return value === null || value === undefined ? "null" : quoteLiteral(String(value));
      };
      const plain = text.replace(/\$(\d+)/g, (_, index: string) => literal(Number(index)));
      add(`report ${name}: ${queryName}`, await analysed(session, plain, []));
    }
  }
  return lineage;
}

/** Every column that lies behind (`from`) or reads a column, directly or through others, with its distance. */
export function reachableColumns(
  lineage: Lineage,
  start: ColumnKey,
  direction: "sources" | "readers",
): ReadonlyMap<ColumnKey, number> {
  const readers = direction === "readers" ? reversed(lineage) : undefined;
  const next = (key: ColumnKey): readonly ColumnKey[] =>
    readers?.get(key) ?? (readers ? [] : (lineage.get(key)?.from ?? []));
  const found = new Map<ColumnKey, number>();
  let edge: readonly ColumnKey[] = [start];
  for (let distance = 1; edge.length > 0; distance++) {
    edge = [...new Set(edge.flatMap(next))].filter((key) => key !== start && !found.has(key));
    for (const key of edge) found.set(key, distance);
  }
  return found;
}

/** For each column those computed from it. */
export function reversed(lineage: Lineage): ReadonlyMap<ColumnKey, readonly ColumnKey[]> {
  const readers = new Map<ColumnKey, ColumnKey[]>();
  for (const [key, { from }] of lineage) {
    for (const source of from) readers.set(source, [...(readers.get(source) ?? []), key]);
  }
  return readers;
}

async function analysed(
  session: Queryable,
  query: string,
  preOperations: readonly string[],
): Promise<QueryLineage> {
  await session.query("begin");
  try {
    for (const operation of preOperations) await session.query(operation);
    await session.query(`create temp view aquifer_lineage_view as\n${query}\n`);
    const { rows } = await session.query<{ action: string }>(
      "select ev_action::text as action from pg_rewrite where ev_class = 'pg_temp.aquifer_lineage_view'::regclass",
    );
    return queryLineage(rows[0]?.action ?? "()");
  } finally {
    await session.query("rollback");
  }
}

/** Names of columns by the catalog's numbers; several for a whole row, none for system columns. */
async function columnNames(session: Queryable): Promise<(column: ColumnNumber) => readonly ColumnKey[]> {
  const { rows } = await session.query<{ relation: number; column: number; key: string }>(
    `select a.attrelid as relation, a.attnum as column, n.nspname || '.' || c.relname || '.' || a.attname as key
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
       and n.nspname not in ('pg_catalog', 'information_schema')
     order by a.attrelid, a.attnum`,
  );
  const byNumber = new Map<string, ColumnKey[]>();
  for (const { relation, column, key } of rows) {
    byNumber.set(`${relation}.${column}`, [key]);
    byNumber.set(`${relation}.0`, [...(byNumber.get(`${relation}.0`) ?? []), key]);
  }
  return (column) => byNumber.get(column) ?? [];
}

function union(a: readonly string[] = [], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import { isRelationAction, type RelationAction } from "../project/action.js";
import { renderSql, type ReportRef } from "../project/report-sql.js";
import type { Queryable } from "../warehouse/warehouse.js";
import type { CheckContext } from "./check-context.js";
import type { CheckedReport } from "./check-report.js";
import { LineageCollector, readColumnNames } from "./lineage-collector.js";
import { analyseQuery, analyseStatements } from "./statement-lineage.js";

/** A column of the warehouse or of a report's query: `gold.orders.amount`, `report sales/orders: by_day.amount`. */
export type ColumnKey = string;

/** Where each column comes from: one entry for every column that a model or a report computes. */
export type Lineage = ReadonlyMap<ColumnKey, ColumnLineage>;

export interface ColumnLineage {
  /** What it is a column of: `gold.orders`, `report sales/orders: by_day`. */
  readonly subject: string;
  /** Columns that the value is computed from. */
  readonly from: readonly ColumnKey[];
  /** Columns that filter, join, group or order the rows that it stands in. */
  readonly through: readonly ColumnKey[];
}

/**
 * The lineage of every model and report query and of what operations write, from the server's own analysis: each query is
 * made a view over the empty tables of its inputs and its rewrite rule read, each statement that changes data a function.
 * What is broken has none.
 */
export async function readLineage(
  session: Queryable,
  context: CheckContext,
  reports: readonly CheckedReport[],
  relationOf: (ref: ReportRef) => RelationName,
): Promise<Lineage> {
  const collected = new LineageCollector(await readColumnNames(session));
  for (const action of context.actions.values()) {
    if (action.disabled || action.jitCode !== undefined || context.broken.has(action.key)) continue;
    if (action.kind === "operations") {
      await inTransaction(session, async () =>
        collected.addWrites(await analyseStatements(session, action.queries)),
      );
    } else if (isRelationAction(action)) {
      for (const form of formsOf(action)) {
        await inTransaction(session, () => readForm(session, collected, action, form));
      }
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
      await inTransaction(session, async () =>
        collected.addQuery(`report ${name}: ${queryName}`, await analyseQuery(session, plain)),
      );
    }
  }
  return collected.lineage;
}

interface Form {
  readonly before: readonly string[];
  readonly query: string;
  readonly after: readonly string[];
  /** Columns that say which row is replaced. */
  readonly key: readonly string[];
}

/** What a model runs the first time, and what it runs to add rows. */
function formsOf(action: RelationAction): Form[] {
  const { preOperations: before, query, postOperations: after } = action;
  const first = { before, query, after, key: [] };
  if (action.kind !== "incremental") return [first];
  const { incrementalPreOperations, incrementalQuery, incrementalPostOperations, strategy, uniqueKey } =
    action;
  const again = {
    before: incrementalPreOperations,
    query: incrementalQuery,
    after: incrementalPostOperations,
    key: strategy === "merge" ? uniqueKey : [],
  };
  return JSON.stringify(again) === JSON.stringify(first) ? [first] : [first, again];
}

async function readForm(
  session: Queryable,
  collected: LineageCollector,
  action: RelationAction,
  form: Form,
): Promise<void> {
  collected.addWrites(await analyseStatements(session, form.before));
  const analysed = await analyseQuery(session, form.query);
  const keys = analysed.outputs.filter(({ name }) => form.key.includes(name));
  const through = new Set([...analysed.through, ...keys.flatMap(({ from }) => [...from])]);
  collected.addQuery(action.key, { outputs: analysed.outputs, through });
  collected.addWrites(await analyseStatements(session, form.after));
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

/** Nothing that is made for the analysis remains. */
async function inTransaction(session: Queryable, body: () => Promise<void>): Promise<void> {
  await session.query("begin");
  try {
    await body();
  } finally {
    await session.query("rollback");
  }
}

import { quoteLiteral } from "../base/identifiers.js";
import type { StandingColumn } from "../warehouse/catalog/relation-facts.js";
import { standingColumns } from "../warehouse/catalog/standing-columns.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { ActionSession } from "./action-session.js";

/**
 * The columns that a query brings, told by the server without running it; undefined where it cannot tell, because the query
 * has a fault or only runs where it stands alone. A view of it is asked, and undone: the description of a result would name
 * the base type of a domain. Leaves a savepoint.
 */
export async function nextColumns(
  session: ActionSession,
  query: string,
): Promise<readonly StandingColumn[] | undefined> {
  const view = `create temporary view aquifer_columns as select * from (\n${query}\n) as query`;
  // As a value: a fault of syntax would keep the savepoint from being made, and with it all that follows.
  const text = `savepoint columns;
do ${quoteLiteral(`begin execute ${quoteLiteral(view)}; end`)};
select ${standingColumns("'pg_temp.aquifer_columns'::regclass")} as columns`;
  let columns: readonly StandingColumn[] | undefined;
  try {
    const answer = await session.plain.query<{ columns: readonly StandingColumn[] }>(text);
    columns = answer.rows[0]?.columns;
  } catch (thrown) {
    if (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss || thrown.isRetryable) throw thrown;
  }
  session.defer("rollback to savepoint columns");
  return columns;
}

/** True when a query brings what stands there: the same names with the same types, in any order. */
export function bringsSameColumns(
  standing: readonly StandingColumn[],
  next: readonly StandingColumn[],
): boolean {
  const byName = new Map(next.map((column) => [column.name, column]));
  return (
    byName.size === standing.length &&
    standing.every(({ name, typeId, typeModifier }) => {
      const column = byName.get(name);
      return column?.typeId === typeId && column.typeModifier === typeModifier;
    })
  );
}

/** Types by column name, as `format_type` writes them. */
export function typesOf(columns: readonly StandingColumn[]): ReadonlyMap<string, string> {
  return new Map(columns.map(({ name, type }) => [name, type]));
}

import { quoteLiteral } from "../base/identifiers.js";
import { aroundUser } from "../statements/statement.js";
import type { StandingColumn } from "../warehouse/catalog/relation-facts.js";
import type { Queryable, ResultColumn } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";

/**
 * The columns that a query brings, told by the server without running it; undefined where it cannot tell, because the query
 * has a fault or only runs where it stands alone. Leaves a savepoint.
 */
export async function nextColumns(
  transaction: Queryable,
  query: string,
): Promise<readonly ResultColumn[] | undefined> {
  const { text } = aroundUser("savepoint columns; select * from (\n", query, "\n) as query limit 0");
  try {
    return (await transaction.query(text)).columns;
  } catch (thrown) {
    if (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss || thrown.isRetryable) throw thrown;
    await transaction.query("rollback to savepoint columns");
    return undefined;
  }
}

/** True when a query brings what stands there: the same names with the same types, in any order. */
export function bringsSameColumns(
  standing: readonly StandingColumn[],
  next: readonly ResultColumn[],
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
export async function typesOf(
  transaction: Queryable,
  columns: readonly ResultColumn[],
): Promise<ReadonlyMap<string, string>> {
  const rows = columns.map(
    ({ name, typeId, typeModifier }) => `(${quoteLiteral(name)}, ${typeId}::oid, ${typeModifier})`,
  );
  const answer = await transaction.query<{ name: string; type: string }>(
    `select name, pg_catalog.format_type(id, modifier) as type from (values ${rows.join(", ")}) as columns (name, id, modifier)`,
  );
  return new Map(answer.rows.map(({ name, type }) => [name, type]));
}

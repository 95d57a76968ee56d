import pg from "pg";
import { WarehouseError, type ServerMessage } from "../warehouse-error.js";

/** What `pg` threw, as a WarehouseError with the server's fields. */
export function toWarehouseError(error: Error, statement: string | undefined): WarehouseError {
  if (error instanceof WarehouseError) return error;
  if (!(error instanceof pg.DatabaseError)) {
    return new WarehouseError({ message: error.message }, statement, error);
  }
  const fields: [keyof ServerMessage, string | number | undefined][] = [
    ["sqlState", error.code],
    ["detail", error.detail],
    ["hint", error.hint],
    ["position", error.position === undefined ? undefined : Number(error.position)],
    ["internalPosition", error.internalPosition === undefined ? undefined : Number(error.internalPosition)],
    ["internalQuery", error.internalQuery],
    ["where", error.where],
    ["schema", error.schema],
    ["table", error.table],
    ["column", error.column],
    ["constraint", error.constraint],
  ];
  const known = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  return new WarehouseError({ message: error.message, ...known }, statement, error);
}

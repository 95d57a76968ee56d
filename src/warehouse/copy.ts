import { pipeline } from "node:stream/promises";
import type { Readable, Writable } from "node:stream";
import pg from "pg";
import { asError } from "../base/errors.js";
import { toWarehouseError } from "./postgres/server-error.js";
import type { Copying } from "./warehouse.js";

/**
 * Sends everything that `source` yields to `copy ... from stdin`; resolves with the number of rows taken. When the source
 * fails, nothing is loaded and its error is thrown; what the server refuses is a `WarehouseError`.
 *
 * @example await copyIn(session, "copy bronze.orders from stdin (format csv)", createReadStream("orders.csv"));
 */
export async function copyIn(
  session: Copying,
  statement: string,
  source: Readable,
  options: { readonly signal?: AbortSignal } = {},
): Promise<number> {
  const copy = session.copyFrom(statement);
  let sourceFailure: Error | undefined;
  source.once("error", (error) => (sourceFailure = error));
  // After the first error the stream may emit the server's answer to our giving up: it is no second failure.
  copy.on("error", () => undefined);
  try {
    await pipeline(source, copy, options);
    return copy.rowCount;
  } catch (thrown) {
    throw sourceFailure ?? serverFailure(asError(thrown), statement);
  }
}

/** Writes what `copy ... to stdout` yields into `sink`. */
export async function copyOut(
  session: Copying,
  statement: string,
  sink: Writable,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  try {
    await pipeline(session.copyTo(statement), sink, options);
  } catch (thrown) {
    throw serverFailure(asError(thrown), statement);
  }
}

/** Errors of the server and of the connection; a sink's own and an abort stay as they are. */
function serverFailure(error: Error, statement: string): Error {
  const isConnection = /^Connection terminated|^Client has encountered/.test(error.message);
  return error instanceof pg.DatabaseError || isConnection ? toWarehouseError(error, statement) : error;
}

import { AquiferError } from "../base/errors.js";

/** What the server said, field by field (https://www.postgresql.org/docs/current/protocol-error-fields.html). */
export interface ServerMessage {
  /** SQLSTATE, such as `42P01`; undefined when the connection itself failed. */
  readonly sqlState?: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Position in the statement's text, counted in characters (code points) from 1. */
  readonly position?: number;
  readonly internalPosition?: number;
  readonly internalQuery?: string;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

/** A statement that the server refused, or a connection that broke. */
export class WarehouseError extends AquiferError {
  readonly server: ServerMessage;
  /** The statement as sent. */
  readonly statement: string | undefined;

  constructor(server: ServerMessage, statement: string | undefined, cause?: unknown) {
    super(`postgres error: ${server.message}`, {
      code: server.sqlState === undefined ? "connection" : `sql-${server.sqlState}`,
      ...(server.hint === undefined ? {} : { hint: server.hint }),
      details: server.detail === undefined ? [] : [`detail: ${server.detail}`],
      cause,
    });
    this.name = "WarehouseError";
    this.server = server;
    this.statement = statement;
  }

  /** The connection is gone, or the server stops: class 08 and 57P. */
  get isConnectionLoss(): boolean {
    const state = this.server.sqlState;
    return state === undefined || state.startsWith("08") || state.startsWith("57P");
  }

  /**
   * Serialization failure, deadlock or lock time-out: the same transaction may succeed when tried again. So may one that
   * met a catalog entry at the moment when another transaction replaced it, which the server reports as internal error.
   */
  get isRetryable(): boolean {
    const { sqlState, message } = this.server;
    if (sqlState === "XX000")
      return /could not open relation with OID|cache lookup failed|tuple concurrently/.test(message);
    return ["40001", "40P01", "55P03"].includes(sqlState ?? "");
  }
}

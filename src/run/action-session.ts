import { performance } from "node:perf_hooks";
import { AquiferError } from "../base/errors.js";
import type { Action } from "../project/action.js";
import type { Statement } from "../statements/statement.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable, QueryResult, Row } from "../warehouse/warehouse.js";
import { actionError, type Locate } from "./action-error.js";

/**
 * The connection that one action works on: every statement carries a comment that says whose it is (for
 * `pg_stat_activity` and the server's log), and errors name the user's file.
 */
export class ActionSession implements Queryable {
  private readonly comment: string;

  constructor(
    private readonly connection: Queryable,
    readonly action: Action,
    runId: string,
    private readonly locate: Locate | undefined,
    private readonly signal?: AbortSignal,
  ) {
    const label = `run ${runId} action ${action.key}`.replaceAll("*/", "* /").replaceAll("/*", "/ *");
    this.comment = `/* aquifer: ${label} */ `;
  }

  /** A statement of ours. */
  query<R = Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>> {
    return this.send<R>({ text }, values);
  }

  /** A statement that holds text of the user's. */
  send<R = Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<R>> {
    if (this.signal?.aborted === true) {
      throw new AquiferError("Cancelled", { code: "cancelled", location: { file: this.action.file } });
    }
    const sent = this.comment + statement.text;
    return this.connection.query<R>(sent, values).catch((thrown: unknown) => {
      // What may succeed when tried again, and what says that the connection is gone, keeps its own class.
      if (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss || thrown.isRetryable) throw thrown;
      throw actionError(thrown, this.action, statement, sent, this.locate);
    });
  }

  /** Several statements of ours in one round trip. */
  async batch(statements: readonly string[]): Promise<void> {
    if (statements.length > 0) await this.query(statements.join(";\n"));
  }

  /** The connection without comment and mapping, for prepared statements. */
  get plain(): Queryable {
    return this.connection;
  }
}

/** Milliseconds since an arbitrary start. */
export function milliseconds(): number {
  return performance.now();
}

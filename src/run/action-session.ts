import { performance } from "node:perf_hooks";
import { AquiferError } from "../base/errors.js";
import type { Action } from "../project/action.js";
import type { Statement } from "../statements/statement.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable, QueryOptions, QueryResult, Row, Step } from "../warehouse/warehouse.js";
import { actionError, type Locate } from "./action-error.js";

/**
 * The connection that one action works on: every statement carries a comment that says whose it is (for
 * `pg_stat_activity` and the server's log), and errors name the user's file.
 */
export class ActionSession implements Queryable {
  private readonly comment: string;
  private readonly deferred: string[] = [];

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
  async send<R = Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<R>> {
    this.refuseCancelled();
    if (values !== undefined || (statement.user !== undefined && this.defersBoundary())) await this.flush();
    const sent = this.comment + [...this.deferred.splice(0), statement.text].join(";\n");
    return this.connection.query<R>(sent, values).catch((thrown: unknown) => {
      throw this.mapped(thrown, statement, sent);
    });
  }

  /** Statements that go along with the next one: whose answer nobody waits for needs no round trip of its own. */
  defer(...statements: readonly string[]): void {
    this.deferred.push(...statements);
  }

  /**
   * Sends what was deferred. The server runs nothing of a message that holds a fault of syntax: before text that is not ours
   * goes what a transaction or savepoint begins with.
   */
  async flush(): Promise<void> {
    const statements = this.deferred.splice(0);
    if (statements.length > 0) await this.batch(statements);
  }

  private defersBoundary(): boolean {
    return this.deferred.some((each) => /^(begin|savepoint)\b/.test(each));
  }

  async sequence(steps: readonly Step[]): Promise<readonly QueryResult<Row>[]> {
    this.refuseCancelled();
    const text = this.comment + [...this.deferred, ...steps.map((step) => step.text)].join(";\n");
    return this.goAlong(steps, this.comment).catch((thrown: unknown) => {
      const sent = thrown instanceof WarehouseError ? (thrown.statement ?? text) : text;
      throw this.mapped(thrown, { text: sent }, sent);
    });
  }

  /** A sequence, and before it what was deferred. */
  private async goAlong(steps: readonly Step[], comment = ""): Promise<readonly QueryResult<Row>[]> {
    const deferred = this.deferred.splice(0);
    const [first, ...rest] = [...deferred.map((text): Step => ({ text })), ...steps];
    if (first === undefined) return [];
    const isOneText = first.prepare === undefined;
    const answers = await this.connection.sequence([
      isOneText ? { ...first, text: comment + first.text } : first,
      ...rest,
    ]);
    return answers.slice(deferred.length);
  }

  private refuseCancelled(): void {
    if (this.signal?.aborted === true)
      throw new AquiferError("Cancelled", { code: "cancelled", location: { file: this.action.file } });
  }

  /** What may succeed when tried again, and what says that the connection is gone, keeps its own class. */
  private mapped(thrown: unknown, statement: Statement, sent: string): unknown {
    if (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss || thrown.isRetryable) return thrown;
    return actionError(thrown, this.action, statement, sent, this.locate);
  }

  /** Several statements of ours in one round trip. */
  async batch(statements: readonly string[]): Promise<void> {
    if (statements.length > 0) await this.query(statements.join(";\n"));
  }

  /** The connection without comment and mapping. */
  readonly plain: Queryable = {
    query: async <R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions) => {
      if (values !== undefined) await this.flush();
      return this.connection.query<R>([...this.deferred.splice(0), text].join(";\n"), values, options);
    },
    sequence: (steps) => this.goAlong(steps),
  };
}

/** Milliseconds since an arbitrary start. */
export function milliseconds(): number {
  return performance.now();
}

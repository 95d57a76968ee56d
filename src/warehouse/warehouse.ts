import type { Readable, Writable } from "node:stream";

/** What a command says about where it writes. Never holds a secret. */
export interface WarehouseTarget {
  readonly kind: "embedded" | "server";
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Which rule chose this server: `embedded`, `--credentials x.json`, `DATABASE_URL`, `PGHOST` ... */
  readonly origin: string;
}

export type Row = Readonly<Record<string, unknown>>;

export interface QueryResult<R> {
  readonly rows: readonly R[];
  /** Rows returned or changed by the (last) statement. */
  readonly rowCount: number;
}

export interface QueryOptions {
  readonly prepare?: string;
}

/** One statement of a sequence; `prepare` as in `QueryOptions`. */
export interface Step {
  readonly text: string;
  readonly values?: readonly (string | number)[];
  readonly prepare?: string;
}

/** Anything that runs a statement. Values travel as parameters ($1, $2 ...), or as quoted literals of an `execute`. */
export interface Queryable {
  /**
   * Runs one statement, or several separated by semicolons when no values are given (the last result counts).
   * `bigint` and `numeric` arrive as strings, dates and timestamps as strings too: no silent loss of precision.
   * Throws a `WarehouseError`.
   *
   * @param options.prepare name of a prepared statement: parsed and planned once a connection, for statements whose
   *   planning costs more than their work. One name always stands for one text.
   */
  query<R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>>;
  /**
   * Runs single statements one after another, for use in a transaction, in one round trip once what is prepared is so. Returns
   * what each returned. A fault of syntax in one of them can keep all from being run.
   */
  sequence(steps: readonly Step[]): Promise<readonly QueryResult<Row>[]>;
}

/** One connection, held for as long as the callback that received it runs. */
export interface Session extends Queryable {
  /** The server's process id of this connection, for cancelling and for logs. */
  readonly backendPid: number;
  /** `begin`, the callback, `commit`; `rollback` when the callback throws. Not to be nested. */
  transaction<T>(body: (transaction: Queryable & Copying) => Promise<T>): Promise<T>;
}

export interface Copying {
  /** A stream into `copy ... from stdin`; ends when the server has taken all rows. */
  copyFrom(statement: string): Writable & { readonly rowCount: number };
  /** A stream out of `copy ... to stdout`. */
  copyTo(statement: string): Readable;
}

/** A PostgreSQL database behind a pool of connections. */
export interface Warehouse extends Queryable {
  readonly target: WarehouseTarget;
  /** `server_version_num`, such as 180004. */
  readonly serverVersion: number;
  /** Most connections this warehouse opens at once. */
  readonly maxSessions: number;
  /** Lends one connection to the callback; waits when all are lent. A connection whose callback threw is checked before it is lent again. */
  withSession<T>(body: (session: Session & Copying) => Promise<T>): Promise<T>;
  /** Cancels what a backend runs now (`pg_cancel_backend`), over a connection of its own. */
  cancel(backendPid: number): Promise<void>;
  close(): Promise<void>;
}

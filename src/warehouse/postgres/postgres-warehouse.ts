import type { Readable, Writable } from "node:stream";
import pg from "pg";
import copyStreams from "pg-copy-streams";
import { asError } from "../../base/errors.js";
import type {
  Copying,
  QueryOptions,
  QueryResult,
  Queryable,
  Row,
  Session,
  Warehouse,
  WarehouseTarget,
} from "../warehouse.js";
import { toWarehouseError } from "./server-error.js";

export interface PostgresOptions {
  readonly target: WarehouseTarget;
  readonly client: pg.ClientConfig;
  readonly maxSessions: number;
}

/** Types that JavaScript would change are kept as the server's text: everything but booleans, small integers, floats and JSON. */
const keptParsers = new Set<number>([
  pg.types.builtins.BOOL,
  pg.types.builtins.INT2,
  pg.types.builtins.INT4,
  pg.types.builtins.OID,
  pg.types.builtins.FLOAT4,
  pg.types.builtins.FLOAT8,
  pg.types.builtins.JSON,
  pg.types.builtins.JSONB,
]);

const getParser = pg.types.getTypeParser as (oid: number, format?: unknown) => unknown;

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: unknown) =>
    keptParsers.has(oid) ? getParser(oid, format) : (text: string) => text,
};

/** Opens a pool on a PostgreSQL server and checks that it answers. */
export async function connectPostgres(options: PostgresOptions): Promise<Warehouse> {
  const pool = new pg.Pool({ ...options.client, types, max: options.maxSessions, idleTimeoutMillis: 0 });
  // An idle connection that breaks is replaced at the next use; the error there says what matters.
  pool.on("error", () => undefined);
  try {
    const answer = await run<{ version: number }>(
      pool,
      "select current_setting('server_version_num')::int as version",
    );
    return new PostgresWarehouse(options, pool, answer.rows[0]?.version ?? 0);
  } catch (error) {
    await pool.end();
    throw error;
  }
}

class PostgresWarehouse implements Warehouse {
  readonly target: WarehouseTarget;
  readonly maxSessions: number;

  constructor(
    private readonly options: PostgresOptions,
    private readonly pool: pg.Pool,
    readonly serverVersion: number,
  ) {
    this.target = options.target;
    this.maxSessions = options.maxSessions;
  }

  query<R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>> {
    return run<R>(this.pool, text, values, options);
  }

  async withSession<T>(body: (session: Session & Copying) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((thrown: unknown) => {
      throw toWarehouseError(asError(thrown), undefined);
    });
    let failure: Error | undefined;
    // A connection that breaks while nothing waits on it would otherwise end the process.
    const onError = (error: Error): void => {
      failure = error;
    };
    client.on("error", onError);
    try {
      return await body(new PostgresSession(client));
    } catch (thrown) {
      failure ??= asError(thrown);
      throw thrown;
    } finally {
      client.off("error", onError);
      // A session that failed may hold settings or an open transaction: it is not lent again.
      client.release(failure !== undefined);
    }
  }

  async cancel(backendPid: number): Promise<void> {
    const client = new pg.Client({ ...this.options.client, types });
    await client.connect();
    try {
      await client.query("select pg_cancel_backend($1)", [backendPid]);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

class PostgresSession implements Session, Copying {
  constructor(private readonly client: pg.PoolClient) {}

  get backendPid(): number {
    return (this.client as pg.PoolClient & { processID: number }).processID;
  }

  query<R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>> {
    return run<R>(this.client, text, values, options);
  }

  async transaction<T>(body: (transaction: Queryable & Copying) => Promise<T>): Promise<T> {
    await this.query("begin");
    try {
      const result = await body(this);
      await this.query("commit");
      return result;
    } catch (thrown) {
      // The failure that matters is the first one; a broken connection cannot roll back and need not.
      await this.query("rollback").catch(() => undefined);
      throw thrown;
    }
  }

  copyFrom(statement: string): Writable & { readonly rowCount: number } {
    return this.client.query(copyStreams.from(statement));
  }

  copyTo(statement: string): Readable {
    return this.client.query(copyStreams.to(statement));
  }
}

async function run<R>(
  queryable: { query(config: pg.QueryConfig): Promise<unknown> },
  text: string,
  values?: readonly unknown[],
  options?: QueryOptions,
): Promise<QueryResult<R>> {
  try {
    const answer = (await queryable.query({
      text,
      ...(values === undefined ? {} : { values: [...values] }),
      ...(options?.prepare === undefined ? {} : { name: options.prepare }),
    })) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    const last = Array.isArray(answer) ? answer.at(-1) : answer;
    return { rows: (last?.rows ?? []) as R[], rowCount: last?.rowCount ?? 0 };
  } catch (thrown) {
    throw toWarehouseError(asError(thrown), text);
  }
}

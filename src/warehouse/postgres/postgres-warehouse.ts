import type { Readable, Writable } from "node:stream";
import pg from "pg";
import copyStreams from "pg-copy-streams";
import { AquiferError, asError } from "../../base/errors.js";
import { quoteIdentifier, quoteLiteral } from "../../base/identifiers.js";
import type {
  Copying,
  QueryOptions,
  QueryResult,
  Queryable,
  Row,
  Session,
  Step,
  Warehouse,
  WarehouseTarget,
} from "../warehouse.js";
import { textTypes } from "./column-types.js";
import { toWarehouseError } from "./server-error.js";

export interface PostgresOptions {
  readonly target: WarehouseTarget;
  /** `connectionTimeoutMillis` limits how long a connection takes to be made, not the wait for one that is lent. */
  readonly client: pg.ClientConfig;
  readonly maxSessions: number;
}

/** Opens a pool on a PostgreSQL server and checks that it answers. */
export async function connectPostgres(options: PostgresOptions): Promise<Warehouse> {
  const { client, maxSessions } = options;
  const config: pg.ClientConfig = { keepAlive: true, ...client, types: textTypes };
  class Client extends pg.Client {
    constructor() {
      super(config);
    }
  }
  const pool = new pg.Pool({
    Client,
    max: maxSessions,
    idleTimeoutMillis: 0,
    // pg waits for what is returned, which its types do not say.
    onConnect: (client) => watchForLostClients(client) as unknown as undefined,
  });
  // An idle connection that breaks is replaced at the next use; the error there says what matters.
  pool.on("error", () => undefined);
  try {
    const answer = await run<{ version: number }>(
      pool,
      "select current_setting('server_version_num')::int as version",
    );
    return new PostgresWarehouse(options.target, maxSessions, pool, Client, answer.rows[0]?.version ?? 0);
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/**
 * Lets the server notice within a second that this process was killed, so that its statements do not run on and its locks
 * do not linger. Servers on some systems cannot watch a connection and refuse the setting; there nothing changes.
 */
async function watchForLostClients(client: pg.ClientBase): Promise<void> {
  const refused = await client.query("set client_connection_check_interval = '1s'").then(
    () => undefined,
    (thrown: unknown) => toWarehouseError(asError(thrown), undefined),
  );
  // 42704: older than version 14; 22023: not on this server's system.
  if (refused && !["42704", "22023"].includes(refused.server.sqlState ?? "")) throw refused;
}

class PostgresWarehouse implements Warehouse {
  constructor(
    readonly target: WarehouseTarget,
    readonly maxSessions: number,
    private readonly pool: pg.Pool,
    private readonly Client: new () => pg.Client,
    readonly serverVersion: number,
  ) {}

  query<R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>> {
    return run<R>(this.pool, text, values, options);
  }

  sequence(steps: readonly Step[]): Promise<readonly QueryResult<Row>[]> {
    return this.withSession((session) => session.sequence(steps));
  }

  async withSession<T>(body: (session: Session & Copying) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((thrown: unknown) => {
      throw toWarehouseError(asError(thrown), undefined);
    });
    const session = new PostgresSession(client);
    // A connection that breaks while nothing waits on it would otherwise end the process.
    const onError = (error: Error): void => session.setLost(error);
    client.on("error", onError);
    let failed = true;
    try {
      const result = await body(session);
      failed = session.isLost;
      return result;
    } finally {
      client.off("error", onError);
      // A session that failed may hold settings or an open transaction: it is not lent again.
      client.release(failed);
    }
  }

  async cancel(backendPid: number): Promise<void> {
    const client = new this.Client();
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("select pg_cancel_backend($1)", [backendPid]);
    } catch (thrown) {
      throw toWarehouseError(asError(thrown), undefined);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** Names of the statements that a connection has prepared. */
const prepared = new WeakMap<pg.ClientBase, Set<string>>();

class PostgresSession implements Session, Copying {
  private loss: Error | undefined;

  constructor(private readonly client: pg.PoolClient) {}

  /** Keeps the first error: it names the reason, later ones only say that the connection is gone. */
  setLost(error: Error): void {
    this.loss ??= error;
  }

  get isLost(): boolean {
    return this.loss !== undefined;
  }

  get backendPid(): number {
    return (this.client as pg.PoolClient & { processID: number }).processID;
  }

  query<R = Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>> {
    if (this.loss) return Promise.reject(toWarehouseError(this.loss, text));
    return run<R>(this.client, text, values, options);
  }

  async sequence(steps: readonly Step[]): Promise<readonly QueryResult<Row>[]> {
    const known = prepared.get(this.client) ?? new Set();
    prepared.set(this.client, known);
    const results: QueryResult<Row>[] = [];
    let together: string[] = [];
    const send = async (): Promise<void> => {
      if (together.length === 0) return;
      if (this.loss) throw toWarehouseError(this.loss, together.join(";\n"));
      const answers = await answersOf(this.client, { text: together.join(";\n") });
      if (answers.length !== together.length)
        throw new Error(
          `${answers.length} answers to ${together.length} statements: ${together.join(";\n")}`,
        );
      results.push(...answers);
      together = [];
    };
    for (const { text, values = [], prepare } of steps) {
      if (prepare !== undefined && known.has(prepare)) {
        together.push(
          `execute ${quoteIdentifier(prepare)}(${values.map((value) => quoteLiteral(String(value))).join(", ")})`,
        );
      } else if (values.length === 0) {
        together.push(text);
      } else {
        await send();
        results.push(await this.query(text, values, prepare === undefined ? {} : { prepare }));
        if (prepare !== undefined) known.add(prepare);
      }
    }
    await send();
    return results;
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
    if (this.loss) throw toWarehouseError(this.loss, statement);
    return this.client.query(copyStreams.from(statement));
  }

  copyTo(statement: string): Readable {
    if (this.loss) throw toWarehouseError(this.loss, statement);
    return this.client.query(copyStreams.to(statement));
  }
}

async function run<R>(
  queryable: { query(config: pg.QueryConfig): Promise<unknown> },
  text: string,
  values?: readonly unknown[],
  options?: QueryOptions,
): Promise<QueryResult<R>> {
  const answers = await answersOf(queryable, {
    text,
    ...(values === undefined ? {} : { values: [...values] }),
    ...(options?.prepare === undefined ? {} : { name: options.prepare }),
  });
  return (answers.at(-1) ?? { rows: [], rowCount: 0 }) as QueryResult<R>;
}

/** What each of the statements in a text returned. */
async function answersOf(
  queryable: { query(config: pg.QueryConfig): Promise<unknown> },
  config: pg.QueryConfig,
): Promise<QueryResult<Row>[]> {
  // The protocol ends a statement at its first NUL: the rest would be read as something else.
  if (config.text.includes("\0")) {
    throw new AquiferError("A statement with a NUL character cannot be sent to PostgreSQL", {
      code: "nul-in-text",
    });
  }
  try {
    const answer = (await queryable.query(config)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    return [answer].flat().map(({ rows, rowCount }) => ({ rows, rowCount: rowCount ?? 0 }));
  } catch (thrown) {
    throw toWarehouseError(asError(thrown), config.text);
  }
}

import { randomBytes } from "node:crypto";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { connectPostgres } from "../../src/warehouse/postgres/postgres-warehouse.js";
import { serverOf, type ServerMajor } from "./servers.js";

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  readonly warehouse: Warehouse;
  /** Closes the pool and drops the database. */
  drop(): Promise<void>;
}

/**
 * A database of its own for one test, on the test server (embedded, or `AQUIFER_TEST_URL`).
 *
 * @example
 * const database = await freshDatabase();
 * onTestFinished(() => database.drop());
 */
export async function freshDatabase(
  options: { maxSessions?: number; major?: ServerMajor } = {},
): Promise<TestDatabase> {
  const server = await serverOf(options.major ?? 18);
  const name = `test_${randomBytes(8).toString("hex")}`;
  const admin = await open(server, 1);
  await admin.query(`create database "${name}" template template0 encoding 'UTF8'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const warehouse = await open(url.href, options.maxSessions ?? 4);
  return {
    url: url.href,
    name,
    warehouse,
    async drop() {
      await warehouse.close();
      await admin.query(`drop database if exists "${name}" with (force)`);
      await admin.close();
    },
  };
}

/** A warehouse on any connection URL. */
export function open(url: string, maxSessions = 4): Promise<Warehouse> {
  const parsed = new URL(url);
  return connectPostgres({
    target: {
      kind: "server",
      host: parsed.hostname,
      port: Number(parsed.port || 5432),
      database: parsed.pathname.slice(1),
      user: decodeURIComponent(parsed.username),
      origin: "test",
    },
    client: { connectionString: url },
    maxSessions,
  });
}

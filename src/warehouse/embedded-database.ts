import { quoteIdentifier } from "../base/identifiers.js";
import type { EmbeddedServer } from "./embedded/embedded-server.js";
import { connectPostgres } from "./postgres/postgres-warehouse.js";
import { WarehouseError } from "./warehouse-error.js";
import type { Warehouse } from "./warehouse.js";

/** What it takes to connect to an embedded server. */
export type ServerAccess = Pick<EmbeddedServer, "host" | "port" | "user" | "password">;

/** Connects to a database of an embedded server. */
export function connectEmbedded(
  server: ServerAccess,
  options: {
    readonly database: string;
    readonly origin: string;
    readonly maxSessions: number;
    readonly applicationName?: string;
  },
): Promise<Warehouse> {
  const { host, port, user, password } = server;
  const { database, origin, maxSessions } = options;
  return connectPostgres({
    target: { kind: "embedded", host, port, user, database, origin },
    client: {
      ...{ host, port, user, database, password: () => password, ssl: false },
      application_name: options.applicationName ?? "aquifer",
    },
    maxSessions,
  });
}

/** Makes a database of an embedded server unless it exists; of several callers at once one makes it. */
export async function ensureDatabase(server: ServerAccess, database: string): Promise<void> {
  const admin = await connectEmbedded(server, { database: "postgres", origin: "embedded", maxSessions: 1 });
  try {
    const found = await admin.query("select from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) await admin.query(`create database ${quoteIdentifier(database)}`);
  } catch (error) {
    // Another command made it at the same moment: duplicate_database, or the unique key of pg_database.
    const state = error instanceof WarehouseError ? error.server.sqlState : undefined;
    if (state !== "42P04" && state !== "23505") throw error;
  } finally {
    await admin.close();
  }
}

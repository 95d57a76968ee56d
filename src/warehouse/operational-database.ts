import { chooseServer, openServer, type WarehouseOptions } from "./connect.js";
import { fromUrl, usageError } from "./connection/parameters.js";
import { connectEmbedded, ensureDatabase } from "./embedded-database.js";
import { startEmbedded } from "./embedded/embedded-server.js";
import { WarehouseError } from "./warehouse-error.js";
import type { Warehouse } from "./warehouse.js";

export interface OperationalOptions extends WarehouseOptions {
  /** Name of the connection. */
  readonly connection: string;
  /** The environment variable that holds its URL. */
  readonly variable: string;
  /** Make the database where it stands on the embedded server and does not exist. */
  readonly create?: boolean;
}

/**
 * Connects to an operational database, one that sources read from: by the URL in its environment variable; where that is not
 * set and the embedded server is the warehouse, to the database of that server which is named like the connection.
 *
 * Only the URL counts: libpq's variables describe the warehouse, and its password is not for others.
 *
 * @returns undefined when it would be a database of the embedded server that does not exist
 * @throws AquiferError `no-connection-url` when the variable is not set and the warehouse is another server
 */
export async function openOperational(options: OperationalOptions): Promise<Warehouse | undefined> {
  const { connection, variable, env, maxSessions } = options;
  const url = env[variable] ?? "";
  if (url !== "")
    return openServer(options, { kind: "server", origin: variable, parameters: fromUrl(url, variable) });
  const warehouse = await chooseServer(options);
  if (warehouse.kind !== "embedded") {
    throw usageError(
      "no-connection-url",
      `The connection "${connection}" leads nowhere: ${variable} is not set`,
      {
        hint: `Set ${variable} to postgres://user:password@host:port/database. Only beside an embedded warehouse a database of the same server takes its place.`,
      },
    );
  }
  const { onStart, applicationName = "aquifer" } = options;
  const server = await startEmbedded(options.projectRoot, onStart === undefined ? {} : { onStart });
  const how = { database: connection, origin: `connection ${connection}`, maxSessions, applicationName };
  if (options.create === true) await ensureDatabase(server, connection);
  try {
    return await connectEmbedded(server, how);
  } catch (error) {
    if (error instanceof WarehouseError && error.server.sqlState === "3D000") return undefined;
    throw error;
  }
}

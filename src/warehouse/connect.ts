import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { ClientConfig } from "pg";
import { AquiferError } from "../base/errors.js";
import { connectionError, dependsOnEncryption, dependsOnHost } from "./connection/connection-errors.js";
import { readCredentials } from "./connection/df-credentials.js";
import { fromEnvironment, fromUrl, usageError, type Parameters } from "./connection/parameters.js";
import { defaultPasswordFile, passwordFromFile } from "./connection/password-file.js";
import { readService } from "./connection/service-file.js";
import { tlsAttempts } from "./connection/tls.js";
import { connectEmbedded, ensureDatabase, type ServerAccess } from "./embedded-database.js";
import { startEmbedded } from "./embedded/embedded-server.js";
import { connectPostgres } from "./postgres/postgres-warehouse.js";
import { sweepScratch } from "./scratch-databases.js";
import { WarehouseError } from "./warehouse-error.js";
import type { Warehouse, WarehouseTarget } from "./warehouse.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What chooses the server. */
export interface TargetOptions {
  readonly projectRoot: string;
  /** `--credentials FILE`, relative to `cwd`. */
  readonly credentials?: string;
  /** What `credentials` is relative to; the project's root unless given. */
  readonly cwd?: string;
  /** `--embedded`: whatever else is set. */
  readonly embedded?: boolean;
  readonly env: Environment;
  /** Told before the embedded server is made or started. */
  readonly onStart?: (what: string) => void;
}

export interface WarehouseOptions extends TargetOptions {
  readonly maxSessions: number;
  /** Shown in `pg_stat_activity`; `aquifer` unless given. */
  readonly applicationName?: string;
}

/** Where a connection leads and by which parameters: everything but the connection itself. */
export type ChosenServer = { readonly kind: "embedded"; readonly origin: string } | NamedServer;

export interface NamedServer {
  readonly kind: "server";
  readonly origin: string;
  readonly parameters: Parameters;
}

/** The database of the embedded server; made when it is first needed. */
export const embeddedDatabase = "warehouse";

const defaultConnectSeconds = 15;

/** Removes from an embedded server what killed commands left there. */
export async function sweepEmbedded(server: ServerAccess): Promise<void> {
  const admin = await connectEmbedded(server, { database: "postgres", origin: "embedded", maxSessions: 1 });
  try {
    await sweepScratch(admin);
  } finally {
    await admin.close();
  }
}

/**
 * The server that the options and the environment name, in the order: `--embedded`, `--credentials FILE`,
 * `.df-credentials.json`, `DATABASE_URL`, libpq's variables when PGHOST or PGSERVICE is set, else the embedded server.
 */
export async function chooseServer(options: TargetOptions): Promise<ChosenServer> {
  const { env } = options;
  if (options.embedded === true) return { kind: "embedded", origin: "--embedded" };
  const named = async (origin: string, given: Parameters): Promise<ChosenServer> => {
    const environment = fromEnvironment(env);
    const service = given["service"] ?? environment["service"];
    const fromService = service === undefined ? {} : await readService(service, env);
    return { kind: "server", origin, parameters: { ...environment, ...fromService, ...given } };
  };
  if (options.credentials !== undefined) {
    const file = resolve(options.cwd ?? options.projectRoot, options.credentials);
    return named(`--credentials ${options.credentials}`, await readCredentials(file, options.credentials));
  }
  const file = join(options.projectRoot, ".df-credentials.json");
  if (existsSync(file))
    return named(".df-credentials.json", await readCredentials(file, ".df-credentials.json"));
  const url = env["DATABASE_URL"];
  if (url !== undefined && url !== "") return named("DATABASE_URL", fromUrl(url, "DATABASE_URL"));
  for (const variable of ["PGHOST", "PGSERVICE"]) {
    if ((env[variable] ?? "") !== "") return named(variable, {});
  }
  return { kind: "embedded", origin: "no other server is named" };
}

/**
 * Connects to the server that the options and the environment name, see `chooseServer`; starts the embedded one on demand.
 *
 * @throws AquiferError with exit code 2 that says which server was meant, what failed and what to do
 * @example const warehouse = await openWarehouse({ projectRoot, env: process.env, maxSessions: 8 });
 */
export async function openWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const chosen = await chooseServer(options);
  return chosen.kind === "embedded" ? openEmbedded(options, chosen.origin) : openServer(options, chosen);
}

/** The line that every command which writes prints first: `Warehouse: localhost:5432/sales as etl (DATABASE_URL)`. */
export function describeTarget(target: WarehouseTarget): string {
  if (target.kind === "embedded") return `Warehouse: embedded PostgreSQL on port ${target.port} (.aquifer)`;
  const place = target.host.startsWith("/") ? target.host : `${target.host}:${target.port}`;
  return `Warehouse: ${place}/${target.database} as ${target.user} (${target.origin})`;
}

async function openEmbedded(options: WarehouseOptions, origin: string): Promise<Warehouse> {
  const { onStart, applicationName, maxSessions } = options;
  const server = await startEmbedded(options.projectRoot, onStart === undefined ? {} : { onStart });
  const how = { database: embeddedDatabase, origin, maxSessions };
  const connect = (): Promise<Warehouse> =>
    connectEmbedded(server, applicationName === undefined ? how : { ...how, applicationName });
  const warehouse = await connect().catch(async (error: unknown) => {
    if (!(error instanceof WarehouseError && error.server.sqlState === "3D000")) throw error;
    await ensureDatabase(server, embeddedDatabase);
    return connect();
  });
  await sweepScratch(warehouse);
  return warehouse;
}

/** Connects to the first of a server's hosts that answers. */
export async function openServer(options: WarehouseOptions, chosen: NamedServer): Promise<Warehouse> {
  const places = hostsOf(chosen.parameters);
  for (const [index, place] of places.entries()) {
    const target = targetOf(chosen, place);
    try {
      return await openPlace(options, chosen.parameters, target, place.address);
    } catch (error) {
      if (index < places.length - 1 && dependsOnHost(error)) continue;
      throw error instanceof AquiferError && !(error instanceof WarehouseError)
        ? error
        : connectionError(error, target);
    }
  }
  throw usageError("no-host", `${chosen.origin} names no host`);
}

/** Connects to one host, with and without encryption as sslmode says. */
async function openPlace(
  options: WarehouseOptions,
  parameters: Parameters,
  target: WarehouseTarget,
  address: string,
): Promise<Warehouse> {
  const attempts = await tlsAttempts(parameters, target.host, options.env);
  const client: ClientConfig = {
    host: address,
    port: target.port,
    user: target.user,
    database: target.database,
    password: () => findPassword(parameters, target, options.env),
    connectionTimeoutMillis: 1000 * Number(parameters["connect_timeout"] ?? defaultConnectSeconds),
    ...(parameters["options"] === undefined ? {} : { options: parameters["options"] }),
    ...(parameters["channel_binding"] === "disable" ? {} : { enableChannelBinding: true }),
    application_name: options.applicationName ?? "aquifer",
  };
  for (const [index, tls] of attempts.entries()) {
    const ssl = tls === false || address === target.host ? tls : { ...tls, servername: target.host };
    try {
      return await connectPostgres({ target, client: { ...client, ssl }, maxSessions: options.maxSessions });
    } catch (error) {
      if (index === attempts.length - 1 || !dependsOnEncryption(error)) throw error;
    }
  }
  throw new Error("a TLS mode stands for at least one attempt");
}

async function findPassword(
  parameters: Parameters,
  target: WarehouseTarget,
  env: Environment,
): Promise<string> {
  const password =
    parameters["password"] ??
    (await passwordFromFile(parameters["passfile"] ?? defaultPasswordFile(env), target));
  if (password === undefined) throw usageError("no-password", "no password is given");
  return password;
}

interface Place {
  /** As named: what certificates and password files are compared with. */
  readonly host: string;
  /** Where the socket connects to. */
  readonly address: string;
  readonly port: number;
}

function hostsOf(parameters: Parameters): Place[] {
  const hosts = (parameters["host"] ?? parameters["hostaddr"] ?? "").split(",");
  const addresses = parameters["hostaddr"]?.split(",");
  const ports = (parameters["port"] ?? "").split(",");
  return hosts.map((host, index) => {
    const text = (ports.length === 1 ? ports[0] : ports[index]) ?? "";
    const port = text === "" ? 5432 : Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw usageError("bad-port", `The port ${JSON.stringify(text)} is no number from 1 to 65535`);
    }
    const named = host === "" ? localPlace(port) : host;
    return { host: named, address: addresses?.[index] ?? named, port };
  });
}

/** Where libpq looks when no host is named: the server's socket, else this machine. */
function localPlace(port: number): string {
  return (
    ["/var/run/postgresql", "/tmp"].find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? "localhost"
  );
}

/** The target that is tried first, for clients that know one host only. */
export function firstTarget(chosen: NamedServer): WarehouseTarget {
  const [place] = hostsOf(chosen.parameters);
  if (place === undefined) throw usageError("no-host", `${chosen.origin} names no host`);
  return targetOf(chosen, place);
}

function targetOf(chosen: NamedServer, place: Place): WarehouseTarget {
  const user = chosen.parameters["user"] ?? userInfo().username;
  const { host, port } = place;
  const { origin } = chosen;
  return { kind: "server", host, port, user, database: chosen.parameters["dbname"] ?? user, origin };
}

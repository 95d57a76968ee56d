import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { chooseServer, embeddedDatabase, firstTarget, type TargetOptions } from "./connect.js";
import { environmentNames, type Parameters } from "./connection/parameters.js";
import { sslModeOf } from "./connection/tls.js";
import { startEmbedded, type EmbeddedServer } from "./embedded/embedded-server.js";
import { ensureDatabase } from "./embedded-database.js";

/**
 * The environment in which psql, pg_dump and other users of libpq reach the server that the options name, password
 * included. Starts the embedded server.
 */
export async function clientEnvironment(options: TargetOptions): Promise<NodeJS.ProcessEnv> {
  const parameters = await clientParameters(options);
  const others = Object.entries(options.env).filter(
    ([name]) => !Object.values(environmentNames).includes(name),
  );
  const own = Object.entries(parameters).flatMap(([keyword, value]) => {
    const name = environmentNames[keyword];
    return name === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries([...others, ...own]);
}

/**
 * A URL for other clients. It holds no password: that of the embedded server is named by its file, which libpq reads.
 *
 * @param how `showPassword` writes the embedded server's password into the URL
 */
export async function connectionUrl(
  options: TargetOptions,
  how: { readonly showPassword: boolean },
): Promise<string> {
  const chosen = await chooseServer(options);
  if (chosen.kind === "embedded") {
    const server = await ready(options);
    const password = how.showPassword ? `:${encodeURIComponent(server.password)}` : "";
    const passfile = how.showPassword ? "" : `?passfile=${encodeURIComponent(server.passwordFile)}`;
    return `postgres://${server.user}${password}@${server.host}:${server.port}/${embeddedDatabase}${passfile}`;
  }
  const { host, port, database, user } = firstTarget(chosen);
  const place = host.startsWith("/") ? encodeURIComponent(host) : host.includes(":") ? `[${host}]` : host;
  const { sslrootcert } = chosen.parameters;
  const query = new URLSearchParams({
    sslmode: sslModeOf(chosen.parameters, host),
    ...(sslrootcert === undefined ? {} : { sslrootcert }),
  });
  return `postgres://${encodeURIComponent(user)}@${place}:${port}/${encodeURIComponent(database)}?${query.toString()}`;
}

async function clientParameters(options: TargetOptions): Promise<Parameters> {
  const chosen = await chooseServer(options);
  if (chosen.kind === "embedded") {
    const { host, port, user, password } = await ready(options);
    return { host, port: String(port), user, password, dbname: embeddedDatabase, sslmode: "disable" };
  }
  const target = firstTarget(chosen);
  const sslmode = sslModeOf(chosen.parameters, target.host);
  const rootFile = join(options.env["HOME"] ?? homedir(), ".postgresql", "root.crt");
  // Where libpq would demand a file of its own, the system's authorities serve, as they do for us.
  const roots = sslmode.startsWith("verify") && !existsSync(rootFile) ? { sslrootcert: "system" } : {};
  return {
    ...roots,
    ...chosen.parameters,
    host: target.host,
    port: String(target.port),
    user: target.user,
    dbname: target.database,
    sslmode,
  };
}

async function ready(options: TargetOptions): Promise<EmbeddedServer> {
  const server = await startEmbedded(
    options.projectRoot,
    options.onStart === undefined ? {} : { onStart: options.onStart },
  );
  await ensureDatabase(server, embeddedDatabase);
  return server;
}

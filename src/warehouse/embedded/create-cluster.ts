import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, chown, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { AquiferError, exitCodes } from "../../base/errors.js";
import { isAlive } from "./is-alive.js";
import { runTool } from "./run-tool.js";
import type { ServerBinaries } from "./server-binaries.js";
import type { ServerHome } from "./server-home.js";

export const embeddedUser = "aquifer";

export type ServerSettings = Readonly<Record<string, string>>;

/**
 * Makes the data directory and its password, unless they exist. Everything is made aside and put in place by one rename,
 * so that a killed command leaves nothing half made and of two commands at once one wins.
 */
export async function createCluster(
  home: ServerHome,
  binaries: ServerBinaries,
  settings: ServerSettings,
): Promise<void> {
  if (existsSync(home.data)) return;
  await sweepPartials(home);
  const partial = `${home.folder}.${process.pid}-${randomBytes(4).toString("hex")}.partial`;
  await mkdir(partial, { mode: 0o700 });
  const data = join(partial, "data");
  const password = randomBytes(24).toString("base64url");
  const passwordOnly = join(partial, "password");
  await writeFile(passwordOnly, `${password}\n`, { mode: 0o600 });
  // As libpq reads it (https://www.postgresql.org/docs/current/libpq-pgpass.html), so that any client can use it.
  await writeFile(join(partial, "pgpass"), `127.0.0.1:*:*:${embeddedUser}:${password}\n`, { mode: 0o600 });
  if (home.user)
    for (const path of [partial, passwordOnly, join(partial, "pgpass")])
      await chown(path, home.user.uid, home.user.gid);
  const result = await runTool(
    binaries.initdb,
    [
      ...["--pgdata", data, "--username", embeddedUser, "--pwfile", passwordOnly, "--auth", "scram-sha-256"],
      ...["--encoding", "UTF8", "--locale", "C", "--no-instructions"],
      // Present on every machine, and correct for all of Unicode, unlike what the machine happens to have installed.
      ...(binaries.major >= 17 ? ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"] : []),
    ],
    { cwd: partial, user: home.user },
  );
  if (result.code !== 0) {
    await rm(partial, { recursive: true, force: true });
    throw new AquiferError("The embedded server's data directory could not be made", {
      code: "embedded-initdb",
      exitCode: exitCodes.usage,
      details: result.output.trim().split("\n").slice(-8),
      hint: "Mend what initdb says, or name a server with DATABASE_URL.",
    });
  }
  await rm(passwordOnly);
  await appendFile(join(data, "postgresql.conf"), settingsText({ ...warehouseSettings(), ...settings }));
  await putInPlace(partial, home.folder);
}

/** What a warehouse on one's own machine wants, where it differs from the server's defaults. */
function warehouseSettings(): ServerSettings {
  const megabytes = Math.floor(Math.min(totalmem(), process.constrainedMemory() || Infinity) / 1024 ** 2);
  const share = (part: number, least: number, most: number): string =>
    `${Math.round(Math.min(Math.max(megabytes / part, least), most))}MB`;
  return {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "100",
    shared_buffers: share(8, 64, 1024),
    effective_cache_size: share(2, 256, 16384),
    work_mem: share(128, 8, 64),
    maintenance_work_mem: share(32, 32, 512),
    // Nobody replicates from this server: loading a table that the same transaction made then writes no log.
    wal_level: "minimal",
    max_wal_senders: "0",
    max_wal_size: "4GB",
    checkpoint_timeout: "15min",
    max_locks_per_transaction: "256",
    random_page_cost: "1.1",
    timezone: "UTC",
    log_timezone: "UTC",
  };
}

function settingsText(settings: ServerSettings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `\n${lines.join("\n")}\n`;
}

async function putInPlace(partial: string, folder: string): Promise<void> {
  try {
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another command was faster: its data directory is as good.
    if (!existsSync(join(folder, "data"))) throw error;
  }
}

/** Removes what killed commands left half made. */
async function sweepPartials(home: ServerHome): Promise<void> {
  const parent = dirname(home.folder);
  for (const name of await readdir(parent)) {
    const pid = /^(.+)\.(\d+)-[0-9a-f]+\.partial$/.exec(name);
    if (pid?.[1] !== basename(home.folder) || isAlive(Number(pid[2]))) continue;
    // The initdb of a killed command still writes there until it misses its files: tried again for some eight seconds.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 40, retryDelay: 10 });
  }
}

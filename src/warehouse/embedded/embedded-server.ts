import { chown, lchown, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AquiferError, exitCodes } from "../../base/errors.js";
import { createCluster, embeddedUser, type ServerSettings } from "./create-cluster.js";
import { findPostmaster, lastPort, type Postmaster } from "./postmaster.js";
import { runTool } from "./run-tool.js";
import {
  packageFolder,
  platformPackage,
  prepareBinaries,
  prepareFolder,
  type ServerBinaries,
} from "./server-binaries.js";
import { abandonedData, locateHome, prepareHome, projectFile, type ServerHome } from "./server-home.js";

export interface EmbeddedOptions {
  /** npm package with the programs; that of this machine's platform unless given. */
  readonly packageName?: string;
  /** Folder of an installed package with the programs, in place of a name. */
  readonly packageFolder?: string;
  /** Settings for `postgresql.conf` when the data directory is made. */
  readonly settings?: ServerSettings;
  /** Told once, before the server is made or started: the caller may show it. */
  readonly onStart?: (what: string) => void;
}

/** A running embedded server and how to reach it. */
export interface EmbeddedServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The password in the form that libpq reads (`passfile=`). */
  readonly passwordFile: string;
  readonly pid: number;
  readonly data: string;
}

export interface EmbeddedStatus {
  /** `absent`: never started, or reset. */
  readonly state: "absent" | "stopped" | "running";
  readonly data: string;
  readonly log: string;
  /** Major version of the data directory. */
  readonly version?: number;
  readonly port?: number;
  readonly pid?: number;
  readonly startedAt?: Date;
  /** The account that runs it, where that is not the current user. */
  readonly account?: string;
}

const host = "127.0.0.1";
/** Crash recovery of a large database can take long; a server that is only slow to start is not abandoned. */
const startSeconds = 600;

/**
 * Starts the project's own PostgreSQL, or finds it running. Its data lie in `<project>/.aquifer/`; it stays up after this
 * process until `stopEmbedded`. Several callers at once end up with one server.
 *
 * @throws AquiferError (exit code 2) when it cannot run here
 * @example const { port, password } = await startEmbedded("/home/me/project");
 */
export async function startEmbedded(
  projectRoot: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const home = await locateHome(projectRoot);
  const running = await findReady(home);
  if (running) return describe(home, running);
  await prepareHome(home);
  await stopAbandoned(home);
  const binaries = await prepareFolder(
    options.packageFolder ?? packageFolder(options.packageName ?? platformPackage()),
    home.user,
    home.copies,
  );
  options.onStart?.(`embedded PostgreSQL ${binaries.packageVersion.replace(/\.\d+-.*$/, "")}`);
  await createCluster(home, binaries, options.settings ?? {});
  await requireVersion(home, binaries);
  if (home.user) await giveTo(home.folder, home.user.uid, home.user.gid);
  return describe(home, await bringUp(home, binaries));
}

/** Stops the project's server; false when none ran. What clients were doing is rolled back. */
export async function stopEmbedded(projectRoot: string, options: EmbeddedOptions = {}): Promise<boolean> {
  const home = await locateHome(projectRoot);
  if ((await findPostmaster(home.data)) === undefined) return false;
  const binaries = await prepareBinaries(options.packageName ?? platformPackage(), home.user, home.copies);
  const stop = (mode: string): ReturnType<typeof runTool> =>
    runTool(binaries.pgCtl, ["stop", "-D", home.data, "-m", mode, "-w", "-t", "60"], {
      cwd: home.folder,
      user: home.user,
    });
  const result = await stop("fast");
  if (result.code === 0 || (await findPostmaster(home.data)) === undefined) return true;
  const forced = await stop("immediate");
  if (forced.code === 0 || (await findPostmaster(home.data)) === undefined) return true;
  throw new AquiferError("The embedded server does not stop", {
    code: "embedded-stop",
    details: forced.output.trim().split("\n").slice(-4),
    hint: `Its log is ${home.log}.`,
  });
}

/** What is known of the project's server; starts and changes nothing. */
export async function embeddedStatus(projectRoot: string): Promise<EmbeddedStatus> {
  const home = await locateHome(projectRoot);
  const places = { data: home.data, log: home.log };
  const version = await dataVersion(home);
  if (version === undefined) return { state: "absent", ...places };
  const account = home.user === undefined ? {} : { account: home.user.name };
  const running = await findPostmaster(home.data);
  if (running === undefined) return { state: "stopped", ...places, version, ...account };
  const { pid, port, startedAt } = running;
  return { state: "running", ...places, version, pid, port, startedAt, ...account };
}

/** Stops the project's server and deletes its data. */
export async function resetEmbedded(projectRoot: string, options: EmbeddedOptions = {}): Promise<void> {
  await stopEmbedded(projectRoot, options);
  const home = await locateHome(projectRoot);
  await rm(home.folder, { recursive: true, force: true });
  await rm(home.place, { recursive: true, force: true });
  await rm(projectFile(home.folder), { force: true });
}

/** The server, when it is up; one that was killed this moment still has its number but answers no more. */
async function findReady(home: ServerHome): Promise<Postmaster | undefined> {
  const running = await findPostmaster(home.data);
  return running?.status === "ready" && (await answers(running.port)) ? running : undefined;
}

/** Asks whether the server encrypts: the shortest question of the protocol, answered before any authentication. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(10_000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.once("data", () => end(true));
    socket.write(Buffer.from("0000000804d2162f", "hex"));
  });
}

/** Stops servers of deleted projects; their data stay, for the folder may only be away for a while. */
async function stopAbandoned(home: ServerHome): Promise<void> {
  for (const data of await abandonedData(home)) {
    const running = await findPostmaster(data);
    // As pg_ctl's fast mode: roll back, disconnect, end.
    if (running) process.kill(running.pid, "SIGINT");
  }
}

async function bringUp(home: ServerHome, binaries: ServerBinaries): Promise<Postmaster> {
  const deadline = Date.now() + startSeconds * 1000;
  let port = (await lastPort(home.data)) ?? (await freePort());
  for (;;) {
    const ready = await findReady(home);
    if (ready) return ready;
    if ((await findPostmaster(home.data)) === undefined) {
      const said = await tryToStart(home, binaries, port);
      if (/could not bind|could not create any TCP\/IP sockets/.test(said)) port = await freePort();
      // Otherwise another command was faster, or processes of a killed server still hold its memory for a moment.
      else if (said !== "" && !/lock file .* already exists|pre-existing shared memory/.test(said))
        throw startFailure(home, said);
    }
    if (Date.now() > deadline) throw startFailure(home, await logFrom(home, -2000));
    await delay(50);
  }
}

/** Starts the server and waits until it is ready. Returns what its log says where it is not, else an empty text. */
async function tryToStart(home: ServerHome, binaries: ServerBinaries, port: number): Promise<string> {
  const before = await setLogAside(home);
  const result = await runTool(
    binaries.pgCtl,
    ["start", "-D", home.data, "-l", home.log, "-w", "-t", String(startSeconds), "-o", `-p ${port}`],
    { cwd: home.folder, user: home.user },
  );
  return result.code === 0 ? "" : (await logFrom(home, before)) || result.output;
}

function startFailure(home: ServerHome, said: string): AquiferError {
  return new AquiferError("The embedded server did not start", {
    code: "embedded-start",
    exitCode: exitCodes.usage,
    details: said.trim().split("\n").slice(-8),
    hint: `Its log is ${home.log}. To begin anew, deleting its data: dataform warehouse reset.`,
  });
}

async function describe(home: ServerHome, running: Postmaster): Promise<EmbeddedServer> {
  const line = await readFile(home.passwordFile, "utf8");
  return {
    host,
    port: running.port,
    user: embeddedUser,
    password: line.trim().split(":").at(-1) ?? "",
    passwordFile: home.passwordFile,
    pid: running.pid,
    data: home.data,
  };
}

async function requireVersion(home: ServerHome, binaries: ServerBinaries): Promise<void> {
  const found = await dataVersion(home);
  if (found === undefined || found === binaries.major) return;
  throw new AquiferError(
    `The embedded server's data are of PostgreSQL ${found}, the installed server is ${binaries.major}`,
    {
      code: "embedded-version",
      exitCode: exitCodes.usage,
      hint: `Install the former version of aquifer to keep the data in ${home.data}, or delete them: dataform warehouse reset.`,
    },
  );
}

async function dataVersion(home: ServerHome): Promise<number | undefined> {
  const text = await readFile(join(home.data, "PG_VERSION"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

/** Below the range that the system takes outgoing connections' ports from, so that the port is free at the next start too. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** Keeps the log short; returns its length. */
async function setLogAside(home: ServerHome): Promise<number> {
  const size = (await stat(home.log).catch(() => undefined))?.size ?? 0;
  if (size < 10_000_000) return size;
  await rename(home.log, `${home.log}.old`);
  return 0;
}

async function logFrom(home: ServerHome, offset: number): Promise<string> {
  return (await readFile(home.log, "utf8").catch(() => "")).slice(offset);
}

/** A project that root copied or restored belongs to root, whom the server refuses. */
async function giveTo(path: string, uid: number, gid: number): Promise<void> {
  if ((await stat(join(path, "data"))).uid !== 0) return;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
  await chown(path, uid, gid);
}

import { execFile } from "node:child_process";
import { readFile, readdir, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAlive } from "./is-alive.js";

/** A server that runs on a data directory, as its `postmaster.pid` says. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly startedAt: Date;
  /** `starting`, `ready`, `stopping`. */
  readonly status: string;
}

/**
 * The server that runs on this data directory; undefined when none does. A `postmaster.pid` proves nothing by itself: its
 * server may have been killed and the number now be another program's, or the project may be a copy made while the
 * original's server ran. The process is looked at, and a file that names a foreign one is removed: the server would
 * refuse to start beside it.
 */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = join(data, "postmaster.pid");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const [pid, recordedData, startedAt, port, , , , status] = text.split("\n").map((line) => line.trim());
  const number = Number(pid);
  // A file that is being written at this moment, or whose server is gone: the next server deals with that itself.
  if (!Number.isInteger(number) || number <= 0 || !isAlive(number)) return undefined;
  if (!(await servesData(number, recordedData ?? "", data))) {
    // Processes of a killed server may still write: as long as one does, its file must keep the next server away.
    const isFree = !(await someoneWorksIn(data));
    if (isFree && (await readFile(file, "utf8").catch(() => "")) === text) await rm(file, { force: true });
    return undefined;
  }
  return {
    pid: number,
    port: Number(port ?? 0),
    startedAt: new Date(Number(startedAt ?? 0) * 1000),
    status: status === undefined || status === "" ? "starting" : status,
  };
}

/** The port of the server's last start, so that a connection string stays good. */
export async function lastPort(data: string): Promise<number | undefined> {
  const options = await readFile(join(data, "postmaster.opts"), "utf8").catch(() => "");
  const port = /"-p" "(\d+)"/.exec(options)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** A server works inside its data directory; where that cannot be seen, its command line and its own record must do. */
async function servesData(pid: number, recordedData: string, data: string): Promise<boolean> {
  // A process that ended and that nobody waited for, as in containers without an init, has a number but no folder.
  if (process.platform === "linux") return (await workingFolder(pid)) === (await realpath(data));
  const [file, args] =
    process.platform === "win32"
      ? ["tasklist", ["/fi", `PID eq ${pid}`, "/fo", "csv", "/nh"]]
      : ["ps", ["-o", "command=", "-p", String(pid)]];
  const { stdout } = await promisify(execFile)(file, args);
  const recorded = await realpath(recordedData).catch(() => undefined);
  return stdout.includes("postgres") && recorded === (await realpath(data));
}

async function someoneWorksIn(data: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const folder = await realpath(data);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => workingFolder(Number(pid))));
  return folders.includes(folder);
}

function workingFolder(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/cwd`).catch(() => undefined);
}

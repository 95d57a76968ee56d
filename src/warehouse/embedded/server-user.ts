import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { AquiferError, exitCodes } from "../../base/errors.js";

/** An account of this machine that runs the server in place of root. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who runs the embedded server: undefined means the current user. PostgreSQL refuses to be run by root, so for root it is
 * the owner of the project's folder, else an account made for services.
 */
export async function chooseServerUser(projectRoot: string): Promise<ServerUser | undefined> {
  if (process.getuid === undefined) return undefined;
  if (process.getuid() !== 0) {
    requireAccount();
    return undefined;
  }
  const accounts = await readAccounts();
  const owner = (await stat(projectRoot)).uid;
  const found =
    accounts.find((account) => account.uid === owner && account.uid !== 0) ??
    ["postgres", "nobody"].flatMap((name) => accounts.filter((each) => each.name === name))[0] ??
    accounts.find((account) => account.uid !== 0);
  if (found) return found;
  throw new AquiferError("The embedded server cannot run as root, and /etc/passwd names nobody else", {
    code: "embedded-user",
    exitCode: exitCodes.usage,
    hint: "Add an account (`useradd --system postgres`), or name a server with DATABASE_URL.",
  });
}

/** The account with this number, or a nameless one: files may belong to an account that was deleted. */
export async function accountOf(uid: number, gid: number): Promise<ServerUser> {
  return (await readAccounts()).find((account) => account.uid === uid) ?? { name: String(uid), uid, gid };
}

/** True when the account may pass through every folder above `path`, and read and execute `path` itself. */
export async function canReach(path: string, user: ServerUser): Promise<boolean> {
  if (!(await permits(path, user, 0o5))) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!(await permits(folder, user, 0o1))) return false;
    if (dirname(folder) === folder) return true;
  }
}

async function permits(path: string, user: ServerUser, wanted: number): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

async function readAccounts(): Promise<ServerUser[]> {
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n");
  return lines.flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || uid === undefined || gid === undefined) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}

/** `initdb` looks its user up by number; containers are often run under a number that has no account. */
function requireAccount(): void {
  try {
    userInfo();
  } catch (cause) {
    throw new AquiferError(`The embedded server cannot run: user ${process.getuid?.()} has no account here`, {
      code: "embedded-user",
      exitCode: exitCodes.usage,
      hint: "Add a line for it to /etc/passwd, or name a server with DATABASE_URL.",
      cause,
    });
  }
}

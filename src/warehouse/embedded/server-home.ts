import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AquiferError, exitCodes } from "../../base/errors.js";
import { accountOf, canReach, chooseServerUser, type ServerUser } from "./server-user.js";

/** Where one project's embedded server keeps its things, and who runs it. */
export interface ServerHome {
  /** `<project>/.aquifer/server`, or what it links to. */
  readonly folder: string;
  /** PostgreSQL's data directory. */
  readonly data: string;
  /** In the form of `~/.pgpass`; only its owner may read it. */
  readonly passwordFile: string;
  readonly log: string;
  /** Where the programs are copied to when they cannot be run where npm put them. */
  readonly copies: string;
  /** `<project>/.aquifer/server`. */
  readonly place: string;
  /** Undefined: the current user. */
  readonly user: ServerUser | undefined;
}

/** For root only: the folder for servers of projects that an ordinary account cannot reach. */
const sharedFolder = "/var/lib/aquifer";

/**
 * Finds the home of a project's server without making it. It lies in `.aquifer/`. Where root works in a folder that no
 * other account may enter, it lies in /var/lib/aquifer, under a name made from the project's path so that it is found
 * again even when `.aquifer/`, which then holds a link to it, was deleted.
 */
export async function locateHome(projectRoot: string): Promise<ServerHome> {
  const root = await realpath(projectRoot);
  const place = join(root, ".aquifer", "server");
  const chosen = await chooseServerUser(root);
  const folder = (await linkedFolder(place)) ?? (await freshFolder(root, place, chosen));
  const user = await ownerOf(join(folder, "data"), chosen);
  if (user && existsSync(folder) && !(await canReach(dirname(folder), user))) {
    throw new AquiferError(`The account ${user.name} runs the embedded server but cannot reach ${folder}`, {
      code: "embedded-unreachable",
      exitCode: exitCodes.usage,
      hint: `Let it pass the folders above (chmod o+x), or delete ${place} and with it the server's data.`,
    });
  }
  return {
    folder,
    data: join(folder, "data"),
    passwordFile: join(folder, "pgpass"),
    log: join(folder, "server.log"),
    copies: chosen ? sharedFolder : dirname(place),
    place,
    user,
  };
}

/** Makes the folder that will hold the home, and the link to it where it lies elsewhere. */
export async function prepareHome(home: ServerHome): Promise<void> {
  await mkdir(dirname(home.place), { recursive: true });
  if (home.folder === home.place) return;
  await mkdir(dirname(home.folder), { recursive: true, mode: 0o755 });
  await writeFile(projectFile(home.folder), dirname(dirname(home.place)));
  await symlink(home.folder, home.place).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  });
}

/**
 * Data directories in the shared folder whose projects are gone: deleting a project deletes the link to them, and no command
 * of that project will ever stop their server.
 */
export async function abandonedData(home: ServerHome): Promise<string[]> {
  if (home.folder === home.place || !existsSync(sharedFolder)) return [];
  const names = (await readdir(sharedFolder)).filter((name) => name.endsWith(".project"));
  const abandoned = await Promise.all(
    names.map(async (name) => {
      const project = await readFile(join(sharedFolder, name), "utf8").catch(() => undefined);
      if (project === undefined || existsSync(project)) return [];
      return [join(sharedFolder, name.replace(/\.project$/, ""), "data")];
    }),
  );
  return abandoned.flat();
}

/** Beside a home in the shared folder: the path of its project. */
export function projectFile(folder: string): string {
  return `${folder}.project`;
}

async function linkedFolder(place: string): Promise<string | undefined> {
  const found = await lstat(place).catch(() => undefined);
  if (found === undefined) return undefined;
  return found.isSymbolicLink() ? resolve(dirname(place), await readlink(place)) : place;
}

async function freshFolder(root: string, place: string, user: ServerUser | undefined): Promise<string> {
  if (user === undefined) return place;
  await mkdir(dirname(place), { recursive: true });
  if (await canReach(dirname(place), user)) return place;
  const id = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return join(sharedFolder, id);
}

/** PostgreSQL insists that the owner of its data runs it. */
async function ownerOf(data: string, chosen: ServerUser | undefined): Promise<ServerUser | undefined> {
  const found = await stat(data).catch(() => undefined);
  if (found === undefined || process.getuid === undefined) return chosen;
  if (chosen) return found.uid === 0 ? chosen : accountOf(found.uid, found.gid);
  if (found.uid === process.getuid()) return undefined;
  const owner = await accountOf(found.uid, found.gid);
  throw new AquiferError(`The embedded server's data in ${data} belong to the account ${owner.name}`, {
    code: "embedded-owner",
    exitCode: exitCodes.usage,
    hint: `Run the command as root or as ${owner.name}, or let root run \`warehouse reset\` first.`,
  });
}

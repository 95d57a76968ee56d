import { mkdir } from "node:fs/promises";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  embeddedStatus,
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
} from "../warehouse/embedded/embedded-server.js";
import type { EmbeddedServer } from "../warehouse/embedded/embedded-server.js";
import { findServerOfMajor } from "../warehouse/embedded/find-server-of-major.js";
import { embeddedMajor } from "../warehouse/embedded/server-binaries.js";
import type { CommandContext } from "./command.js";

/** Servers of other versions lie beside the project's own, in `.aquifer/postgres-<major>`. */
const folderPattern = /^postgres-\d+$/;

/**
 * The server that a check runs on: of the project's major version, if an npm server of that version is installed; else the
 * project's embedded one, which is said.
 *
 * @param major what `aquifer.config.ts` names, else that of the warehouse from which `sources.json` was pulled
 */
export async function startCheckServer(
  context: CommandContext,
  root: string,
  major: number | undefined,
): Promise<EmbeddedServer> {
  const { stderr } = context.effects;
  const onStart = (what: string): void => stderr.write(`Starting ${what}...\n`);
  const own = await embeddedMajor();
  if (major === undefined || major === own) return startEmbedded(root, { onStart });
  const packageFolder = findServerOfMajor(major, root);
  if (packageFolder === undefined) {
    stderr.write(
      `Judged by PostgreSQL ${own}: the project is for ${major}, but no npm server of that version is installed (see docs/check.md).\n`,
    );
    return startEmbedded(root, { onStart });
  }
  const folder = join(root, ".aquifer", `postgres-${major}`);
  await mkdir(folder, { recursive: true });
  return startEmbedded(folder, { onStart, packageFolder });
}

/** Stops the servers of other versions; true when one ran. */
export async function stopCheckServers(root: string): Promise<boolean> {
  let stopped = false;
  for (const folder of checkFolders(root)) stopped = (await stopEmbedded(folder)) || stopped;
  return stopped;
}

/** Stops the servers of other versions and deletes their data. */
export async function resetCheckServers(root: string): Promise<void> {
  for (const folder of checkFolders(root)) {
    if ((await embeddedStatus(folder)).state !== "absent") await resetEmbedded(folder);
  }
}

function checkFolders(root: string): string[] {
  const below = join(root, ".aquifer");
  if (!existsSync(below)) return [];
  return readdirSync(below)
    .filter((name) => folderPattern.test(name))
    .map((name) => join(below, name));
}

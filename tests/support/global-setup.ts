import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { isAlive } from "../../src/warehouse/embedded/is-alive.js";
import { resetEmbedded, startEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { serverUrl, testSettings } from "./servers.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Connection URL of a superuser on the server that all tests share. */
    serverUrl: string;
    /** Folder of the throw-away servers of this test run. */
    serversFolder: string;
  }
}

const prefix = "aquifer-tests-";

/**
 * Builds `dist/` once (workers and spawned commands run from there) and starts the throw-away server of the tests;
 * AQUIFER_TEST_URL names another one instead. Servers of test runs that were killed are removed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    if (!isAlive(Number(name.slice(prefix.length)))) await removeServers(join(tmpdir(), name));
  }
  const folder = join(tmpdir(), `${prefix}${process.pid}`);
  mkdirSync(folder);
  // The account that runs the server in place of root must be able to enter.
  chmodSync(folder, 0o755);
  project.provide("serversFolder", folder);
  project.provide("serverUrl", process.env["AQUIFER_TEST_URL"] ?? (await startShared(folder)));
  return () => removeServers(folder);
}

async function startShared(folder: string): Promise<string> {
  const root = join(folder, "shared");
  mkdirSync(root);
  return serverUrl(await startEmbedded(root, { settings: testSettings }));
}

async function removeServers(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) await resetEmbedded(join(folder, name));
  rmSync(folder, { recursive: true });
}

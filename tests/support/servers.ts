import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, inject, test } from "vitest";
import { startEmbedded, type EmbeddedServer } from "../../src/warehouse/embedded/embedded-server.js";
import { skipUnless } from "./skip.js";

/** Fast and thrown away; replication on, for the tests of publications. */
export const testSettings = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
  wal_level: "logical",
  max_wal_senders: "4",
};

/** A connection URL with the password. */
export function serverUrl(server: EmbeddedServer, database = "postgres"): string {
  return `postgres://${server.user}:${server.password}@${server.host}:${server.port}/${database}`;
}

/** Major versions that tests may run on. The first is the server that all tests share. */
export type ServerMajor = 18 | 17 | 16 | 15;

/** The newest and the oldest; all of them in CI. */
const serverMajors: readonly ServerMajor[] = process.env["CI"] === "true" ? [18, 17, 16, 15] : [18, 15];

/** URL of the shared server, or of an older one, which is started when a test first asks for it. */
export async function serverOf(major: ServerMajor): Promise<string> {
  if (major === 18) return inject("serverUrl");
  const root = join(inject("serversFolder"), String(major));
  mkdirSync(root, { recursive: true });
  return serverUrl(await startEmbedded(root, { packageName: packageOf(major), settings: testSettings }));
}

/**
 * Declares the same tests once for each server version; those of a version that is not installed here are skipped.
 *
 * @example describeOnServers("a view", (major) => { it("...", async () => { const db = await freshDatabase({ major }); }); });
 */
export function describeOnServers(name: string, body: (major: ServerMajor) => void): void {
  for (const major of serverMajors) {
    describe(`${name} (PostgreSQL ${major})`, () => {
      if (isInstalled(major)) body(major);
      else test("runs", (context) => skipUnless(context, false, `PostgreSQL ${major} is not installed`));
    });
  }
}

function isInstalled(major: ServerMajor): boolean {
  if (major === 18) return true;
  try {
    createRequire(import.meta.url).resolve(packageOf(major));
    return true;
  } catch {
    return false;
  }
}

function packageOf(major: number): string {
  return `postgres-${major}-${process.platform}-${process.arch}`;
}

import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  startEmbedded,
  stopEmbedded,
  type EmbeddedServer,
} from "../src/warehouse/embedded/embedded-server.js";

/** A throw-away server with a certificate of its own making: @dataform/cli 2.6.7 speaks to no other. */
export async function startEncrypted(root: string): Promise<EmbeddedServer> {
  mkdirSync(root);
  const { data } = await startEmbedded(root);
  await stopEmbedded(root);
  const files = ["-keyout", join(data, "server.key"), "-out", join(data, "server.crt")];
  const made = spawnSync("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    ...files,
  ]);
  if (made.status !== 0) throw new Error("openssl makes the server's certificate, and is not installed");
  const { uid, gid } = statSync(data);
  for (const name of ["server.key", "server.crt"]) {
    chownSync(join(data, name), uid, gid);
    chmodSync(join(data, name), 0o600);
  }
  appendFileSync(join(data, "postgresql.conf"), "ssl = on\n");
  return startEmbedded(root);
}

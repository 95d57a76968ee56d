import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { asError } from "../../base/errors.js";
import { nearestName } from "../../base/nearest-name.js";
import { usageError, type Parameters } from "./parameters.js";

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];

/** How one attempt to connect encrypts: false is in the clear. */
export type TlsAttempt = false | ConnectionOptions;

/** True for this machine itself: nobody between the client and the server. */
export function isLocal(host: string): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

/** The mode that was asked for; where none was, the safest that fits the host. */
export function sslModeOf(parameters: Parameters, host: string): SslMode {
  const given = parameters["sslmode"];
  if (given === undefined) return isLocal(host) ? "prefer" : "verify-full";
  const known = sslModes.find((mode) => mode === given);
  if (known) return known;
  throw usageError("bad-sslmode", `sslmode ${JSON.stringify(given)} does not exist`, {
    hint: `Did you mean ${nearestName(given, sslModes) ?? "verify-full"}? The modes are ${sslModes.join(", ")}.`,
  });
}

/**
 * The attempts that a mode stands for, in order, as libpq makes them
 * (https://www.postgresql.org/docs/current/libpq-ssl.html). A socket is never encrypted.
 */
export async function tlsAttempts(
  parameters: Parameters,
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<TlsAttempt[]> {
  const mode = sslModeOf(parameters, host);
  if (mode === "disable" || host.startsWith("/")) return [false];
  const folder = join(env["HOME"] ?? homedir(), ".postgresql");
  const file = async (keyword: string, standard: string): Promise<Buffer | undefined> => {
    const path =
      parameters[keyword] ?? (existsSync(join(folder, standard)) ? join(folder, standard) : undefined);
    if (path === undefined || path === "" || (keyword === "sslrootcert" && path === "system"))
      return undefined;
    return readFile(path).catch((thrown: unknown) => {
      throw usageError("bad-certificate-file", `${keyword}: ${path} cannot be read`, {
        details: [asError(thrown).message],
      });
    });
  };
  const [ca, cert, key] = [
    await file("sslrootcert", "root.crt"),
    await file("sslcert", "postgresql.crt"),
    await file("sslkey", "postgresql.key"),
  ];
  const secure: ConnectionOptions = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    minVersion: (parameters["ssl_min_protocol_version"] ?? "TLSv1.2") as SecureVersion,
  };
  // With a root certificate at hand, libpq lets `require` verify the chain too.
  const verifiesChain =
    mode === "verify-ca" || mode === "verify-full" || (mode === "require" && ca !== undefined);
  const encrypted: ConnectionOptions = {
    ...secure,
    rejectUnauthorized: verifiesChain,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
  if (mode === "prefer") return [encrypted, false];
  if (mode === "allow") return [false, encrypted];
  return [encrypted];
}

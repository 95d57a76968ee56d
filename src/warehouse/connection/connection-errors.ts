import { asError, type AquiferError } from "../../base/errors.js";
import { WarehouseError } from "../warehouse-error.js";
import type { WarehouseTarget } from "../warehouse.js";
import { usageError } from "./parameters.js";

/** True when another attempt, with or without encryption, may succeed where this one failed. */
export function dependsOnEncryption(error: unknown): boolean {
  const { cause, server } = asWarehouseError(error);
  // 28000: pg_hba.conf has no line for this client with this encryption.
  return server.sqlState === "28000" || isTlsFailure(asError(cause));
}

/** True when another host of the list may answer. */
export function dependsOnHost(error: unknown): boolean {
  const { server } = asWarehouseError(error);
  return server.sqlState === undefined || server.sqlState.startsWith("57P");
}

/** Why no connection came about and what to do, without any secret. Exit code 2. */
export function connectionError(error: unknown, target: WarehouseTarget): AquiferError {
  const warehouseError = asWarehouseError(error);
  const { server } = warehouseError;
  const cause = asError(warehouseError.cause ?? warehouseError) as NodeJS.ErrnoException;
  const place = target.host.startsWith("/")
    ? `the socket in ${target.host}`
    : `${target.host}:${target.port}`;
  const from = `(from ${target.origin})`;
  const fail = (code: string, message: string, hint: string, details: string[] = []): AquiferError =>
    usageError(code, `${message} ${from}`, { hint, details, cause });
  switch (server.sqlState) {
    case "28P01":
      return fail(
        "wrong-password",
        `The server at ${place} refuses the password of "${target.user}"`,
        "Check the password and the user's name.",
      );
    case "28000":
      return fail(
        "not-admitted",
        `The server at ${place} does not admit "${target.user}" to "${target.database}"`,
        "Check that the role exists, may log in, and that the server's pg_hba.conf has a line for it.",
        [server.message],
      );
    case "3D000":
      return fail(
        "unknown-database",
        `The server at ${place} has no database "${target.database}"`,
        `Create it (createdb ${target.database}) or name another.`,
      );
    case "53300":
      return fail(
        "too-many-connections",
        `The server at ${place} has no connection left`,
        "Lower --concurrency, close other clients, or raise max_connections.",
        [server.message],
      );
    case "57P03":
      return fail("not-ready", `The server at ${place} is not ready`, "Try again in a moment.", [
        server.message,
      ]);
    case undefined:
      break;
    default:
      return fail(
        "refused",
        `The server at ${place} refuses the connection`,
        "See the server's words above.",
        [server.message],
      );
  }
  if (cause.code === "no-password" || /client password must be/.test(cause.message)) {
    return fail(
      "no-password",
      `The server at ${place} asks for the password of "${target.user}", and none is given`,
      "Give it in the URL, the credentials file, PGPASSWORD or ~/.pgpass (which nobody else may read: chmod 600).",
    );
  }
  const network = networkFailure(cause, place);
  if (network) return fail("unreachable", network[0], network[1]);
  if (isTlsFailure(cause)) return fail("tls", ...tlsFailure(cause, place));
  return fail("no-connection", `No connection to ${place}`, "Check host, port and the server's log.", [
    cause.message,
  ]);
}

function networkFailure(cause: NodeJS.ErrnoException, place: string): [string, string] | undefined {
  // One error for each address of the host's name.
  const code = cause.code ?? (cause instanceof AggregateError ? codeOf(cause.errors[0]) : undefined);
  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return [
        `No server answers at ${place}`,
        "Check host and port, and that PostgreSQL runs there and listens on that address.",
      ];
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [`The host of ${place} is not known`, "Check its spelling and this machine's name service."];
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return [
        `${place} cannot be reached`,
        "Check the network, the VPN and the firewall between here and there.",
      ];
    case "ECONNRESET":
    case "EPIPE":
      return [`${place} closed the connection`, "Check that it is a PostgreSQL server, and its log."];
    default:
      break;
  }
  if (/timeout/.test(cause.message)) {
    return [
      `${place} did not answer in time`,
      "Check host and port; connect_timeout sets the seconds to wait.",
    ];
  }
  if (/terminated unexpectedly/.test(cause.message)) {
    return [`${place} closed the connection`, "Check that it is a PostgreSQL server, and its log."];
  }
  return undefined;
}

function codeOf(thrown: unknown): string | undefined {
  return (asError(thrown) as NodeJS.ErrnoException).code;
}

const noTls = /does not support SSL|error establishing an SSL/;

function isTlsFailure(cause: Error): boolean {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return noTls.test(cause.message) || /^(ERR_TLS|ERR_SSL|CERT_|EPROTO|DEPTH_|SELF_|UNABLE_TO)/.test(code);
}

function tlsFailure(cause: NodeJS.ErrnoException, place: string): [string, string, string[]] {
  if (noTls.test(cause.message)) {
    return [
      `The server at ${place} does not encrypt`,
      "Turn ssl on in the server, or allow plain text where the network is trusted: sslmode=disable.",
      [],
    ];
  }
  const verified: Readonly<Record<string, string>> = {
    DEPTH_ZERO_SELF_SIGNED_CERT: "is signed by itself",
    SELF_SIGNED_CERT_IN_CHAIN: "comes from an authority that is not trusted here",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from an authority that is not trusted here",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from an authority that is not trusted here",
    ERR_TLS_CERT_ALTNAME_INVALID: "is for another host",
    CERT_HAS_EXPIRED: "has expired",
  };
  const reason = verified[cause.code ?? ""];
  return [
    reason === undefined
      ? `TLS with the server at ${place} failed`
      : `The certificate of the server at ${place} ${reason}`,
    "Give the authority's certificate as sslrootcert=FILE; sslmode=require encrypts without verifying.",
    [cause.message],
  ];
}

function asWarehouseError(error: unknown): WarehouseError {
  const known = asError(error);
  return known instanceof WarehouseError
    ? known
    : new WarehouseError({ message: known.message }, undefined, known);
}

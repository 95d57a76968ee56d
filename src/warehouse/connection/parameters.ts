import { AquiferError, exitCodes } from "../../base/errors.js";
import { nearestName } from "../../base/nearest-name.js";

/** Connection parameters by libpq's keywords (https://www.postgresql.org/docs/current/libpq-connect.html). */
export type Parameters = Readonly<Record<string, string>>;

/** Keyword and environment variable of everything that is honoured. */
export const environmentNames: Readonly<Record<string, string>> = {
  host: "PGHOST",
  hostaddr: "PGHOSTADDR",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  service: "PGSERVICE",
  options: "PGOPTIONS",
  connect_timeout: "PGCONNECT_TIMEOUT",
  channel_binding: "PGCHANNELBINDING",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
};

/** Without effect here, and harmless to leave aside. */
const ignored = new Set([
  ...["application_name", "fallback_application_name", "client_encoding", "sslcompression", "sslsni"],
  ...["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"],
  ...["gssencmode", "krbsrvname", "gsslib", "load_balance_hosts"],
]);

/**
 * Refuses what would change the meaning of the connection and is not supported: ignoring `sslcrl` would be less safe than
 * what the user asked for.
 */
export function requireKnown(parameters: Parameters, origin: string): Parameters {
  for (const [name, value] of Object.entries(parameters)) {
    if (name in environmentNames || ignored.has(name)) continue;
    if (name === "target_session_attrs" && value === "any") continue;
    const near = nearestName(name, Object.keys(environmentNames));
    throw usageError("unknown-parameter", `${origin}: the connection parameter ${name} is not supported`, {
      hint: near === undefined ? "Leave it out." : `Did you mean ${near}?`,
    });
  }
  return parameters;
}

/** What the environment says, by keyword. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Parameters {
  return Object.fromEntries(
    Object.entries(environmentNames).flatMap(([keyword, variable]) => {
      const value = env[variable];
      return value === undefined || value === "" ? [] : [[keyword, value]];
    }),
  );
}

/**
 * Reads a connection URI as libpq does: `postgres://user:password@host:port/dbname?sslmode=verify-full`, several hosts
 * separated by commas, everything percent-encoded. Errors never repeat the text: it may hold a password.
 */
export function fromUrl(url: string, origin: string): Parameters {
  const groups = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url.trim());
  if (!groups) {
    throw usageError("bad-connection-url", `${origin} is not a PostgreSQL URL`, { hint: urlHint });
  }
  const [, credentials = "", hosts = "", dbname = "", query = ""] = groups;
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw usageError("bad-connection-url", `${origin} holds a % that is not followed by two digits`, {
        hint: urlHint,
      });
    }
  };
  const colon = credentials.indexOf(":");
  const places = hosts.split(",").map((place) => splitPlace(place, origin));
  const found: Record<string, string> = {
    user: decode(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: colon < 0 ? "" : decode(credentials.slice(colon + 1)),
    host: places.map((place) => decode(place.host)).join(","),
    port: places.every((place) => place.port === "") ? "" : places.map((place) => place.port).join(","),
    dbname: decode(dbname),
  };
  for (const pair of query === "" ? [] : query.split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 0) {
      throw usageError("bad-connection-url", `${origin}: a parameter after ? has no value`, {
        hint: urlHint,
      });
    }
    found[decode(pair.slice(0, equals))] = decode(pair.slice(equals + 1));
  }
  return requireKnown(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== "")), origin);
}

const urlHint =
  "Write postgres://user:password@host:port/database, with special characters of the password percent-encoded (/ is %2F, @ is %40).";

function splitPlace(place: string, origin: string): { host: string; port: string } {
  const groups = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place);
  if (!groups) {
    throw usageError("bad-connection-url", `${origin}: the host and port cannot be read`, { hint: urlHint });
  }
  return { host: groups[1] ?? groups[2] ?? "", port: groups[3] ?? "" };
}

/** An error of how the connection was named: exit code 2. */
export function usageError(
  code: string,
  message: string,
  more: { readonly hint?: string; readonly details?: readonly string[]; readonly cause?: unknown } = {},
): AquiferError {
  return new AquiferError(message, { code, exitCode: exitCodes.usage, ...more });
}

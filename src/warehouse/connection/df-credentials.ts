import { readFile } from "node:fs/promises";
import { asError } from "../../base/errors.js";
import { nearestName } from "../../base/nearest-name.js";
import { usageError, type Parameters } from "./parameters.js";

/** What each key of the file becomes. */
const keywords: Readonly<Record<string, string>> = {
  host: "host",
  port: "port",
  username: "user",
  password: "password",
  databaseName: "dbname",
  sslmode: "sslmode",
  sslrootcert: "sslrootcert",
  sslcert: "sslcert",
  sslkey: "sslkey",
};

/**
 * Reads `.df-credentials.json` in the PostgreSQL form of Dataform 2.x:
 * `{ host, port, username, password, databaseName, ssl }`. `ssl` is `true` (encrypt), `false`, or `{ rejectUnauthorized }`;
 * libpq's `sslmode` and `sslrootcert` may stand in its place.
 */
export async function readCredentials(file: string, name: string): Promise<Parameters> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (thrown) {
    const error = asError(thrown) as NodeJS.ErrnoException;
    // The parser's message quotes the text, which holds the password.
    const reason = error.code === undefined ? "is not JSON" : `cannot be read (${error.code})`;
    throw usageError("bad-credentials", `The credentials file ${name} ${reason}`, { hint });
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw usageError("bad-credentials", `The credentials file ${name} holds no object`, { hint });
  }
  return Object.fromEntries(
    Object.entries(content).flatMap(([key, value]: [string, unknown]) => entry(name, key, value)),
  );
}

const hint =
  'It looks like {"host": "localhost", "port": 5432, "username": "me", "password": "...", "databaseName": "warehouse"}.';

function entry(name: string, key: string, value: unknown): [string, string][] {
  if (value === null || value === undefined) return [];
  if (key === "ssl") return [["sslmode", sslMode(name, value)]];
  if (key === "sshTunnel") {
    throw usageError("bad-credentials", `${name}: sshTunnel is not supported`, {
      hint: "Open the tunnel yourself (ssh -L 5433:database-host:5432 user@gateway) and give host localhost, port 5433.",
    });
  }
  const keyword = keywords[key];
  if (keyword !== undefined && (typeof value === "string" || typeof value === "number")) {
    return [[keyword, String(value)]];
  }
  if (keyword !== undefined) {
    throw usageError("bad-credentials", `${name}: ${key} must be a text or a number`, { hint });
  }
  const near = nearestName(key, [...Object.keys(keywords), "ssl"]);
  throw usageError("bad-credentials", `${name}: ${key} is not a key of PostgreSQL credentials`, {
    hint: near === undefined ? hint : `Did you mean ${near}?`,
  });
}

function sslMode(name: string, value: unknown): string {
  if (value === true) return "require";
  if (value === false) return "disable";
  if (typeof value === "object" && value !== null && "rejectUnauthorized" in value) {
    if (value.rejectUnauthorized === false) return "require";
    if (value.rejectUnauthorized === true) return "verify-full";
  }
  throw usageError("bad-credentials", `${name}: ssl must be true, false or {"rejectUnauthorized": ...}`, {
    hint,
  });
}

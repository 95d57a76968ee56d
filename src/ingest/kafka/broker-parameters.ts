import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AquiferError, asError, exitCodes } from "../../base/errors.js";
import { nearestName } from "../../base/nearest-name.js";
import type { ClusterParameters, SaslParameters, TlsParameters } from "./kafkajs-cluster.js";

/** What a URL or a file says, by name; both say the same things. */
type Settings = Readonly<Record<string, string>>;

const settingNames = [
  ...["brokers", "username", "password", "mechanism"],
  ...["sslmode", "sslrootcert", "sslcert", "sslkey"],
];
const sslModes = ["disable", "require", "verify-ca", "verify-full"];
const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

const urlHint =
  "Write kafka://host:9092,other:9092, or kafkas://user:password@host:9093?mechanism=scram-sha-512 for TLS, with special characters percent-encoded; or the path of a JSON file with brokers, username, password, mechanism, sslmode.";

/**
 * Reads how to reach a cluster: a URL `kafka://` (in the clear) or `kafkas://` (TLS), or the path of a JSON file. Errors
 * never repeat the text: it may hold a password.
 *
 * @param value of an environment variable
 * @param origin the variable's name
 */
export async function brokerParameters(
  value: string,
  origin: string,
  projectRoot: string,
): Promise<ClusterParameters> {
  const settings = /^kafkas?:\/\//.test(value)
    ? fromUrl(value, origin)
    : await fromFile(resolve(projectRoot, value), origin);
  const unknown = Object.keys(settings).find((name) => !settingNames.includes(name));
  if (unknown !== undefined) {
    const near = nearestName(unknown, settingNames);
    throw bad(
      origin,
      `the setting ${unknown} is not known`,
      near === undefined ? urlHint : `Did you mean ${near}?`,
    );
  }
  const brokers = (settings["brokers"] ?? "").split(",").filter((each) => each !== "");
  if (brokers.length === 0 || !brokers.every((each) => /^(\[[^\]]+\]|[^:[\]]+):\d+$/.test(each)))
    throw bad(origin, "it names no broker as host:port");
  const mode = settings["sslmode"] ?? "disable";
  if (!sslModes.includes(mode))
    throw bad(origin, `sslmode ${JSON.stringify(mode)} is none of ${sslModes.join(", ")}`);
  const sasl = saslOf(settings, origin);
  if (sasl?.mechanism === "plain" && settings["sslmode"] === undefined && !brokers.every(isLocal)) {
    throw bad(
      origin,
      "the password would be sent in the clear",
      "Write kafkas://, or sslmode=disable if it must be so.",
    );
  }
  return {
    brokers,
    sasl,
    tls: mode === "disable" ? undefined : await tlsOf(settings, mode, origin, projectRoot),
  };
}

function fromUrl(url: string, origin: string): Settings {
  const groups = /^kafka(s?):\/\/(?:([^@/?]*)@)?([^@/?]*)\/?(?:\?(.*))?$/s.exec(url.trim());
  if (!groups) throw bad(origin, "it is no URL of Kafka");
  const [, secure = "", credentials = "", brokers = "", query = ""] = groups;
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw bad(origin, "it holds a % that is not followed by two digits");
    }
  };
  const colon = credentials.indexOf(":");
  const pairs = query.split("&").filter((pair) => pair !== "");
  const given = Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) throw bad(origin, "a setting after ? has no value");
      return [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
    }),
  );
  if (secure === "" && (given["sslmode"] ?? "disable") !== "disable")
    throw bad(origin, "kafka:// does not encrypt, but an sslmode is given", "Write kafkas://.");
  if (secure !== "" && given["sslmode"] === "disable")
    throw bad(origin, "kafkas:// encrypts, but sslmode is disable", "Write kafka://.");
  return {
    ...given,
    brokers,
    ...(secure === "" ? {} : { sslmode: given["sslmode"] ?? "verify-full" }),
    ...(credentials === ""
      ? {}
      : {
          username: decode(colon < 0 ? credentials : credentials.slice(0, colon)),
          password: colon < 0 ? "" : decode(credentials.slice(colon + 1)),
        }),
  };
}

async function fromFile(path: string, origin: string): Promise<Settings> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (thrown) {
    const { code } = asError(thrown) as NodeJS.ErrnoException;
    // The parser's message quotes the text, which holds the password.
    throw bad(
      origin,
      code === undefined ? "its file is not JSON" : `it is no URL, and no file can be read there (${code})`,
    );
  }
  if (typeof content !== "object" || content === null || Array.isArray(content))
    throw bad(origin, "its file holds no object");
  return Object.fromEntries(
    Object.entries(content).map(([name, value]: [string, unknown]) => {
      const text: unknown = name === "brokers" && Array.isArray(value) ? value.join(",") : value;
      if (typeof text !== "string") throw bad(origin, `${name} in its file is no text`);
      return [name, text];
    }),
  );
}

function saslOf({ username, password, mechanism }: Settings, origin: string): SaslParameters | undefined {
  if (username === undefined) {
    if (mechanism !== undefined) throw bad(origin, "it has a mechanism, but no user");
    return undefined;
  }
  const known = mechanisms.find((each) => each === (mechanism ?? "plain").toLowerCase());
  if (!known) throw bad(origin, `mechanism ${JSON.stringify(mechanism)} is none of ${mechanisms.join(", ")}`);
  return { mechanism: known, username, password: password ?? "" };
}

/** As libpq reads the words: `require` encrypts, `verify-ca` knows who signed, `verify-full` also the name. */
async function tlsOf(
  settings: Settings,
  mode: string,
  origin: string,
  projectRoot: string,
): Promise<TlsParameters> {
  const file = async (name: string): Promise<string | undefined> => {
    const path = settings[name];
    if (path === undefined) return undefined;
    return readFile(resolve(projectRoot, path), "utf8").catch((thrown: unknown) => {
      throw bad(origin, `${name} cannot be read: ${asError(thrown).message}`);
    });
  };
  const [ca, cert, key] = [await file("sslrootcert"), await file("sslcert"), await file("sslkey")];
  return {
    rejectUnauthorized: mode !== "require",
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function isLocal(broker: string): boolean {
  return /^(localhost|\[::1\]|127(\.\d+){3}):\d+$/.test(broker);
}

function bad(origin: string, what: string, hint = urlHint): AquiferError {
  return new AquiferError(`${origin}: ${what}`, { code: "bad-broker-url", exitCode: exitCodes.usage, hint });
}

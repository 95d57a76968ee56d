import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { describeTarget, openWarehouse } from "../../src/warehouse/connect.js";
import {
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
  type EmbeddedServer,
} from "../../src/warehouse/embedded/embedded-server.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { temporaryFolder } from "../support/project-folder.js";
import { serverUrl, testSettings } from "../support/servers.js";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const plain = temporaryFolder();
const encrypted = temporaryFolder();
const home = temporaryFolder();
let plainServer: EmbeddedServer;
let tlsServer: EmbeddedServer;

/** A certificate for `localhost`, signed by itself. */
function makeCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, "-keyout", key, "-out", cert],
    { stdio: "ignore" },
  );
  return { cert, key };
}

beforeAll(async () => {
  plainServer = await startEmbedded(plain, { settings: testSettings });
  if (!hasOpenssl) return;
  const { data } = await startEmbedded(encrypted, { settings: testSettings });
  await stopEmbedded(encrypted);
  const files = makeCertificate(encrypted);
  const { uid, gid } = statSync(data);
  for (const [name, file] of Object.entries({ "server.crt": files.cert, "server.key": files.key })) {
    copyFileSync(file, join(data, name));
    chownSync(join(data, name), uid, gid);
    chmodSync(join(data, name), 0o600);
  }
  appendFileSync(join(data, "postgresql.conf"), "ssl = on\n");
  // Role `sealed` is admitted over TLS only, role `open` in the clear only.
  const rules = readFileSync(join(data, "pg_hba.conf"), "utf8");
  const first = ["hostssl all sealed all trust", "hostnossl all sealed all reject"];
  const second = ["hostnossl all open all trust", "hostssl all open all reject"];
  writeFileSync(join(data, "pg_hba.conf"), [...first, ...second, rules].join("\n"));
  tlsServer = await startEmbedded(encrypted);
  const admin = await connect(serverUrl(tlsServer));
  await admin.query(
    "create role sealed login; create role open login; create role locked login password 'x'",
  );
  await admin.close();
});

afterAll(async () => {
  await resetEmbedded(plain);
  await resetEmbedded(encrypted);
});

function connect(url: string, env: Record<string, string> = {}): Promise<Warehouse> {
  return openWarehouse({ projectRoot: home, env: { HOME: home, DATABASE_URL: url, ...env }, maxSessions: 1 });
}

async function isEncrypted(url: string, env: Record<string, string> = {}): Promise<unknown> {
  const warehouse = await connect(url, env);
  try {
    const { rows } = await warehouse.query<{ ssl: boolean }>(
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    return rows[0]?.ssl;
  } finally {
    await warehouse.close();
  }
}

/** What opening failed with: an AquiferError with exit code 2, or the test fails. */
async function failure(url: string, env: Record<string, string> = {}): Promise<AquiferError> {
  const thrown: unknown = await connect(url, env).then(
    (warehouse) => warehouse.close(),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(AquiferError);
  expect(thrown).toMatchObject({ exitCode: 2 });
  return thrown as AquiferError;
}

const at = (server: EmbeddedServer, user: string, host = "localhost"): string =>
  `postgres://${user}@${host}:${server.port}/postgres`;

describe.skipIf(!hasOpenssl)("sslmode means what it means in libpq", () => {
  it.each([
    ["disable", false],
    ["allow", false],
    ["prefer", true],
    ["require", true],
  ])("%s with a server that offers TLS: encrypted %s", async (mode, expected) => {
    expect(await isEncrypted(`${serverUrl(tlsServer)}?sslmode=${mode}`)).toBe(expected);
  });

  it.each([
    ["disable", false],
    ["allow", false],
    ["prefer", false],
    [undefined, false],
  ])("%s with a server that offers none: encrypted %s", async (mode, expected) => {
    const query = mode === undefined ? "" : `?sslmode=${mode}`;
    expect(await isEncrypted(`${serverUrl(plainServer)}${query}`)).toBe(expected);
  });

  it.each(["require", "verify-ca", "verify-full"])("%s refuses a server that offers none", async (mode) => {
    expect(await failure(`${serverUrl(plainServer)}?sslmode=${mode}`)).toMatchObject({
      code: "tls",
      message: `The server at 127.0.0.1:${plainServer.port} does not encrypt (from DATABASE_URL)`,
    });
  });

  it("allow and prefer try the other way when the server insists", async () => {
    expect(await isEncrypted(`${at(tlsServer, "sealed")}?sslmode=allow`)).toBe(true);
    expect(await isEncrypted(`${at(tlsServer, "open")}?sslmode=prefer`)).toBe(false);
  });

  it.each(["verify-ca", "verify-full"])("%s refuses a certificate that nobody vouches for", async (mode) => {
    const error = await failure(`${at(tlsServer, "sealed")}?sslmode=${mode}`);
    expect(error).toMatchObject({
      code: "tls",
      message: `The certificate of the server at localhost:${tlsServer.port} is signed by itself (from DATABASE_URL)`,
    });
  });

  it.each(["verify-ca", "verify-full"])("%s accepts it once it is named as trusted", async (mode) => {
    const root = encodeURIComponent(join(encrypted, "server.crt"));
    expect(await isEncrypted(`${at(tlsServer, "sealed")}?sslmode=${mode}&sslrootcert=${root}`)).toBe(true);
    expect(
      await isEncrypted(at(tlsServer, "sealed"), {
        PGSSLMODE: mode,
        PGSSLROOTCERT: join(encrypted, "server.crt"),
      }),
    ).toBe(true);
  });

  it("verify-full refuses a certificate for another host, verify-ca does not look at the host", async () => {
    const query = `&sslrootcert=${encodeURIComponent(join(encrypted, "server.crt"))}`;
    const byNumber = at(tlsServer, "sealed", "127.0.0.1");
    expect(await failure(`${byNumber}?sslmode=verify-full${query}`)).toMatchObject({
      message: expect.stringContaining("is for another host") as string,
    });
    expect(await isEncrypted(`${byNumber}?sslmode=verify-ca${query}`)).toBe(true);
  });

  it("verify-full compares the name even when the address is given apart", async () => {
    const query = `&sslrootcert=${encodeURIComponent(join(encrypted, "server.crt"))}&hostaddr=127.0.0.1`;
    expect(await isEncrypted(`${at(tlsServer, "sealed")}?sslmode=verify-full${query}`)).toBe(true);
    expect(
      await failure(`${at(tlsServer, "sealed", "db.example")}?sslmode=verify-full${query}`),
    ).toMatchObject({
      message: expect.stringContaining("is for another host") as string,
    });
  });

  it("require verifies the chain when a root certificate is given", async () => {
    const other = temporaryFolder();
    const { cert } = makeCertificate(other);
    const error = await failure(
      `${at(tlsServer, "sealed")}?sslmode=require&sslrootcert=${encodeURIComponent(cert)}`,
    );
    expect(error.code).toBe("tls");
  });
});

describe("a connection that cannot be made", () => {
  it("names a wrong password", async () => {
    const error = await failure(`postgres://aquifer:guess@127.0.0.1:${plainServer.port}/postgres`);
    expect(describeError(error)).toBe(
      `The server at 127.0.0.1:${plainServer.port} refuses the password of "aquifer" (from DATABASE_URL)\n` +
        "  hint: Check the password and the user's name.",
    );
  });

  it("names an unknown database", async () => {
    expect(await failure(serverUrl(plainServer, "absent"))).toMatchObject({
      code: "unknown-database",
      message: `The server at 127.0.0.1:${plainServer.port} has no database "absent" (from DATABASE_URL)`,
    });
  });

  it("names an unknown role as the server does: like a wrong password", async () => {
    expect(await failure(`postgres://ghost:x@127.0.0.1:${plainServer.port}/postgres`)).toMatchObject({
      code: "wrong-password",
    });
  });

  it.skipIf(!hasOpenssl)("names a role that the server does not admit", async () => {
    expect(await failure(`${at(tlsServer, "open")}?sslmode=require`)).toMatchObject({ code: "not-admitted" });
  });

  it("asks for a password that is not given", async () => {
    expect(await failure(at(plainServer, "aquifer"))).toMatchObject({
      code: "no-password",
      hint: expect.stringContaining("PGPASSWORD") as string,
    });
  });

  it("names a port where nobody listens", async () => {
    expect(await failure("postgres://u:p@127.0.0.1:9/d")).toMatchObject({
      code: "unreachable",
      message: "No server answers at 127.0.0.1:9 (from DATABASE_URL)",
    });
  });

  it("names a socket that is not there", async () => {
    expect(await failure("postgres://u@%2Fabsent/d")).toMatchObject({
      message: "No server answers at the socket in /absent (from DATABASE_URL)",
    });
  });

  it("names a host that nobody knows", async () => {
    expect(await failure("postgres://u:p@no-such-host.invalid/d")).toMatchObject({
      message: "The host of no-such-host.invalid:5432 is not known (from DATABASE_URL)",
    });
  });

  it("does not wait for ever for a server that says nothing, nor takes another program for one", async () => {
    const silent = createServer();
    const chatty = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (const server of [silent, chatty]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
    onTestFinished(() => {
      silent.close();
      chatty.close();
    });
    const port = (server: typeof silent): number => (server.address() as AddressInfo).port;
    expect(
      await failure(`postgres://u:p@127.0.0.1:${port(silent)}/d?connect_timeout=1&sslmode=disable`),
    ).toMatchObject({
      message: `127.0.0.1:${port(silent)} did not answer in time (from DATABASE_URL)`,
    });
    expect(
      await failure(`postgres://u:p@127.0.0.1:${port(chatty)}/d?sslmode=disable&connect_timeout=2`),
    ).toMatchObject({
      code: expect.stringMatching(/unreachable|no-connection/) as string,
    });
  });

  it("is tried at the next host of the list", async () => {
    const { password, port } = plainServer;
    const warehouse = await connect(`postgres://aquifer:${password}@127.0.0.1:9,127.0.0.1:${port}/postgres`);
    expect(describeTarget(warehouse.target)).toBe(
      `Warehouse: 127.0.0.1:${port}/postgres as aquifer (DATABASE_URL)`,
    );
    await warehouse.close();
  });
});

describe("what the environment says", () => {
  it("reaches the session: password file, options, application name", async () => {
    const { host, port, passwordFile } = plainServer;
    const file = join(home, "pass");
    copyFileSync(passwordFile, file);
    chmodSync(file, 0o600);
    const env = {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: "aquifer",
      PGDATABASE: "postgres",
      PGPASSFILE: file,
    };
    const warehouse = await openWarehouse({
      projectRoot: home,
      env: { ...env, HOME: home, PGOPTIONS: "-c work_mem=7MB" },
      maxSessions: 1,
    });
    const { rows } = await warehouse.query(
      "select current_setting('work_mem') as memory, current_setting('application_name') as name",
    );
    await warehouse.close();
    expect(rows).toEqual([{ memory: "7MB", name: "aquifer" }]);
  });

  it("is the one that was handed in, not the process's own", async () => {
    process.env["PGPASSWORD"] = plainServer.password;
    onTestFinished(() => {
      delete process.env["PGPASSWORD"];
    });
    expect(await failure(at(plainServer, "aquifer"))).toMatchObject({ code: "no-password" });
  });
});

describe("a password", () => {
  it("stands in no message, whatever goes wrong and whatever it holds", async () => {
    const mark = "Xy7sesame";
    const { port } = plainServer;
    const ways: ((password: string) => [string, Record<string, string>?])[] = [
      (password) => [`postgres://aquifer:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`],
      (password) => [`postgres://aquifer:${encodeURIComponent(password)}@127.0.0.1:9/postgres`],
      (password) => [
        `postgres://aquifer:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?sslmode=require`,
      ],
      (password) => [
        `postgres://aquifer:${encodeURIComponent(password)}@127.0.0.1:${port}/d?sslmod=${encodeURIComponent(password)}`,
      ],
      // Not encoded, as people paste it: read wrongly or not at all, but never shown.
      (password) => [`postgres//aquifer:${password}@127.0.0.1:9/postgres`],
      (password) => [at(plainServer, "aquifer"), { PGPASSWORD: password }],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ways),
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "grapheme" }),
        async (way, before, after) => {
          const password = (before + mark + after).replaceAll("\0", "");
          const error = await failure(...way(password));
          expect(describeError(error)).not.toContain(mark);
          expect(inspect(error, { depth: 8, showHidden: true })).not.toContain(mark);
        },
      ),
      { numRuns: 60 },
    );
  });
});

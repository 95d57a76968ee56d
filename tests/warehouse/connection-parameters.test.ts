import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { chooseServer, describeTarget, firstTarget } from "../../src/warehouse/connect.js";
import { fromUrl } from "../../src/warehouse/connection/parameters.js";
import { passwordFromFile, passwordIn } from "../../src/warehouse/connection/password-file.js";
import { isLocal, sslModeOf, tlsAttempts } from "../../src/warehouse/connection/tls.js";

function folder(files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "aquifer-connection-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const credentials = JSON.stringify({ host: "file-host", username: "u", password: "p", databaseName: "d" });

describe("a connection URL", () => {
  it("gives every part back, whatever characters it holds", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 1, max: 65535 }), (user, password, dbname, port) => {
        const e = encodeURIComponent;
        expect(
          fromUrl(`postgres://${e(user)}:${e(password)}@db.example:${port}/${e(dbname)}`, "URL"),
        ).toEqual({
          ...{ user, password, dbname },
          host: "db.example",
          port: String(port),
        });
      }),
    );
  });

  it.each([
    ["postgresql://", {}],
    ["postgres:///db", { dbname: "db" }],
    [
      "postgres://h/db?sslmode=require&connect_timeout=3",
      { host: "h", dbname: "db", sslmode: "require", connect_timeout: "3" },
    ],
    ["postgres://%2Fvar%2Frun/db", { host: "/var/run", dbname: "db" }],
    ["postgres:///db?host=/tmp&port=5433", { dbname: "db", host: "/tmp", port: "5433" }],
    ["postgres://[::1]:5433/db", { host: "::1", port: "5433", dbname: "db" }],
    ["postgres://a:1,b:2/db", { host: "a,b", port: "1,2", dbname: "db" }],
  ])("is read as libpq reads it: %s", (url, expected) => {
    expect(fromUrl(url, "URL")).toEqual(expected);
  });

  it.each([
    ["mysql://h/db", "bad-connection-url", "URL is not a PostgreSQL URL"],
    ["postgres://u:100%@h/db", "bad-connection-url", "URL holds a % that is not followed by two digits"],
    [
      "postgres://h/db?sslmod=require",
      "unknown-parameter",
      "URL: the connection parameter sslmod is not supported",
    ],
    [
      "postgres://h/db?sslcrl=x",
      "unknown-parameter",
      "URL: the connection parameter sslcrl is not supported",
    ],
    ["postgres://h:1:2/db", "bad-connection-url", "URL: the host and port cannot be read"],
  ])("is refused when it cannot mean what it says: %s", (url, code, message) => {
    expect(() => fromUrl(url, "URL")).toThrow(
      expect.objectContaining({ code, message, exitCode: 2 }) as Error,
    );
  });
});

describe("the choice of the server", () => {
  const everything = { DATABASE_URL: "postgres://url-host/d", PGHOST: "env-host", PGUSER: "u" };
  const chosenHost = async (options: Parameters<typeof chooseServer>[0]): Promise<string> => {
    const chosen = await chooseServer(options);
    return chosen.kind === "embedded" ? "embedded" : `${firstTarget(chosen).host} by ${chosen.origin}`;
  };

  it("follows the order: --embedded, --credentials, .df-credentials.json, DATABASE_URL, PGHOST, embedded", async () => {
    const root = folder({
      ".df-credentials.json": credentials,
      "other.json": credentials.replace("file", "other"),
    });
    const bare = folder();
    const env = everything;
    const steps = [
      { projectRoot: root, embedded: true, credentials: "other.json", env },
      { projectRoot: root, credentials: "other.json", env },
      { projectRoot: root, env },
      { projectRoot: bare, env },
      { projectRoot: bare, env: { PGHOST: "env-host" } },
      { projectRoot: bare, env: { PGUSER: "nobody", DATABASE_URL: "" } },
    ];
    expect(await Promise.all(steps.map(chosenHost))).toEqual([
      "embedded",
      "other-host by --credentials other.json",
      "file-host by .df-credentials.json",
      "url-host by DATABASE_URL",
      "env-host by PGHOST",
      "embedded",
    ]);
  });

  it("reads a service, which counts less than what is given and more than the environment", async () => {
    const root = folder({
      "services.conf":
        "# a comment\n[other]\nhost=wrong\n[sales]\nhost = service-host\nport=6000\ndbname=sales\n",
    });
    const env = {
      PGSERVICE: "sales",
      PGSERVICEFILE: join(root, "services.conf"),
      PGPORT: "7000",
      PGUSER: "etl",
    };
    const chosen = await chooseServer({ projectRoot: root, env });
    expect(chosen.kind === "server" && firstTarget(chosen)).toMatchObject({
      ...{ host: "service-host", port: 6000, database: "sales", user: "etl", origin: "PGSERVICE" },
    });
    await expect(
      chooseServer({ projectRoot: root, env: { ...env, PGSERVICE: "none" } }),
    ).rejects.toMatchObject({
      code: "unknown-service",
      hint: expect.stringContaining(join(root, "services.conf")) as string,
    });
  });

  it.each([
    ["{", "is not JSON"],
    ["[]", "holds no object"],
    ['{"projectId": "p"}', "projectId is not a key"],
    ['{"hots": "h"}', "hots is not a key"],
    ['{"host": {"a": 1}}', "host must be a text or a number"],
    ['{"sshTunnel": {"host": "h"}}', "sshTunnel is not supported"],
    ['{"ssl": "yes"}', "ssl must be"],
  ])("refuses the credentials file %s", async (text, message) => {
    const root = folder({ ".df-credentials.json": text });
    await expect(chooseServer({ projectRoot: root, env: {} })).rejects.toMatchObject({
      code: "bad-credentials",
      exitCode: 2,
      message: expect.stringContaining(message) as string,
    });
  });

  it("says where a command writes, without the password", async () => {
    const chosen = await chooseServer({
      projectRoot: folder(),
      env: { DATABASE_URL: "postgres://etl:hush@db.example:5433/sales" },
    });
    expect(chosen.kind === "server" && describeTarget(firstTarget(chosen))).toBe(
      "Warehouse: db.example:5433/sales as etl (DATABASE_URL)",
    );
  });

  it("refuses a port that is none", async () => {
    const chosen = await chooseServer({ projectRoot: folder(), env: { PGHOST: "h", PGPORT: "70000" } });
    expect(() => chosen.kind === "server" && firstTarget(chosen)).toThrow("70000");
  });
});

describe("a password file", () => {
  const question = { host: "h", port: 5432, database: "d", user: "u" };

  it("answers with the first line that fits", () => {
    const text = "# comment\nother:*:*:u:wrong\nh:5432:d:*:first\n*:*:*:*:last\n";
    expect(passwordIn(text, question)).toBe("first");
    expect(passwordIn(text, { ...question, port: 1 })).toBe("last");
    expect(passwordIn("h:5432:d:other:x", question)).toBeUndefined();
    expect(passwordIn("*:*:*:u:a\u2028b\u2029c", question)).toBe("a\u2028b\u2029c");
  });

  it("holds any user and password once colons and backslashes are escaped", () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((value) => !/[\r\n]/.test(value) && value !== "*");
    const escape = (value: string): string => value.replace(/[:\\]/g, "\\$&");
    fc.assert(
      fc.property(text, text, (user, password) => {
        fc.pre(!user.startsWith("#"));
        expect(passwordIn(`*:*:*:${escape(user)}:${escape(password)}`, { ...question, user })).toBe(password);
      }),
    );
  });

  it("is left aside when others may read it", async () => {
    const file = join(folder({ pass: "*:*:*:*:hush\n" }), "pass");
    chmodSync(file, 0o644);
    expect(await passwordFromFile(file, question)).toBeUndefined();
    chmodSync(file, 0o600);
    expect(await passwordFromFile(file, question)).toBe("hush");
  });
});

describe("encryption", () => {
  it("is verified unless the host is this machine, where nothing else is said", () => {
    const hosts = ["localhost", "127.0.0.1", "::1", "/tmp", "db.example", "10.0.0.1", "127.evil.example"];
    expect(hosts.map((host) => [host, isLocal(host), sslModeOf({}, host)])).toEqual([
      ["localhost", true, "prefer"],
      ["127.0.0.1", true, "prefer"],
      ["::1", true, "prefer"],
      ["/tmp", true, "prefer"],
      ["db.example", false, "verify-full"],
      ["10.0.0.1", false, "verify-full"],
      ["127.evil.example", false, "verify-full"],
    ]);
  });

  it("refuses a mode that does not exist, with the nearest that does", () => {
    expect(() => sslModeOf({ sslmode: "verify_full" }, "h")).toThrow(
      expect.objectContaining({
        code: "bad-sslmode",
        hint: expect.stringContaining("verify-full") as string,
      }) as Error,
    );
  });

  it("names a certificate file that cannot be read", async () => {
    await expect(tlsAttempts({ sslrootcert: "/absent.crt" }, "h", {})).rejects.toMatchObject({
      message: "sslrootcert: /absent.crt cannot be read",
    });
  });
});

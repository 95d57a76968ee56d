import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { describeError, type AquiferError } from "../../src/base/errors.js";
import { brokerParameters } from "../../src/ingest/kafka/broker-parameters.js";
import { openCluster } from "../../src/ingest/kafka/open-cluster.js";
import { kafkaBroker } from "../support/kafka.js";
import { skipUnless } from "../support/skip.js";

const verified = { rejectUnauthorized: true };
const user = { username: "me", password: "p/w@" };

test.each<[string, object]>([
  ["kafka://a:9092,b:9093", { brokers: ["a:9092", "b:9093"], tls: undefined, sasl: undefined }],
  ["kafka://[::1]:9092/", { brokers: ["[::1]:9092"], tls: undefined, sasl: undefined }],
  ["kafkas://a:9093", { brokers: ["a:9093"], tls: verified, sasl: undefined }],
  [
    "kafkas://me:p%2Fw%40@a:9093",
    { brokers: ["a:9093"], tls: verified, sasl: { mechanism: "plain", ...user } },
  ],
  [
    "kafkas://me:p%2Fw%40@a:9093?mechanism=SCRAM-SHA-512&sslmode=require",
    {
      brokers: ["a:9093"],
      tls: { rejectUnauthorized: false, checkServerIdentity: expect.any(Function) as unknown },
      sasl: { mechanism: "scram-sha-512", ...user },
    },
  ],
  [
    "kafka://me:p%2Fw%40@localhost:9092",
    { brokers: ["localhost:9092"], sasl: { mechanism: "plain", ...user } },
  ],
  ["kafka://me:p%2Fw%40@a:9092?sslmode=disable", { tls: undefined, sasl: { mechanism: "plain", ...user } }],
  [
    "kafka://me:p%2Fw%40@a:9092?mechanism=scram-sha-256",
    { tls: undefined, sasl: { mechanism: "scram-sha-256", ...user } },
  ],
])("%s is understood", async (url, parameters) => {
  expect(await brokerParameters(url, "STREAM_KAFKA_URL", "/")).toMatchObject(parameters);
});

test("a file says the same", async () => {
  const root = await folder();
  const content = {
    brokers: ["a:9092", "b:9092"],
    ...user,
    mechanism: "scram-sha-256",
    sslmode: "verify-ca",
    sslrootcert: "ca.pem",
  };
  await writeFile(join(root, "kafka.json"), JSON.stringify(content));
  await writeFile(join(root, "ca.pem"), "certificate");
  expect(await brokerParameters("kafka.json", "STREAM_KAFKA_URL", root)).toMatchObject({
    brokers: ["a:9092", "b:9092"],
    tls: {
      rejectUnauthorized: true,
      ca: "certificate",
      checkServerIdentity: expect.any(Function) as unknown,
    },
    sasl: { mechanism: "scram-sha-256", ...user },
  });
});

test.each([
  ["kafka://secret@a", /it names no broker as host:port/],
  ["kafka://", /it names no broker as host:port/],
  ["kafkas://me:secret@a:1?sslmod=require", /the setting sslmod is not known[^]*Did you mean sslmode/],
  ["kafkas://me:secret@a:1?sslmode=prefer", /sslmode "prefer" is none of/],
  ["kafkas://me:secret@a:1?mechanism=gssapi", /mechanism "gssapi" is none of plain/],
  ["kafkas://a:1?mechanism=plain", /a mechanism, but no user/],
  ["kafkas://me:sec%ret@a:1", /a % that is not followed/],
  ["kafka://me:secret@a:1", /the password would be sent in the clear/],
  ["kafka://a:1?sslmode=require", /kafka:\/\/ does not encrypt/],
  ["kafkas://a:1?sslmode=disable", /kafkas:\/\/ encrypts, but/],
  ["kafkas://a:1?sslrootcert=nowhere.pem", /sslrootcert cannot be read: ENOENT/],
  ["secret.json", /no file can be read there \(ENOENT\)/],
])("%s is refused without repeating it", async (value, words) => {
  const error = await brokerParameters(value, "STREAM_KAFKA_URL", "/nowhere").catch(
    (thrown: unknown) => thrown as AquiferError,
  );
  expect(error).toMatchObject({ code: "bad-broker-url", exitCode: 2 });
  const text = describeError(error as AquiferError);
  expect(text).toMatch(words);
  expect(text).toMatch(/^STREAM_KAFKA_URL: /);
  expect(text).not.toContain("secret");
});

test("TLS verifies who signed the certificate and its name, as the mode says", async (context) => {
  skipUnless(context, spawnSync("openssl", ["version"]).status === 0, "openssl is not installed");
  const broker = await kafkaBroker(context);
  const root = await folder();
  const [cert, key] = [join(root, "ca.pem"), join(root, "key.pem")];
  const subject = ["-subj", "/CN=kafka.invalid", "-addext", "subjectAltName=DNS:kafka.invalid"];
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...subject,
    "-keyout",
    key,
    "-out",
    cert,
  ];
  execFileSync("openssl", request, { stdio: "ignore" });
  const [host = "", port = ""] = broker.address.split(":");
  const proxy = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (client) => {
    const plain = connect(Number(port), host);
    client.pipe(plain).pipe(client);
    for (const socket of [client, plain])
      socket.on("error", () => [client, plain].forEach((each) => each.destroy()));
  });
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void proxy.close());
  const open = async (settings: string): Promise<string> => {
    const url = `kafkas://127.0.0.1:${(proxy.address() as AddressInfo).port}?${settings}`;
    try {
      const cluster = await openCluster("stream", await brokerParameters(url, "STREAM_KAFKA_URL", root));
      await cluster.close();
      return "open";
    } catch (thrown) {
      return describeError(thrown as AquiferError);
    }
  };
  expect(await open("sslmode=require")).toBe("open");
  expect(await open("sslmode=verify-ca&sslrootcert=ca.pem")).toBe("open");
  expect(await open("sslmode=verify-full")).toMatch(
    /No broker of stream answers at .*self-signed certificate[^]*certificate that can be verified/,
  );
  expect(await open("sslmode=verify-full&sslrootcert=ca.pem")).toMatch(
    /does not match certificate's altnames|Hostname\/IP/,
  );
});

async function folder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-kafka-url-"));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

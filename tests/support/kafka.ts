import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished, type TestContext } from "vitest";
import { skipUnless } from "./skip.js";

/** A broker that speaks Kafka's protocol and keeps its topics, of four partitions each, in memory. */
export interface KafkaBroker {
  /** `host:port`. */
  readonly address: string;
  readonly pid: number;
  /** Sends messages, in this order, to one partition. `options` are kcat's. */
  send(topic: string, partition: number, values: readonly (string | Buffer)[], ...options: string[]): void;
}

const delimiter = "\u0001\u0002";

async function addressIn(log: string, isRunning: () => boolean): Promise<string> {
  while (isRunning()) {
    const [, address] = /replaced with (127\.0\.0\.1:\d+)/.exec(await readFile(log, "utf8")) ?? [];
    if (address !== undefined) return address;
    await sleep(20);
  }
  throw new Error(`kcat ended: ${await readFile(log, "utf8")}`);
}

/** A broker of librdkafka for one test; skipped where kcat is not installed. */
export async function kafkaBroker(context: TestContext): Promise<KafkaBroker> {
  skipUnless(context, spawnSync("kcat", ["-V"]).status === 0, "kcat is not installed");
  const folder = await mkdtemp(join(tmpdir(), "aquifer-kafka-"));
  // Into a file: who runs a command and waits for its end reads no pipe meanwhile, and a broker with a full pipe stands still.
  const log = join(folder, "log");
  const output = openSync(log, "w");
  const child = spawn(
    "kcat",
    ["-P", "-b", "x:1", "-X", "test.mock.num.brokers=1", "-d", "mock", "-t", "unused"],
    { stdio: ["pipe", "ignore", output] },
  );
  closeSync(output);
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  });
  const address = await addressIn(log, () => child.exitCode === null);
  return {
    address,
    pid: child.pid ?? 0,
    send(topic, partition, values, ...options) {
      const send = (input: Buffer): void => {
        const args = ["-P", "-b", address, "-t", topic, "-p", String(partition), "-D", delimiter, ...options];
        const { status, stderr } = spawnSync("kcat", args, { input });
        if (status !== 0) throw new Error(`kcat: ${String(stderr)}`);
      };
      const texts = values.filter((each) => typeof each === "string");
      if (texts.length > 0) send(Buffer.from(texts.join(delimiter)));
      // Bytes may hold the delimiter.
      for (const each of values) if (typeof each !== "string") send(each);
    },
  };
}

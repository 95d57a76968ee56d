import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished, type TestContext } from "vitest";
import { skipUnless } from "./skip.js";

/** A broker that speaks Kafka's protocol and keeps its topics, of four partitions each, in memory. */
export interface KafkaBroker {
  /** `host:port`. */
  readonly address: string;
  /** Sends messages, in this order, to one partition. `options` are kcat's. */
  send(topic: string, partition: number, values: readonly (string | Buffer)[], ...options: string[]): void;
  /** Ends it now. */
  stop(): Promise<void>;
}

const delimiter = "\u0001\u0002";

/** A broker of librdkafka for one test; skipped where kcat is not installed. */
export async function kafkaBroker(context: TestContext): Promise<KafkaBroker> {
  skipUnless(context, spawnSync("kcat", ["-V"]).status === 0, "kcat is not installed");
  const child = spawn(
    "kcat",
    ["-P", "-b", "x:1", "-X", "test.mock.num.brokers=1", "-d", "mock", "-t", "unused"],
    { stdio: ["pipe", "ignore", "pipe"] },
  );
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(stop);
  const address = await new Promise<string>((found, failed) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const place = /replaced with (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (place !== undefined) found(place);
    });
    child.once("exit", () => failed(new Error("kcat ended")));
  });
  return {
    address,
    stop,
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

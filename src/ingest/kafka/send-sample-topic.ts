import kafkajs, { type Message } from "kafkajs";
import { AquiferError } from "../../base/errors.js";
import type { SampleTopic } from "../../project/sample.js";
import type { ClusterParameters } from "./kafkajs-cluster.js";
import { openCluster } from "./open-cluster.js";

const messagesPerRequest = 500;

/**
 * Sends a sample's messages to a topic.
 *
 * @returns how many there are, and the bytes of their keys and values
 * @throws AquiferError `not-a-sample` when the topic holds messages: invented ones never land among real ones
 */
export async function sendSampleTopic(
  parameters: ClusterParameters,
  { connection, topic, messages }: SampleTopic,
  options: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<{ readonly messages: number; readonly bytes: number }> {
  await refuseMessages(parameters, connection, topic);
  const { Kafka, logLevel, Partitioners } = kafkajs;
  const { brokers, tls, sasl } = parameters;
  const client = new Kafka({
    clientId: "aquifer",
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ...(tls && { ssl: { ...tls } }),
    ...(sasl && { sasl: sasl as never }),
  });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  let [sent, bytes] = [0, 0];
  let block: Message[] = [];
  const flush = async (): Promise<void> => {
    options.signal.throwIfAborted();
    if (block.length > 0) await producer.send({ topic, messages: block });
    sent += block.length;
    options.onBytes(bytes);
    block = [];
  };
  try {
    for (const { key, value, timestamp } of messages) {
      const content = Buffer.from(value);
      bytes += Buffer.byteLength(key) + content.length;
      block.push({ key, value: content, timestamp: String(timestamp.getTime()) });
      if (block.length === messagesPerRequest) await flush();
    }
    await flush();
  } finally {
    await producer.disconnect();
  }
  return { messages: sent, bytes };
}

async function refuseMessages(
  parameters: ClusterParameters,
  connection: string,
  topic: string,
): Promise<void> {
  const cluster = await openCluster(connection, parameters);
  try {
    const held = (await cluster.partitions(topic)).reduce((sum, { start, end }) => sum + end - start, 0);
    if (held === 0) return;
    throw new AquiferError(`The topic ${topic} of ${connection} (${cluster.place}) holds ${held} messages`, {
      code: "not-a-sample",
      hint: "A sample goes to an empty topic only: make one anew, or leave --topics out.",
    });
  } finally {
    await cluster.close();
  }
}

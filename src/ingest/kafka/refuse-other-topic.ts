import { AquiferError } from "../../base/errors.js";
import type { TopicPosition } from "../../history/ingest-records.js";
import type { KafkaOrigin } from "../../project/kafka-source.js";
import { messageDigest } from "./message-digest.js";
import type { MessageSource, PartitionBounds } from "./message-source.js";

export interface LoadedTopic {
  readonly topic: Pick<KafkaOrigin, "connection" | "topic">;
  readonly bounds: readonly PartitionBounds[];
  /** What was loaded under this connection and topic. */
  readonly positions: readonly TopicPosition[];
}

/**
 * A topic that was made anew begins at 0 again: its offsets say nothing of those that were loaded. It is told by ends that lie
 * before what was loaded, and by the last message that was loaded of each partition, where that offset is still there.
 *
 * @throws AquiferError `other-topic`
 */
export async function refuseOtherTopic(
  broker: MessageSource,
  { topic: { connection, topic }, bounds, positions }: LoadedTopic,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map(bounds.map((each) => [each.partition, each]));
  const details: string[] = [];
  for (const { partition, next, last } of positions) {
    const here = known.get(partition);
    if (!here) details.push(`partition ${partition} is not there; it was loaded up to offset ${next - 1}`);
    else if (here.end < next)
      details.push(`partition ${partition} ends before ${here.end}; it was loaded up to offset ${next - 1}`);
    else if (last && last.offset >= here.start) {
      const range = { topic, partition, from: last.offset, to: last.offset + 1 };
      for await (const { messages } of broker.read(range, signal))
        for (const message of messages)
          if (messageDigest(partition, message) !== last.digest)
            details.push(
              `partition ${partition} holds another message at offset ${last.offset} than was loaded`,
            );
    }
  }
  if (details.length === 0) return;
  throw new AquiferError(`${topic} of ${connection} is not the topic that was loaded before`, {
    code: "other-topic",
    details,
    hint: "It was deleted and made anew, or the connection leads to another cluster. If it is meant so, give the connection another name in the source: what was loaded stays, and the topic is read from its start.",
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { AquiferError, asError, exitCodes } from "../../base/errors.js";
import { nearestName } from "../../base/nearest-name.js";
import { committedMessages, type AbortedTransaction } from "./committed-messages.js";
import { decodeFetchResponse } from "./fetch-response.js";
import { createCluster, fetchRecords, type Cluster, type ClusterParameters } from "./kafkajs-cluster.js";
import type { MessageBlock, MessageRange, MessageSource, PartitionBounds } from "./message-source.js";
import { decodeRecordBatches, type RecordBatch } from "./record-batch.js";

/** Asked of a partition at once. */
const fetchBytes = 4 * 1024 * 1024;
const fetchWaitMs = 500;
/** So many answers without a message, none of them held back by a quota: there is none. */
const emptyAnswers = 3;
const tries = 6;

/** Codes of the protocol (https://kafka.apache.org/protocol#protocol_error_codes). */
const outOfRange = 1;
const passing = new Map([
  [3, "the partition is not known there"],
  [5, "there is no leader"],
  [6, "the leader has changed"],
  [7, "the request timed out"],
  [9, "the replica is not available"],
  [56, "its disk failed"],
  [74, "the leader's epoch is fenced"],
  [75, "the leader's epoch is unknown"],
  [78, "the offset is not available yet"],
]);

/**
 * Connects to a cluster.
 *
 * @param connection its name, for messages
 * @throws AquiferError `no-broker` or `broker-authentication` within a bounded time
 */
export async function openCluster(connection: string, parameters: ClusterParameters): Promise<MessageSource> {
  const cluster = createCluster(parameters);
  const place = parameters.brokers.join(",");
  try {
    await cluster.connect();
  } catch (thrown) {
    await cluster.disconnect().catch(() => undefined);
    throw connectionError(thrown, connection, parameters);
  }
  return new ClusterSource(cluster, connection, place);
}

/** What one request brings. */
interface Answer {
  readonly batches: readonly RecordBatch[];
  readonly aborted: readonly AbortedTransaction[];
  readonly isThrottled: boolean;
}

class ClusterSource implements MessageSource {
  constructor(
    private readonly cluster: Cluster,
    private readonly connection: string,
    readonly place: string,
  ) {}

  async partitions(topic: string): Promise<readonly PartitionBounds[]> {
    try {
      await this.cluster.addTargetTopic(topic);
      const partitions = this.cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ partition: partitionId }));
      const [starts, ends] = await Promise.all(
        [true, false].map(async (fromBeginning) => {
          const [answer] = await this.cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
          return new Map((answer?.partitions ?? []).map((each) => [each.partition, Number(each.offset)]));
        }),
      );
      return partitions
        .map(({ partition }) => ({
          partition,
          start: starts?.get(partition) ?? 0,
          end: ends?.get(partition) ?? 0,
        }))
        .sort((a, b) => a.partition - b.partition);
    } catch (thrown) {
      throw await this.topicError(thrown, topic);
    }
  }

  async *read(range: MessageRange, signal: AbortSignal): AsyncGenerator<MessageBlock, void> {
    let empty = 0;
    let from = range.from;
    let coming = this.answer({ ...range, from }, signal);
    while (from < range.to) {
      const { batches, aborted, isThrottled } = await coming;
      const begin = from;
      from = Math.min(range.to, Math.max(from, (batches.at(-1)?.lastOffset ?? -1) + 1));
      empty = from > begin || isThrottled ? 0 : empty + 1;
      if (empty === emptyAnswers) return;
      if (from < range.to) {
        coming = this.answer({ ...range, from }, signal);
        // Awaited in the next turn; a failure before that is no unhandled one.
        coming.catch(() => undefined);
      }
      let next = begin;
      try {
        for (const block of committedMessages(batches, aborted, { from: begin, to: range.to })) {
          yield block;
          next = block.next;
        }
      } catch (thrown) {
        throw this.unreadable(thrown, { ...range, from: next });
      }
    }
  }

  async close(): Promise<void> {
    await this.cluster.disconnect().catch(() => undefined);
  }

  /** What one request brings, tried again after a broken connection or a change of the leader. */
  private async answer(range: MessageRange, signal: AbortSignal): Promise<Answer> {
    const { topic, partition, from } = range;
    let last = "";
    for (let attempt = 0; attempt < tries; attempt++) {
      signal.throwIfAborted();
      if (attempt > 0) await sleep(Math.min(100 * 2 ** attempt, 2000), undefined, { signal });
      try {
        if (attempt > 0) await this.cluster.refreshMetadata();
        const leader = this.cluster
          .findTopicPartitionMetadata(topic)
          .find((each) => each.partitionId === partition);
        const broker = await this.cluster.findBroker({ nodeId: leader?.leader ?? -1 });
        const request = { topic, partition, offset: from, maxBytes: fetchBytes, maxWaitTime: fetchWaitMs };
        const { payload, version } = await fetchRecords(broker, request);
        const { errorCode, isThrottled, aborted, records } = decodeFetchResponse(payload, version);
        if (errorCode === 0) return { batches: this.batches(records, range), aborted, isThrottled };
        if (errorCode === outOfRange) throw await this.lostMessages(range);
        last = passing.get(errorCode) ?? "";
        if (last === "") throw await this.topicError({ type: `error ${errorCode} of the protocol` }, topic);
      } catch (thrown) {
        const error = asError(thrown);
        if (error instanceof AquiferError || error.name === "AbortError") throw error;
        last = rootOf(error).message ?? error.message;
      }
    }
    throw new AquiferError(
      `${topic} of ${this.connection} (${this.place}): partition ${partition} cannot be read at offset ${from}: ${last}`,
      { code: "source-lost", hint: "The batch was not loaded; ingest again." },
    );
  }

  private batches(records: Buffer, range: MessageRange): RecordBatch[] {
    try {
      return decodeRecordBatches(records);
    } catch (thrown) {
      throw this.unreadable(thrown, range);
    }
  }

  /** Says where it is that messages cannot be read, and what is left to do. */
  private unreadable(thrown: unknown, { topic, partition, from }: MessageRange): unknown {
    if (!(thrown instanceof AquiferError)) return thrown;
    const { message, code, hint } = thrown;
    return new AquiferError(
      `${topic} of ${this.connection}: partition ${partition} cannot be read at offset ${from}: ${message}`,
      {
        code,
        hint: `${hint ?? ""} To go on behind it, delete the partition's records up to there at the broker (kafka-delete-records) and ingest with --accept-gaps.`,
        cause: thrown,
      },
    );
  }

  private async lostMessages({ topic, partition, from }: MessageRange): Promise<AquiferError> {
    const bounds = (await this.partitions(topic)).find((each) => each.partition === partition);
    return new AquiferError(
      `${topic} of ${this.connection}: the broker has no offset ${from} in partition ${partition} any more`,
      {
        code: "lost-messages",
        details: bounds ? [`it holds ${bounds.start} up to ${bounds.end}`] : [],
        hint: "Retention removed messages while they were read. The batch was not loaded; ingest again.",
      },
    );
  }

  private async topicError(thrown: unknown, topic: string): Promise<AquiferError> {
    if (thrown instanceof AquiferError) return thrown;
    const error = rootOf(thrown);
    const where = `The broker of ${this.connection} (${this.place})`;
    if (error.type === "UNKNOWN_TOPIC_OR_PARTITION" || error.type === "INVALID_TOPIC_EXCEPTION") {
      const all = await this.cluster.metadata({ topics: [] }).catch(() => null);
      const near = nearestName(topic, all?.topicMetadata.map((each) => each.topic) ?? []);
      return new AquiferError(`${where} has no topic ${topic}`, {
        code: "unknown-topic",
        hint: near === undefined ? "Create it, or correct the source's topic." : `Did you mean ${near}?`,
      });
    }
    if (error.type === "TOPIC_AUTHORIZATION_FAILED") {
      return new AquiferError(`${where} does not let us read the topic ${topic}`, {
        code: "source-permission",
        hint: "Grant the user Describe and Read on the topic; no consumer group is used.",
      });
    }
    return new AquiferError(`${where}: ${topic}: ${error.message ?? error.type ?? "unknown error"}`, {
      code: "source-error",
      hint: "The batch was not loaded; ingest again.",
      cause: thrown,
    });
  }
}

/** kafkajs wraps what went wrong once for each layer that tried it again. */
function rootOf(thrown: unknown): {
  readonly message?: string;
  readonly type?: string;
  readonly code?: unknown;
} {
  let error = thrown as { cause?: unknown; message?: string; type?: string };
  while (error.cause instanceof Error) error = error.cause;
  return error;
}

function connectionError(
  thrown: unknown,
  connection: string,
  { brokers, tls, sasl }: ClusterParameters,
): AquiferError {
  const error = rootOf(thrown);
  const place = brokers.join(", ");
  if (error.type?.includes("SASL") === true || /sasl|authenticat/i.test(error.message ?? "")) {
    return new AquiferError(
      `The broker of ${connection} (${place}) refuses the user ${sasl?.username ?? ""}`,
      {
        code: "broker-authentication",
        exitCode: exitCodes.usage,
        details: [error.message ?? ""],
        hint: "Correct user, password and mechanism of the connection.",
        cause: thrown,
      },
    );
  }
  return new AquiferError(
    `No broker of ${connection} answers at ${place}: ${error.message ?? String(thrown)}`,
    {
      code: "no-broker",
      exitCode: exitCodes.usage,
      hint: tls
        ? "Is it running and reachable, and does this port speak TLS with a certificate that can be verified?"
        : "Is it running and reachable, and does this port speak Kafka without TLS? With TLS write kafkas://.",
      cause: thrown,
    },
  );
}

import { createHash } from "node:crypto";
import { AquiferError, AquiferErrors } from "../../base/errors.js";
import { formatPlural } from "../../base/format-quantity.js";
import type { Reject, TopicPosition } from "../../history/ingest-records.js";
import type { KafkaOrigin } from "../../project/kafka-source.js";
import type { Source } from "../../project/source.js";
import { matchHeader, type HeaderMatch } from "../match-header.js";
import { refuseTooManyRejects, refuseWrongColumns, type InspectedFile } from "../plan-file.js";
import { avroDecoder } from "./decode-avro.js";
import { decodeJson, type DecodeValue } from "./decode-value.js";
import { topicFeed } from "./load-topic.js";
import type { MessageRange, MessageSource, PartitionBounds } from "./message-source.js";
import { planRanges, type Gap } from "./plan-ranges.js";
import { nothingProven } from "../value-proof.js";
import { refuseOtherTopic } from "./refuse-other-topic.js";
import { readTopic, TopicReading, type TopicSource } from "./read-topic.js";

export interface TopicOptions {
  readonly projectRoot: string;
  /** Where each partition goes on, by what was loaded. */
  readonly positions: readonly TopicPosition[];
  /** By source, where the partitions end for batches after the first one; undefined: where they end now. */
  readonly ends: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Go on behind messages that are lost. */
  readonly acceptGaps: boolean;
  readonly now: Date;
  readonly signal: AbortSignal;
  /** Told of the bytes read of a topic until now. */
  readonly onBytes: (place: string, bytes: number) => void;
}

const shownRejects = 5;

/**
 * What there is to load of each topic: read once, decoded and judged.
 *
 * @param brokers by connection; sources whose connection has none are left out
 * @throws AquiferError with all topics that cannot be loaded, not only the first
 */
export async function inspectTopics(
  sources: readonly TopicSource[],
  brokers: ReadonlyMap<string, MessageSource>,
  options: TopicOptions,
): Promise<InspectedFile[]> {
  const errors: AquiferError[] = [];
  const inspected: InspectedFile[] = [];
  for (const source of sources) {
    const broker = brokers.get(source.kafka.connection);
    if (!broker) continue;
    try {
      inspected.push(await inspectTopic(source, broker, options));
    } catch (thrown) {
      if (!(thrown instanceof AquiferError)) throw thrown;
      errors.push(thrown);
    }
  }
  const [only] = errors;
  if (errors.length === 1 && only) throw only;
  if (errors.length > 1) {
    throw new AquiferErrors(
      `${errors.length} topics cannot be loaded; nor is the rest of their batch`,
      errors,
      {
        code: "bad-topics",
      },
    );
  }
  return inspected;
}

async function inspectTopic(
  source: TopicSource,
  broker: MessageSource,
  options: TopicOptions,
): Promise<InspectedFile> {
  const { topic, connection } = source.kafka;
  const bounds = await broker.partitions(topic);
  const loaded = options.positions.filter(
    (each) => each.source === source.name && each.connection === connection && each.topic === topic,
  );
  await refuseOtherTopic(broker, { topic: source.kafka, bounds, positions: loaded }, options.signal);
  const positions = new Map(loaded.map(({ partition, next }) => [partition, next]));
  const { ranges, gaps } = planRanges(source.kafka, bounds, {
    positions,
    ends: options.ends.get(source.name),
    acceptGaps: options.acceptGaps,
  });
  const { avro } = source.kafka;
  const decode = avro ? await avroDecoder(avro, options.projectRoot, source.name) : decodeJson;
  const reading = new TopicReading();
  const fields = new Set<string>();
  const firstRejects: Reject[] = [];
  const reader = {
    ...{ broker, source, ranges, decode, signal: options.signal, limits: source.kafka },
    onBytes: (): void => options.onBytes(`${connection}/${topic}`, reading.bytes),
    onReject: (reject: Reject): void => {
      if (firstRejects.length < shownRejects) firstRejects.push(reject);
    },
  };
  for await (const rows of readTopic(reader, reading))
    for (const row of rows) for (const field of row.fields.keys()) fields.add(field);
  const found: FoundTopic = { source, broker, bounds, positions, ranges, gaps, reading, firstRejects };
  return reading.ranges.length === 0 && gaps.length === 0
    ? nothingNew(found, options.now)
    : batchOf(found, decode, matchHeader(source, [...fields]), options.now);
}

/** A topic with what one reading found. */
interface FoundTopic {
  readonly source: TopicSource;
  readonly broker: MessageSource;
  readonly bounds: readonly PartitionBounds[];
  readonly positions: ReadonlyMap<number, number>;
  /** All that there was to read. */
  readonly ranges: readonly MessageRange[];
  readonly gaps: readonly Gap[];
  readonly reading: TopicReading;
  readonly firstRejects: readonly Reject[];
}

function batchOf(found: FoundTopic, decode: DecodeValue, header: HeaderMatch, now: Date): InspectedFile {
  const { source, broker, gaps, reading, firstRejects } = found;
  const { topic, connection } = source.kafka;
  // Each message was asked for its fields when it was read.
  const shape = { ...shapeOf(source), header: { ...header, missing: [] } };
  const file = fileOf(found, now);
  refuseWrongColumns(`${connection}/${topic}`, source, shape);
  refuseTooManyRejects(file, source, reading, firstRejects);
  const ranges = rangesOf(found);
  const dialect = {
    ...{ broker: connection, topic, value: source.kafka.avro ? "avro" : "json" },
    offsets: Object.fromEntries(ranges.map(({ partition, from, to }) => [partition, [from, to]])),
    last: Object.fromEntries([...reading.last].map(([key, { offset, digest }]) => [key, [offset, digest]])),
    ...(gaps.length === 0
      ? {}
      : { gaps: Object.fromEntries(gaps.map(({ partition, from, to }) => [partition, [from, to]])) }),
  };
  const digest = reading.digest();
  const place = JSON.stringify([connection, topic, dialect.offsets]);
  return {
    ...withoutRows(found, shape, now),
    file,
    explanation: explain(found, ranges),
    inspection: {
      ...withoutRows(found, shape, now).inspection,
      hash: createHash("sha256").update(place).update(digest).digest("hex"),
      bytes: reading.bytes,
      rows: reading.rows,
      rejected: reading.rejected,
      firstRejects,
    },
    slot: slotOf(source.kafka, ranges),
    ...(reading.isCut ? { rest: new Map(found.ranges.map(({ partition, to }) => [partition, to])) } : {}),
    feed: topicFeed({ broker, source, ranges: reading.ranges, decode, header, dialect, digest }),
  };
}

/** Where each partition was read from and to; one whose only news is a gap is read from its end to its end. */
function rangesOf({ source, gaps, reading }: FoundTopic): MessageRange[] {
  const read = new Set(reading.ranges.map(({ partition }) => partition));
  const skipped = gaps
    .filter(({ partition }) => !read.has(partition))
    .map(({ partition, to }) => ({ topic: source.kafka.topic, partition, from: to, to }));
  return [...reading.ranges, ...skipped].sort((a, b) => a.partition - b.partition);
}

/** No two batches of a topic of a connection begin at the same offsets, so none takes the place of another. */
function slotOf({ connection, topic }: KafkaOrigin, ranges: readonly MessageRange[]): string {
  const begin = JSON.stringify([connection, topic, ranges.map(({ partition, from }) => [partition, from])]);
  return `offsets ${createHash("sha256").update(begin).digest("hex").slice(0, 32)}`;
}

function explain({ broker, bounds, gaps, reading }: FoundTopic, ranges: readonly MessageRange[]): string {
  const partitions = ranges.map(({ partition, from, to }) => {
    const end = bounds.find((each) => each.partition === partition)?.end ?? to;
    const rest = end > to ? `, ${end - to} left` : "";
    return from === to ? `${partition}: none${rest}` : `${partition}: ${from} to ${to - 1}${rest}`;
  });
  return [
    `broker ${broker.place}`,
    `offsets of ${formatPlural(bounds.length, "partition")}: ${partitions.join("; ")}`,
    ...gaps.map(({ partition, from, to }) => `lost in partition ${partition}: ${from} to ${to - 1}`),
    ...(reading.isCut ? ["the rest comes in the next batch"] : []),
  ].join("; ");
}

function nothingNew(found: FoundTopic, now: Date): InspectedFile {
  const { source, bounds, positions } = found;
  const next = bounds.map(({ partition, start }) => `${partition}: ${positions.get(partition) ?? start}`);
  const names = source.columns.map(({ name }) => name);
  return {
    ...withoutRows(found, { ...shapeOf(source), header: matchHeader(source, names) }, now),
    decided: { action: "skip", reason: `no new messages; next offsets ${next.join(", ")}` },
  };
}

function shapeOf(source: Source): Omit<InspectedFile["shape"], "header"> {
  return { format: source.format === "json" ? "json" : "ndjson", delimiter: 9, crOnly: false, headerLine: 0 };
}

function fileOf({ source, reading }: FoundTopic, now: Date): InspectedFile["file"] {
  const { connection, topic } = source.kafka;
  return {
    ...{ folder: connection, path: topic, matchPath: topic, packing: undefined, fullPath: "" },
    ...{ bytes: reading.bytes, bytesOnDisk: reading.bytes, modifiedAt: now },
  };
}

function withoutRows(found: FoundTopic, shape: InspectedFile["shape"], now: Date): InspectedFile {
  return {
    file: fileOf(found, now),
    source: found.source,
    shape,
    explanation: "",
    start: { encoding: undefined, skip: 0 },
    inspection: {
      ...{ hash: "", bytes: 0, encoding: "utf-8", encodingEvidence: undefined, rows: 0, footerRows: 0 },
      ...{ rejected: 0, firstRejects: [], irregular: 0, keys: [], periods: [], nulBytes: 0, checkpoints: [] },
      verbatim: undefined,
      proven: nothingProven,
    },
    period: undefined,
    nameParts: {},
    slot: "",
  };
}

import { createRequire } from "node:module";

/**
 * The one file that knows the inside of kafkajs. Its public consumer needs a group and, where retention has removed
 * messages, goes on behind them in silence; its decoder hides where a batch ends and checks no checksum. So only its
 * connections, authentication, metadata and offsets are used, and a request is sent with a decoder of our own.
 */
const requireModule = createRequire(import.meta.url);

/** How to reach a cluster and who we are there. */
export interface ClusterParameters {
  /** `host:port`, any of which tells the others. */
  readonly brokers: readonly string[];
  readonly tls: TlsParameters | undefined;
  readonly sasl: SaslParameters | undefined;
}

export interface TlsParameters {
  readonly rejectUnauthorized: boolean;
  readonly checkServerIdentity?: () => undefined;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SaslParameters {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

/** A connected cluster, as far as it is used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  metadata(request: { topics: readonly string[] }): Promise<{ topicMetadata: { topic: string }[] } | null>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(node: { nodeId: number }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
}

export interface Broker {
  lookupRequest(apiKey: number, versions: unknown): (options: object) => ProtocolRequest;
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
}

interface ProtocolRequest {
  readonly request: { readonly apiVersion: number };
  readonly response: { decode(payload: Buffer): unknown; parse(decoded: unknown): unknown };
}

interface Logger {
  namespace(): Logger;
  debug(): void;
  info(): void;
  warn(): void;
  error(): void;
}

/** What goes wrong is thrown; nothing else is said. */
const silent: Logger = {
  namespace: () => silent,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const fetchKey = 1;
const readCommitted = 1;

/** A cluster that is not connected yet. Every request, and every try to connect, ends within a bounded time. */
export function createCluster({ brokers, tls, sasl }: ClusterParameters): Cluster {
  const ClusterOfKafkajs = requireModule("kafkajs/src/cluster") as new (options: object) => Cluster;
  const makeSocketFactory = requireModule("kafkajs/src/network/socketFactory") as () => unknown;
  return new ClusterOfKafkajs({
    logger: silent,
    socketFactory: makeSocketFactory(),
    brokers: [...brokers],
    ssl: tls,
    sasl,
    clientId: "aquifer",
    connectionTimeout: 5000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 },
    allowAutoTopicCreation: false,
    isolationLevel: readCommitted,
  });
}

/** Where to read in a partition, and how much at most, though one batch comes whole whatever its size. */
export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
  /** How long the broker may wait for a first message, in milliseconds. */
  readonly maxWaitTime: number;
}

/** The body of a broker's answer to a Fetch request, with the version of its form. */
export async function fetchRecords(
  broker: Broker,
  { topic, partition, offset, maxBytes, maxWaitTime }: FetchRequest,
): Promise<{ readonly payload: Buffer; readonly version: number }> {
  const versions: unknown = requireModule("kafkajs/src/protocol/requests/fetch");
  const { request, response } = broker.lookupRequest(
    fetchKey,
    versions,
  )({
    isolationLevel: readCommitted,
    maxWaitTime,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
  });
  const payload = await broker.connectionPool.send({
    request,
    response: { ...response, decode: (bytes) => ({ bytes }), parse: (decoded) => decoded },
  });
  return { payload: (payload as { bytes: Buffer }).bytes, version: request.apiVersion };
}

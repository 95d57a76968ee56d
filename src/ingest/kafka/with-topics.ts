import type { IngestLedger } from "../../history/ingest-ledger.js";
import type { Queryable } from "../../warehouse/warehouse.js";
import type { InspectedFile } from "../plan-file.js";
import { inspectTopics, type TopicOptions } from "./inspect-topics.js";
import type { MessageSource, OpenBroker } from "./message-source.js";
import type { TopicSource } from "./read-topic.js";

export interface TopicContext extends Omit<TopicOptions, "positions"> {
  readonly open: OpenBroker;
  readonly ledger: IngestLedger;
  /** Asked for what is loaded already; undefined where there is no ledger yet. */
  readonly session: Queryable | undefined;
}

/**
 * Hands over what there is to load of topics, while their clusters are open. Connections that are not configured are left
 * out.
 */
export async function withTopics<T>(
  sources: readonly TopicSource[],
  context: TopicContext,
  body: (topics: readonly InspectedFile[]) => Promise<T>,
): Promise<T> {
  const { open, ledger, session } = context;
  const brokers = new Map<string, MessageSource>();
  try {
    for (const connection of new Set(sources.map(({ kafka }) => kafka.connection))) {
      const broker = await open(connection);
      if (broker) brokers.set(connection, broker);
    }
    const names = sources.map(({ name }) => name);
    const positions = session && names.length > 0 ? await ledger.topicPositions(session, names) : [];
    return await body(await inspectTopics(sources, brokers, { ...context, positions }));
  } finally {
    await Promise.all([...brokers.values()].map((broker) => broker.close()));
  }
}

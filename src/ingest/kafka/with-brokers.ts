import type { MessageSource, OpenBroker } from "./message-source.js";

/** Holds each cluster open for as long as the body runs. Connections that are not configured are left out. */
export async function withBrokers<T>(
  connections: readonly string[],
  open: OpenBroker,
  body: (brokers: ReadonlyMap<string, MessageSource>) => Promise<T>,
): Promise<T> {
  const brokers = new Map<string, MessageSource>();
  try {
    for (const connection of connections) {
      const broker = await open(connection);
      if (broker) brokers.set(connection, broker);
    }
    return await body(brokers);
  } finally {
    await Promise.all([...brokers.values()].map((broker) => broker.close()));
  }
}

import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { inspectExtracts, type DatabaseSource } from "./inspect-extracts.js";
import type { IngestOptions } from "./ingest-options.js";
import type { TopicSource } from "./kafka/read-topic.js";
import { withTopics } from "./kafka/with-topics.js";
import type { InspectedFile } from "./plan-file.js";
import { withSnapshots, type OpenConnection } from "./source-snapshot.js";

/** By source, the ends of the partitions that later batches go up to. */
export type TopicEnds = ReadonlyMap<string, ReadonlyMap<number, number>>;

export const noEnds: TopicEnds = new Map();

/**
 * Hands over what there is to load that lies in no file, while what it comes from is open.
 *
 * @param session asked for what is loaded already; undefined where there is no ledger yet
 * @param ends not empty: only what is left of these topics
 */
export function withFeeds<T>(
  options: IngestOptions,
  session: Queryable | undefined,
  ledger: IngestLedger,
  ends: TopicEnds,
  body: (fed: readonly InspectedFile[]) => Promise<T>,
): Promise<T> {
  const topics = options.selected
    .filter((source): source is TopicSource => source.kafka !== undefined)
    .filter(({ name }) => ends.size === 0 || ends.has(name));
  const context = {
    ...{
      ledger,
      session,
      ends,
      projectRoot: options.projectRoot,
      signal: options.signal,
      now: options.now(),
    },
    open: options.openBroker ?? ((): Promise<undefined> => Promise.resolve(undefined)),
    acceptGaps: options.acceptGaps ?? false,
    onBytes: (file: string, bytes: number): void =>
      options.onEvent?.({ kind: "progress", phase: "reading", file, bytes, total: 0 }),
  };
  if (ends.size > 0) return withTopics(topics, context, body);
  // Topics are judged before a snapshot is taken: an operational database pays for one that is held long.
  return withTopics(topics, context, (fed) =>
    withExtracts(options, session, ledger, (extracts) => body([...extracts, ...fed])),
  );
}

/**
 * Holds one snapshot of each operational database that the selected sources read, and hands over what there is to extract.
 *
 * @param session asked for what is loaded already; undefined where there is no ledger yet
 */
async function withExtracts<T>(
  options: IngestOptions,
  session: Queryable | undefined,
  ledger: IngestLedger,
  body: (extracts: readonly InspectedFile[]) => Promise<T>,
): Promise<T> {
  const sources = options.selected.filter(
    (source): source is DatabaseSource => source.database !== undefined,
  );
  if (sources.length === 0) return body([]);
  const current = session
    ? await ledger.currentExtracts(
        session,
        sources.map(({ name }) => name),
      )
    : [];
  const connections = [...new Set(sources.map(({ database }) => database.connection))];
  const open: OpenConnection = options.openConnection ?? (() => Promise.resolve(undefined));
  return withSnapshots(connections, open, async (snapshots) =>
    body(
      await inspectExtracts(sources, snapshots, {
        period: options.period,
        force: options.force ?? false,
        current,
      }),
    ),
  );
}

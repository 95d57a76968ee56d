import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AquiferError, asError } from "../../base/errors.js";
import { quoteIdentifier, quoteRelation } from "../../base/identifiers.js";
import type { Reject } from "../../history/ingest-records.js";
import { messageColumns } from "../../project/sources.js";
import { toWarehouseError } from "../../warehouse/postgres/server-error.js";
import { storeRelation } from "../bronze-tables.js";
import type { Feed, FeedContext, FeedCounts } from "../feed.js";
import { whenWritable } from "../lock-patience.js";
import type { HeaderMatch } from "../match-header.js";
import { storedColumns } from "../stored-columns.js";
import { bytesText } from "./bytes-text.js";
import { copyLine } from "./copy-text.js";
import { readTopic, TopicReading, type TopicReader, type TopicRow, type TopicSource } from "./read-topic.js";

/** What was read once, and is read again to be loaded. */
export interface TopicFeed extends Pick<TopicReader, "broker" | "ranges" | "decode"> {
  readonly source: TopicSource;
  readonly header: HeaderMatch;
  readonly dialect: Readonly<Record<string, unknown>>;
  /** Of the first reading. */
  readonly digest: string;
}

const rejectsPerInsert = 500;

/** The messages of a batch: read from the broker and written to the store. */
export function topicFeed(feed: TopicFeed): Feed {
  return {
    method: "kafka",
    dialect: feed.dialect,
    load: (fileId, context) => loadTopic(feed, fileId, context),
  };
}

/**
 * @throws AquiferError `changed-while-reading` when the broker does not give again what it gave before, `row-count` when
 * PostgreSQL did not take exactly what was read
 */
async function loadTopic(feed: TopicFeed, fileId: string, context: FeedContext): Promise<FeedCounts> {
  const { kafka } = feed.source;
  const stored = storedColumns(feed.source, feed.header);
  const names = ["_file_id", "_row", ...messageColumns(kafka).map(({ name }) => name), ...stored.names];
  const table = quoteRelation(storeRelation(feed.source.table));
  const statement = `copy ${table} (${names.map(quoteIdentifier).join(", ")}) from stdin (encoding 'UTF8')`;
  const reading = new TopicReading();
  const copied = await context.warehouse.withSession((session) =>
    whenWritable(session, storeRelation(feed.source.table), context.patience, async (transaction) => {
      await context.ledger.enterStream(transaction);
      const copy = transaction.copyFrom(statement);
      try {
        await pipeline(Readable.from(copyBlocks(feed, fileId, context, reading)), copy, {
          signal: context.signal,
        });
      } catch (thrown) {
        const error = asError(thrown);
        if (error instanceof AquiferError || error.name === "AbortError") throw error;
        throw toWarehouseError(error, statement);
      }
      return copy.rowCount;
    }),
  );
  const { topic, connection } = kafka;
  const { rows, rejected, bytes } = reading;
  if (reading.digest() !== feed.digest) {
    throw new AquiferError(`${topic} of ${connection} changed while it was read`, {
      code: "changed-while-reading",
      hint: "Retention or compaction removed messages. The batch was not loaded; ingest again.",
    });
  }
  if (copied !== rows - rejected) {
    throw new AquiferError(
      `${topic} of ${connection}: PostgreSQL took ${copied} rows where ${rows - rejected} were read`,
      { code: "row-count", hint: "The batch was not loaded. Please report this." },
    );
  }
  return { rows: copied, rejected, bytes };
}

async function* copyBlocks(
  feed: TopicFeed,
  fileId: string,
  { session, ledger, signal, onBytes }: FeedContext,
  reading: TopicReading,
): AsyncGenerator<Buffer, void> {
  const { topic, avro } = feed.source.kafka;
  const valueText = avro ? (value: Buffer): string => `\\x${value.toString("hex")}` : String;
  const valuesOf = rowValues(feed);
  const rejects: Reject[] = [];
  const keepRejects = async (atLeast: number): Promise<void> => {
    if (rejects.length >= atLeast) await ledger.addRejects(session, fileId, rejects.splice(0));
  };
  const onReject = (reject: Reject): void => void rejects.push(reject);
  for await (const rows of readTopic({ ...feed, signal, onBytes, onReject }, reading)) {
    await keepRejects(rejectsPerInsert);
    const lines = rows.map((each) => {
      const { key, value, offset } = each.message;
      return copyLine([
        fileId,
        String(each.row),
        topic,
        String(each.partition),
        String(offset),
        each.timestamp,
        key && bytesText(key),
        value && valueText(value),
        ...valuesOf(each),
      ]);
    });
    if (lines.length > 0) yield Buffer.from(lines.join(""));
  }
  await keepRejects(1);
}

/** The values of a row for the columns of the store, as the source's drift policy has them. */
function rowValues({ source, header }: TopicFeed): (row: TopicRow) => (string | null)[] {
  const { convert } = storedColumns(source, header);
  const plain = ({ fields }: TopicRow): (string | null)[] =>
    header.cells.map((cell) => fields.get(cell) ?? null);
  if (!convert) return plain;
  return (row) => {
    const values = plain(row).map((value) => (value === null ? null : Buffer.from(value)));
    return convert(values).map((value) => value?.toString() ?? null);
  };
}

import { AquiferError } from "../../base/errors.js";
import type { KafkaOrigin } from "../../project/kafka-source.js";
import type { MessageRange, PartitionBounds } from "./message-source.js";

/** Offsets of a partition that were removed before they were loaded: from the first up to the second, not included. */
export interface Gap {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface RangeOptions {
  /** By partition, the offset after the last one that was loaded. */
  readonly positions: ReadonlyMap<number, number>;
  /** Up to where to read, where that is not the end. */
  readonly ends?: ReadonlyMap<number, number> | undefined;
  /** Go on where retention has removed messages. */
  readonly acceptGaps: boolean;
}

export interface PlannedRanges {
  readonly ranges: readonly MessageRange[];
  readonly gaps: readonly Gap[];
}

/**
 * Decides where to read: each partition from where the ledger stopped, one that is not known yet from its start, all up to
 * their ends.
 *
 * @throws AquiferError `lost-messages`
 */
export function planRanges(
  { connection, topic }: Pick<KafkaOrigin, "connection" | "topic">,
  bounds: readonly PartitionBounds[],
  { positions, ends, acceptGaps }: RangeOptions,
): PlannedRanges {
  const known = bounds.map((each) => ({ ...each, next: positions.get(each.partition) }));
  const gaps = known.flatMap(({ partition, start, next }): Gap[] =>
    next !== undefined && next < start ? [{ partition, from: next, to: start }] : [],
  );
  if (gaps.length > 0 && !acceptGaps) {
    throw new AquiferError(`${topic} of ${connection}: messages were removed before they were loaded`, {
      code: "lost-messages",
      details: gaps.map(
        ({ partition, from, to }) =>
          `partition ${partition}: ${to - from} offsets are lost, ${from} to ${to - 1}; the broker holds ${to} and later`,
      ),
      hint: "Retention was faster than ingest; the batch was not loaded. Get them from the producer if they matter, then go on behind them with --accept-gaps: the ledger keeps what is lost.",
    });
  }
  const ranges = known
    .map(({ partition, start, end, next }) => ({
      topic,
      partition,
      from: Math.max(start, next ?? start),
      to: Math.min(end, ends?.get(partition) ?? end),
    }))
    .filter(({ from, to }) => from < to);
  return { ranges, gaps };
}

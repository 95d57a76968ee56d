import type { Message, MessageBlock } from "./message-source.js";
import type { RecordBatch } from "./record-batch.js";

/** A transaction that was rolled back, as the broker tells it beside the batches that hold its messages. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/**
 * The messages of batches that were committed, within a range: what control records and aborted transactions hold is left
 * out, and what the broker sends from before the range, since a batch comes whole. One batch is unpacked at a time.
 *
 * @param aborted in the order of their first offsets
 */
export function* committedMessages(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
  range: { readonly from: number; readonly to: number },
): Generator<MessageBlock, void> {
  const isAborting = new Set<bigint>();
  let begun = 0;
  let next = range.from;
  for (const batch of batches) {
    for (let each = aborted[begun]; each && each.firstOffset <= batch.lastOffset; each = aborted[++begun])
      isAborting.add(each.producerId);
    next = Math.min(Math.max(next, batch.lastOffset + 1), range.to);
    if (batch.isControl) {
      if (isAbortMarker(batch.messages()[0])) isAborting.delete(batch.producerId);
      yield { messages: [], next };
    } else if (batch.isTransactional && isAborting.has(batch.producerId)) {
      yield { messages: [], next };
    } else {
      const isWithin = ({ offset }: Message): boolean => offset >= range.from && offset < range.to;
      yield { messages: batch.messages().filter(isWithin), next };
    }
  }
}

/** The key of a control record: its version, then its type, where 0 is an abort and 1 a commit. */
function isAbortMarker(record: Message | undefined): boolean {
  return record?.key?.length === 4 && record.key.readInt16BE(2) === 0;
}

import type { AbortedTransaction } from "./committed-messages.js";

/** The answer of a broker that was asked for one partition. */
export interface FetchResponse {
  readonly errorCode: number;
  /** The broker held the answer back, and may have left messages out of it. */
  readonly isThrottled: boolean;
  readonly aborted: readonly AbortedTransaction[];
  readonly records: Buffer;
}

/**
 * Reads a Fetch response of one partition, versions 4 to 11.
 *
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
export function decodeFetchResponse(payload: Buffer, version: number): FetchResponse {
  let position = 0;
  const int16 = (): number => payload.readInt16BE((position += 2) - 2);
  const int32 = (): number => payload.readInt32BE((position += 4) - 4);
  const int64 = (): bigint => payload.readBigInt64BE((position += 8) - 8);
  const isThrottled = int32() > 0;
  const sessionError = version >= 7 ? int16() : 0;
  if (version >= 7) position += 4; // session
  const none = { isThrottled, aborted: [], records: Buffer.alloc(0) };
  if (int32() === 0) return { errorCode: sessionError, ...none };
  const topicLength = int16();
  position += topicLength;
  if (int32() === 0) return { errorCode: sessionError, ...none };
  position += 4; // partition
  const errorCode = int16() || sessionError;
  position += version >= 5 ? 24 : 16; // high-water mark, last stable offset, start of the log
  const aborted = Array.from({ length: Math.max(0, int32()) }, () => ({
    producerId: int64(),
    firstOffset: Number(int64()),
  })).sort((a, b) => a.firstOffset - b.firstOffset);
  if (version >= 11) position += 4; // preferred replica
  const size = int32();
  return {
    errorCode,
    isThrottled,
    aborted,
    records: payload.subarray(position, position + Math.max(0, size)),
  };
}

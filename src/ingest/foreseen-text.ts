import { setTimeout as delay } from "node:timers/promises";
import { availableParallelism } from "node:os";
import type { RawFile } from "./discover-files.js";
import { largeFile } from "./large-file.js";
import type { TextShape } from "./recognize-text.js";
import type { EncodingStart } from "./text-encoding.js";

/** A copy of a text that goes on while it is looked at. */
export interface CopyMeanwhile {
  /** Settles when it can begin, or never will. Never fails. */
  readonly prepared: Promise<void>;
  /** The rows that the server took of a whole file; undefined where it took less. Never fails. */
  readonly done: Promise<number | undefined>;
  /** Bytes that were sent. */
  readonly bytes: number;
  /** Ends it: it is good for nothing. */
  stop(): void;
}

/** Whether a text is large, and lies there as it will be read, so that others than we may read it at the same time. */
export function isForeseeable(
  { packing, bytes }: RawFile,
  { format }: TextShape,
  { encoding }: EncodingStart,
): boolean {
  const isPlain = packing === undefined && (encoding === undefined || encoding === "utf-8");
  return isPlain && bytes >= largeFile.bytes && format === "delimited" && availableParallelism() > 1;
}

const waitMilliseconds = 100;

/**
 * Waits for a promise.
 *
 * @param onWait called now and then; when it throws, waiting ends
 */
export async function awaiting<T>(promise: Promise<T>, onWait: () => void): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => (settled = true));
  for (;;) {
    onWait();
    await Promise.race([watched, delay(waitMilliseconds)]);
    if (settled) return promise;
  }
}

import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { builtFile } from "../base/built-file.js";
import { AquiferError } from "../base/errors.js";
import type { RawFile } from "./discover-files.js";
import type { Checkpoint, RecordFindings, RecordRules, Verbatim } from "./inspect-records.js";
import type { RecordsMessage, RecordsTask } from "./inspect-records-worker.js";
import type { TextShape } from "./recognize-text.js";
import type { EncodingStart } from "./text-encoding.js";

/** An inspection of records that goes on beside the reading of a file. */
export interface RunningInspection {
  /** What the first records have in common; undefined where they are not regular, or the thread has ended. */
  readonly began: Promise<Verbatim | undefined>;
  /** A place behind `half` up to which all is as it began; undefined where that is not so. */
  readonly middle: Promise<Checkpoint | undefined>;
  readonly half: number;
  /**
   * What it found; undefined where the thread could not do its work: then the records are to be looked at without it.
   *
   * @param onWait called now and then; when it throws, waiting ends
   * @throws AquiferError what `RecordInspection` throws
   */
  readonly answer: (onWait: () => void) => Promise<RecordFindings | undefined>;
  /** To be called in any case. */
  readonly stop: () => Promise<unknown>;
}

/** Starting a thread costs as much as looking at some 10 MB. */
const leastBytes = 32 * 1024 * 1024;

const waitMilliseconds = 100;

/** The second of two streams begins when the thread has come to its part: the first one is given more. */
const firstShare = 0.55;

/**
 * Looks at the records of a large text in a thread of its own, which reads it too; undefined where the text is not large, or
 * does not lie there as it will be read.
 */
export function inspectAside(
  file: RawFile,
  shape: TextShape,
  { encoding, skip }: EncodingStart,
  { footer, period, columns, key }: RecordRules,
): RunningInspection | undefined {
  const isPlain = file.packing === undefined && (encoding === undefined || encoding === "utf-8");
  if (!isPlain || file.bytes < leastBytes || shape.format !== "delimited") return undefined;
  if (availableParallelism() === 1) return undefined;
  const half = Math.floor(file.bytes * firstShare);
  const task: RecordsTask = {
    path: file.fullPath,
    skip,
    half,
    shape,
    rules: { footer, period, columns, key },
  };
  const worker = new Worker(builtFile("ingest/inspect-records-worker.js"), { workerData: task });
  const began = new Told<Verbatim>();
  const middle = new Told<Checkpoint>();
  const answer = new Told<RecordsMessage>();
  const end = (message?: RecordsMessage): void => {
    for (const told of [began, middle]) told.say(undefined);
    answer.say(message);
  };
  worker.on("message", (message: RecordsMessage) => {
    if (message.began) began.say(message.began);
    else if (message.middle) middle.say(message.middle);
    else end(message);
  });
  worker.once("error", () => end());
  worker.once("exit", () => end());
  return {
    began: began.promise,
    middle: middle.promise,
    half,
    async answer(onWait) {
      while (!answer.isSaid) {
        onWait();
        await Promise.race([answer.promise, delay(waitMilliseconds)]);
      }
      const told = await answer.promise;
      if (told?.failure) throw new AquiferError(told.failure.message, told.failure);
      return told?.found;
    },
    stop: () => worker.terminate(),
  };
}

/** Something that is told once: what is said later is not heard. */
class Told<T> {
  readonly promise: Promise<T | undefined>;
  isSaid = false;
  private resolve: (value: T | undefined) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.resolve = resolve));
  }

  say(value: T | undefined): void {
    this.isSaid = true;
    this.resolve(value);
  }
}

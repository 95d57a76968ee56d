import { isDeepStrictEqual } from "node:util";
import { Worker } from "node:worker_threads";
import { builtFile } from "../base/built-file.js";
import { AquiferError } from "../base/errors.js";
import type { RawFile } from "./discover-files.js";
import { awaiting } from "./foreseen-text.js";
import type { RecordFindings, RecordRules, Verbatim } from "./inspect-records.js";
import type { RecordsMessage, RecordsTask } from "./inspect-records-worker.js";
import type { TextShape } from "./recognize-text.js";
import { TextRanges } from "./text-ranges.js";
import { Told } from "./told.js";

/** An inspection of records that goes on beside the reading of a file. */
export interface RunningInspection {
  /** For those who copy the file meanwhile. */
  readonly ranges: TextRanges;
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

/**
 * Looks at the records of a large text in a thread of its own, which reads it too.
 *
 * @param file that `isForeseeable`
 * @param skip bytes before the text
 * @param ranges of which nothing is known yet
 */
export function inspectAside(
  file: RawFile,
  shape: TextShape,
  skip: number,
  { footer, period, columns, key }: RecordRules,
  ranges = new TextRanges(file.bytes),
): RunningInspection {
  const task: RecordsTask = { path: file.fullPath, skip, shape, rules: { footer, period, columns, key } };
  const worker = new Worker(builtFile("ingest/inspect-records-worker.js"), { workerData: task });
  const answer = new Told<RecordsMessage>();
  let began: Verbatim | undefined;
  const end = (message?: RecordsMessage): void => {
    ranges.end(message?.found !== undefined && isDeepStrictEqual(message.found.verbatim, began));
    answer.say(message);
  };
  worker.on("message", (message: RecordsMessage) => {
    if (message.began) ranges.begin((began = message.began));
    if (message.reached) ranges.reach(message.reached);
    if (message.found || message.failure) end(message);
  });
  worker.once("error", () => end());
  worker.once("exit", () => end());
  return {
    ranges,
    async answer(onWait) {
      const told = await awaiting(answer.promise, onWait);
      if (told?.failure) throw new AquiferError(told.failure.message, told.failure);
      return told?.found;
    },
    stop: () => worker.terminate(),
  };
}

import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { builtFile } from "../base/built-file.js";
import type { Source } from "../project/source.js";
import type { RawFile } from "./discover-files.js";
import type { TextShape } from "./recognize-text.js";
import type { EncodingStart } from "./text-encoding.js";
import { ValueProof } from "./value-proof.js";
import type { ProofAnswer, ProofTask } from "./value-proof-worker.js";

/** A proof that goes on beside the reading of a file. */
export interface RunningProof {
  /**
   * What it found; undefined where the thread could not do its work: then the server is asked, as without it.
   *
   * @param onWait called now and then; when it throws, waiting ends
   */
  readonly answer: (onWait: () => void) => Promise<ProofAnswer | undefined>;
  /** To be called in any case. */
  readonly stop: () => Promise<unknown>;
}

/** Starting a thread costs as much as the proof of some 10 MB. */
const leastBytes = 32 * 1024 * 1024;

const waitMilliseconds = 100;

/**
 * Judges the values of a large text in a thread of its own, which reads it too; undefined where there is nothing to judge,
 * or the text is not large, or not there as it will be read.
 */
export function proveAside(
  file: RawFile,
  shape: TextShape,
  { encoding, skip }: EncodingStart,
  { columns, key }: Pick<Source, "columns" | "key">,
): RunningProof | undefined {
  const order = shape.header.columns;
  const isPlain = file.packing === undefined && (encoding === undefined || encoding === "utf-8");
  if (!isPlain || file.bytes < leastBytes || shape.format !== "delimited") return undefined;
  if (availableParallelism() === 1) return undefined;
  if (!new ValueProof(columns, order, key).wanted) return undefined;
  const task: ProofTask = {
    path: file.fullPath,
    skip,
    dialect: { delimiter: shape.delimiter, crOnly: shape.crOnly },
    headerLine: shape.headerLine,
    order,
    columns: columns.map(({ name, checks }) => ({ name, checks })),
    key,
  };
  const worker = new Worker(builtFile("ingest/value-proof-worker.js"), { workerData: task });
  let isOver = false;
  const answer = new Promise<ProofAnswer | undefined>((resolve) => {
    worker.once("message", resolve);
    worker.once("error", () => resolve(undefined));
    worker.once("exit", () => resolve(undefined));
  });
  void answer.then(() => (isOver = true));
  return {
    async answer(onWait) {
      while (!isOver) {
        onWait();
        await Promise.race([answer, delay(waitMilliseconds)]);
      }
      return answer;
    },
    stop: () => worker.terminate(),
  };
}

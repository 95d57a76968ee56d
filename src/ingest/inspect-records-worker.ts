// Entry of the thread that looks at the records of one large file; see inspect-aside.ts.
import { closeSync, openSync, readSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import { AquiferError } from "../base/errors.js";
import {
  RecordInspection,
  type Checkpoint,
  type RecordFindings,
  type RecordRules,
  type Verbatim,
} from "./inspect-records.js";
import type { TextShape } from "./recognize-text.js";

export interface RecordsTask {
  readonly path: string;
  /** Bytes before the text. */
  readonly skip: number;
  readonly shape: TextShape;
  readonly rules: RecordRules;
}

/** What the thread sends: what it sees on its way, as long as records are regular; at last one of the others. */
export interface RecordsMessage {
  /** After the first records. */
  readonly began?: Verbatim;
  /** A place up to which all is as it began. */
  readonly reached?: Checkpoint;
  readonly found?: RecordFindings;
  /** What makes an `AquiferError`. */
  readonly failure?: { readonly message: string; readonly code: string; readonly hint: string };
}

const chunkBytes = 1024 * 1024;

inspect(workerData as RecordsTask, (message) => parentPort?.postMessage(message));

function inspect({ path, skip, shape, rules }: RecordsTask, tell: (message: RecordsMessage) => void): void {
  const descriptor = openSync(path, "r");
  try {
    const records = new RecordInspection(shape, rules, skip);
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let began: Verbatim | undefined;
    for (let at = skip; ;) {
      const length = readSync(descriptor, chunk, 0, chunkBytes, at);
      if (length === 0) break;
      records.push(chunk.subarray(0, length));
      at += length;
      const { verbatim, checkpoint } = records;
      if (!began && verbatim) tell({ began: (began = verbatim) });
      if (began && checkpoint && isDeepStrictEqual(began, verbatim)) tell({ reached: checkpoint });
    }
    tell({ found: records.end() });
  } catch (thrown) {
    if (!(thrown instanceof AquiferError)) throw thrown;
    tell({ failure: { message: thrown.message, code: thrown.code, hint: thrown.hint ?? "" } });
  } finally {
    closeSync(descriptor);
  }
}

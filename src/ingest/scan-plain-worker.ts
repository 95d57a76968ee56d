// Entry of the thread that reads the later part of a plain file; see inspect-plain.ts.
import { createReadStream } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { scanPlain, type PlainTask } from "./scan-plain.js";
import { chunkBytes } from "./unpack.js";

export interface PlainWorkerTask {
  readonly path: string;
  readonly task: PlainTask;
}

const { path, task } = workerData as PlainWorkerTask;
const chunks = createReadStream(path, { start: task.offset, highWaterMark: chunkBytes });
parentPort?.postMessage((await scanPlain(task, chunks)) ?? null);

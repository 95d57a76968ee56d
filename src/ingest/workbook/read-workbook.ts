import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Worker } from "node:worker_threads";
import { builtFile } from "../../base/built-file.js";
import { AquiferError, asError } from "../../base/errors.js";
import { displayName, type RawFile } from "../discover-files.js";
import { readContent } from "../unpack.js";
import type { ScratchFile } from "../scratch-file.js";
import { workbookLimits, type SheetSummary, type WorkbookForm, type WorkbookLimits } from "./sheet.js";
import type { WorkbookFailure, WorkbookMessage, WorkbookTask } from "./workbook-worker.js";

/**
 * Reads every sheet of a workbook into the scratch file, in a thread of its own: a workbook that is broken, or made to do
 * harm, takes no more time and memory than its limits.
 *
 * @param onProgress told now and then; when it throws, reading ends
 * @throws AquiferError `bad-workbook`, `encrypted-workbook`, `workbook-too-large`, and what unpacking throws
 */
export async function readWorkbook(
  file: RawFile,
  form: WorkbookForm,
  scratch: ScratchFile,
  onProgress: () => void,
  limits: WorkbookLimits = workbookLimits,
): Promise<readonly SheetSummary[]> {
  return withPlainFile(file, limits, async (path) => {
    const shown = displayName(file);
    const task: WorkbookTask = { path, form, shown, fd: scratch.fd, position: scratch.length, limits };
    const sheets = await runThread(task, onProgress);
    scratch.length = sheets.at(-1)?.end ?? scratch.length;
    return sheets;
  });
}

/** A workbook is read from its end and from places in between, so a packed one must first lie on the disk. */
async function withPlainFile<T>(
  file: RawFile,
  limits: WorkbookLimits,
  body: (path: string) => Promise<T>,
): Promise<T> {
  if (file.packing === undefined) {
    if (file.bytes > limits.bytes) throw tooLarge(displayName(file), `${limits.bytes / 1024 / 1024} MiB`);
    return body(file.fullPath);
  }
  const folder = await mkdtemp(join(tmpdir(), "aquifer-workbook-"));
  try {
    const path = join(folder, "workbook");
    await pipeline(Readable.from(limited(file, limits)), createWriteStream(path, { mode: 0o600 }));
    return await body(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function* limited(file: RawFile, limits: WorkbookLimits): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of readContent(file, displayName(file))) {
    bytes += chunk.length;
    if (bytes > limits.bytes) throw tooLarge(displayName(file), `${limits.bytes / 1024 / 1024} MiB`);
    yield chunk;
  }
}

function runThread(task: WorkbookTask, onProgress: () => void): Promise<readonly SheetSummary[]> {
  const { limits, shown } = task;
  const worker = new Worker(builtFile("ingest/workbook/workbook-worker.js"), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMiB },
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve, reject) => {
    let isOver = false;
    // The thread writes into the scratch file until it has ended.
    const finish = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      void worker.terminate().then(act);
    };
    const timer = setTimeout(
      () => finish(() => reject(tooLarge(shown, `what can be read in ${limits.seconds} seconds`))),
      limits.seconds * 1000,
    );
    worker.on("message", (message: WorkbookMessage) => {
      if ("sheets" in message) finish(() => resolve(message.sheets));
      else if ("failure" in message) finish(() => reject(toError(task, message.failure)));
      else {
        try {
          onProgress();
        } catch (thrown) {
          finish(() => reject(asError(thrown)));
        }
      }
    });
    worker.once("error", (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      finish(() => reject(isMemory ? tooLarge(shown, `${limits.heapMiB} MiB of memory`) : error));
    });
    worker.once("exit", () => finish(() => reject(new Error("the thread that reads workbooks ended early"))));
  });
}

function toError({ shown, limits }: WorkbookTask, failure: WorkbookFailure): AquiferError {
  const { kind, message } = failure;
  if (kind === "told") return new AquiferError(message, failure);
  if (kind === "cells") return tooLarge(shown, `${limits.cells} cells`);
  if (/password|ECMA-376 Encrypted/i.test(message)) {
    return new AquiferError(`${shown} is protected by a password`, {
      code: "encrypted-workbook",
      hint: "Open it, save it without a password, and ingest again.",
    });
  }
  return new AquiferError(`${shown} cannot be read as a workbook: ${message}`, {
    code: "bad-workbook",
    hint: "Open it in a spreadsheet program and save it again, or copy it again: it may not have arrived whole.",
  });
}

function tooLarge(shown: string, limit: string): AquiferError {
  return new AquiferError(`${shown} takes more than ${limit}, the limit for a workbook`, {
    code: "workbook-too-large",
    hint: "Save it as several, or as CSV.",
  });
}

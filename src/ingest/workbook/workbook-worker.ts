// Entry of the thread that reads one workbook; see read-workbook.ts.
import { parentPort, workerData } from "node:worker_threads";
import { AquiferError, asError } from "../../base/errors.js";
import type { WorkbookForm, WorkbookLimits, SheetSummary } from "./sheet.js";
import { SheetWriter, TooManyCells } from "./sheet-writer.js";
import { openXlsxParts } from "./xlsx-parts.js";
import { XlsxSheetReader } from "./xlsx-sheet.js";
import { readXlsxWorkbook } from "./xlsx-workbook.js";

export interface WorkbookTask {
  readonly path: string;
  readonly form: WorkbookForm;
  /** The workbook's name for messages. */
  readonly shown: string;
  /** Of the scratch file, which the thread writes from `position` on. */
  readonly fd: number;
  readonly position: number;
  readonly limits: WorkbookLimits;
}

/** What the thread sends: how far it is, and at the end the sheets or why there are none. */
export type WorkbookMessage =
  | { readonly bytes: number }
  | { readonly sheets: readonly SheetSummary[] }
  | { readonly failure: WorkbookFailure };

export interface WorkbookFailure {
  readonly kind: "told" | "cells" | "broken";
  readonly message: string;
  readonly code: string;
  readonly hint: string;
}

const task = workerData as WorkbookTask;
const send = (message: WorkbookMessage): void => parentPort?.postMessage(message);

try {
  send({ sheets: await readSheets() });
} catch (thrown) {
  const { message } = asError(thrown);
  if (thrown instanceof AquiferError)
    send({ failure: { kind: "told", message, code: thrown.code, hint: thrown.hint ?? "" } });
  else
    send({
      failure: { kind: thrown instanceof TooManyCells ? "cells" : "broken", message, code: "", hint: "" },
    });
}

async function readSheets(): Promise<SheetSummary[]> {
  const writer = new SheetWriter(task.fd, task.position, task.limits.cells);
  const summaries: SheetSummary[] = [];
  if (task.form !== "xlsx") {
    // Large, and most workbooks do without it.
    const { readLibraryWorkbook } = await import("./library-workbook.js");
    readLibraryWorkbook(task.path, task.form, (name, isHidden) => {
      const sink = writer.begin(name, isHidden);
      return { ...sink, end: () => void summaries.push(sink.end()) };
    });
    return summaries;
  }
  const parts = await openXlsxParts(task.path, task.shown);
  const workbook = await readXlsxWorkbook(parts);
  for (const { name, isHidden, part } of workbook.sheets) {
    const sink = writer.begin(name, isHidden);
    if (part !== undefined) {
      await parts.scan(part, new XlsxSheetReader(workbook, sink), (bytes) => send({ bytes }));
    }
    summaries.push(sink.end());
  }
  return summaries;
}

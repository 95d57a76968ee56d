import { isJson } from "./record-format.js";
import type { FileRecord } from "../history/ingest-records.js";
import { ledgerName, type PlannedFile } from "./decide-load.js";
import { displayName } from "./discover-files.js";
import type { InspectedFile } from "./plan-file.js";

/** What happens, for a display. */
export type IngestEvent =
  | {
      readonly kind: "progress";
      readonly phase: "reading" | "loading";
      readonly file: string;
      readonly bytes: number;
      readonly total: number;
    }
  /** Others hold locks on bronze. */
  | { readonly kind: "waiting"; readonly holders: readonly string[] }
  | { readonly kind: "swept"; readonly batches: readonly string[] }
  /** Rows are published without statistics of this relation; why. */
  | { readonly kind: "unanalyzed"; readonly table: string; readonly details: readonly string[] }
  | { readonly kind: "file"; readonly file: FileResult };

/** What was, or would be, done with a file. */
export interface FileResult {
  readonly file: string;
  readonly source: string;
  readonly table: string;
  readonly action: "load" | "restore" | "skip";
  readonly reason: string;
  readonly period: string | undefined;
  /** How the period was found. */
  readonly periodRule: string | undefined;
  /** What the file's name tells, by group. */
  readonly nameParts: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly rows: number;
  readonly rejected: number;
  readonly repaired: number;
  readonly method: string;
  readonly encoding: string;
  readonly classification: string;
  readonly columnsAdded: readonly string[];
  readonly columnsMissing: readonly string[];
  /** Of loading; 0 for a plan. */
  readonly seconds: number;
}

/** What loading a file found beyond its plan. */
export interface LoadOutcome {
  readonly seconds: number;
  /** Rows that broke a check of their values. */
  readonly rejected: number;
}

export const notLoaded: LoadOutcome = { seconds: 0, rejected: 0 };

function methodOf(file: PlannedFile): string {
  if (file.unread) return file.unread.version.method;
  if (file.decision.action === "restore") return "stored";
  if (file.feed) return file.feed.method;
  if (isJson(file.shape)) return "json";
  if (file.shape.format === "parquet" || file.shape.format === "spreadsheet") return file.shape.format;
  if (file.inspection.encoding !== "utf-8" || file.inspection.nulBytes > 0) return "recoded";
  return file.inspection.irregular > 0 ? "repaired" : "bytes";
}

/** The ledger's row of a file before it is loaded. */
export function toRecord(file: PlannedFile): FileRecord {
  const { source, shape, inspection, period, decision } = file;
  return {
    source: source.name,
    bronzeTable: source.table,
    fileName: ledgerName(file.file),
    slot: file.slot,
    period: period?.start,
    periodRule: period?.rule,
    nameParts: file.nameParts,
    contentHash: inspection.hash,
    storedAs: decision.action === "restore" ? decision.storedAs : undefined,
    bytes: inspection.bytes,
    modifiedAt: file.file.modifiedAt,
    encoding: inspection.encoding,
    encodingEvidence: inspection.encodingEvidence,
    dialect: dialectOf(file),
    classification: file.explanation,
    header: shape.header.cells,
    columnsAdded: shape.header.added,
    columnsMissing: absentColumns(file),
    rowsRead: inspection.rows,
    rowsRejected: inspection.rejected,
    rowsRepaired: inspection.irregular,
    nulBytes: inspection.nulBytes,
    method: methodOf(file),
    declaration: file.declaration,
  };
}

function dialectOf({ feed, shape }: PlannedFile): FileRecord["dialect"] {
  if (feed) return feed.dialect;
  if (shape.types) return { types: shape.types };
  if (shape.sheets) return { sheets: shape.sheets.map(({ name, headerLine }) => ({ name, headerLine })) };
  return { delimiter: String.fromCharCode(shape.delimiter), headerLine: shape.headerLine };
}

/** What is told of a file. */
export function toResult(file: PlannedFile, outcome: LoadOutcome): FileResult {
  const { source, shape, inspection, period, decision } = file;
  return {
    file: displayName(file.file),
    source: source.name,
    table: `bronze.${source.table}`,
    action: decision.action,
    reason: decision.reason,
    period: period?.start,
    periodRule: period?.rule,
    nameParts: file.nameParts,
    bytes: inspection.bytes,
    rows: inspection.rows - inspection.rejected - outcome.rejected,
    rejected: inspection.rejected + outcome.rejected,
    repaired: inspection.irregular,
    method: methodOf(file),
    encoding: inspection.encoding,
    classification: file.explanation,
    columnsAdded: file.unread?.version.columnsAdded ?? shape.header.added,
    columnsMissing: file.unread?.version.columnsMissing ?? absentColumns(file),
    seconds: outcome.seconds,
  };
}

function absentColumns({ source, shape }: InspectedFile): string[] {
  return source.columns.map(({ name }) => name).filter((name) => !shape.header.columns.includes(name));
}

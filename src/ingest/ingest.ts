import { AquiferError, AquiferErrors, asError } from "../base/errors.js";
import { IngestLedger, type FileRecord } from "../history/ingest-ledger.js";
import { defaultHistorySchema, migrateHistory } from "../history/migrate.js";
import type { Source } from "../project/source.js";
import type { Copying, Queryable, Session, Warehouse } from "../warehouse/warehouse.js";
import { ensureBronze, storeRelation, type BronzeTable } from "./bronze-tables.js";
import { decideLoads, ledgerName, type PlannedFile } from "./decide-load.js";
import { discoverFiles, displayName, type RawFile } from "./discover-files.js";
import { loadFile } from "./load-file.js";
import { inspectFile, type InspectedFile } from "./plan-file.js";
import { readSeeds, checkSeed, type Seed } from "./seeds.js";
import { quoteRelation } from "../base/identifiers.js";
import { sourcesByName } from "./classify-file.js";

export interface IngestOptions {
  readonly projectRoot: string;
  readonly warehouse: Warehouse;
  /** All sources of the project: a file is classified among all of its system's. */
  readonly sources: readonly Source[];
  /** Those to load; the rest are only made to exist. */
  readonly selected: readonly Source[];
  /** `--period`, checked. */
  readonly period?: string;
  /** Plan only; nothing is written. */
  readonly dryRun?: boolean;
  /** Load again what is current already. */
  readonly force?: boolean;
  readonly historySchema?: string;
  readonly version: string;
  readonly now: () => Date;
  /** Milliseconds since an arbitrary start. */
  readonly elapsed: () => number;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: IngestEvent) => void;
}

/** What happens, for a display. */
export type IngestEvent =
  | {
      readonly kind: "progress";
      readonly phase: "reading" | "loading";
      readonly file: string;
      readonly bytes: number;
      readonly total: number;
    }
  | { readonly kind: "swept"; readonly batches: readonly string[] }
  | { readonly kind: "file"; readonly file: FileResult };

export interface FileResult {
  readonly file: string;
  readonly source: string;
  readonly table: string;
  readonly action: "load" | "restore" | "skip";
  readonly reason: string;
  readonly period: string | undefined;
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

export interface IngestResult {
  /** Name of the batch; undefined when there was nothing to load. */
  readonly batch: string | undefined;
  readonly files: readonly FileResult[];
  /** Selected sources that have no rows yet. */
  readonly waiting: readonly string[];
}

/**
 * Loads what is new below `raw/` and `seeds/` into bronze, all of it in one batch that becomes visible at once, or nothing.
 *
 * @throws AquiferError with every file that cannot be loaded; `ingest-running` when another ingest runs on this database
 */
export async function ingest(options: IngestOptions): Promise<IngestResult> {
  const seeds = await readSeeds(options.projectRoot);
  const files = await inspectAll(options, seeds);
  const schema = options.historySchema ?? defaultHistorySchema;
  const ledger = new IngestLedger(schema);
  if (options.dryRun === true) return planOnly(options, files, ledger);
  await migrateHistory(options.warehouse, schema);
  return options.warehouse.withSession(async (session) => {
    if (!(await ledger.lock(session))) {
      throw new AquiferError("Another ingest runs on this database", {
        code: "ingest-running",
        hint: "Wait for it to end.",
      });
    }
    try {
      await sweep(session, ledger, options);
      const tables = bronzeTables(options.sources, seeds, files);
      await session.transaction((transaction) => ensureBronze(transaction, tables, schema));
      return await loadBatch(session, ledger, options, await plan(session, ledger, options, files), seeds);
    } finally {
      // A connection that broke has given the lock back already.
      await ledger.unlock(session).catch(() => undefined);
    }
  });
}

async function inspectAll(options: IngestOptions, seeds: readonly Seed[]): Promise<InspectedFile[]> {
  const errors: AquiferError[] = [];
  const inspected: InspectedFile[] = [];
  const inspect = async (sources: readonly Source[], file: RawFile): Promise<void> => {
    let bytes = 0;
    const onBytes = (more: number): void => {
      options.signal.throwIfAborted();
      bytes += more;
      options.onEvent?.({
        kind: "progress",
        phase: "reading",
        file: displayName(file),
        bytes,
        total: file.bytes,
      });
    };
    try {
      inspected.push(await inspectFile(sources, file, { period: options.period, onBytes }));
    } catch (thrown) {
      if (!(thrown instanceof AquiferError)) throw thrown;
      errors.push(thrown);
    }
  };
  for (const seed of seeds) await inspect([seed.source], seed.file);
  for (const system of new Set(options.selected.map((source) => source.system))) {
    const ofSystem = options.sources.filter((source) => source.system === system);
    const wanted = options.selected.filter((source) => source.system === system);
    for (const file of await discoverFiles(options.projectRoot, `raw/${system}`)) {
      // Someone who names one source is not told about the files of others.
      const concerns = wanted.length === ofSystem.length || sourcesByName(wanted, file.matchPath).length > 0;
      if (concerns) await inspect(ofSystem, file);
    }
  }
  const [only] = errors;
  if (errors.length === 1 && only) throw only;
  if (errors.length > 1) {
    throw new AquiferErrors(`${errors.length} files cannot be loaded; nothing was changed`, errors, {
      code: "bad-files",
    });
  }
  return inspected.filter(
    ({ source }) => options.selected.includes(source) || seeds.some((seed) => seed.source === source),
  );
}

function bronzeTables(
  sources: readonly Source[],
  seeds: readonly Seed[],
  files: readonly InspectedFile[],
): BronzeTable[] {
  const ofSources = sources.map((source): BronzeTable => {
    const added = files
      .filter((file) => file.source === source)
      .flatMap(({ shape }) => shape.header.columns)
      .filter((name) => !source.columns.some((column) => column.name === name));
    return {
      name: source.table,
      source: source.name,
      description: source.description,
      columns: [
        ...source.columns.map(({ name, description }) => ({ name, type: "text", description })),
        ...[...new Set(added)].map((name) => ({ name, type: "text", description: "" })),
      ],
    };
  });
  return [...ofSources, ...seeds.map((seed) => seed.table)];
}

async function plan(
  session: Queryable,
  ledger: IngestLedger,
  options: IngestOptions,
  files: readonly InspectedFile[],
): Promise<PlannedFile[]> {
  const current = await ledger.currentFiles(session);
  const stored = await ledger.storedContent(
    session,
    files.map(({ inspection }) => inspection.hash),
  );
  return decideLoads(files, current, stored, options.force ?? false);
}

async function planOnly(
  options: IngestOptions,
  files: readonly InspectedFile[],
  ledger: IngestLedger,
): Promise<IngestResult> {
  const exists = await ledger.exists(options.warehouse);
  const planned = exists
    ? await plan(options.warehouse, ledger, options, files)
    : decideLoads(files, [], [], options.force ?? false);
  const results = planned.map((file) => toResult(file, 0));
  for (const file of results) options.onEvent?.({ kind: "file", file });
  const current = exists ? await ledger.currentFiles(options.warehouse) : [];
  return {
    batch: undefined,
    files: results,
    waiting: waitingSources(
      options,
      current.map(({ source }) => source),
    ),
  };
}

async function sweep(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
): Promise<void> {
  const batches = await undoStarted(session, ledger, "the process that loaded it ended before it was done");
  if (batches.length > 0) options.onEvent?.({ kind: "swept", batches });
}

/** Removes the rows of every batch that is started and marks it as failed. */
async function undoStarted(
  session: Session & Copying,
  ledger: IngestLedger,
  error: string,
): Promise<readonly string[]> {
  return session.transaction(async (transaction) => {
    for (const { fileId, bronzeTable } of await ledger.abandonedFiles(transaction)) {
      await transaction.query(
        `delete from ${quoteRelation(storeRelation(bronzeTable))} where _file_id = $1`,
        [fileId],
      );
    }
    return ledger.failBatches(transaction, error);
  });
}

async function loadBatch(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  planned: readonly PlannedFile[],
  seeds: readonly Seed[],
): Promise<IngestResult> {
  const results: FileResult[] = [];
  const done = (file: PlannedFile, seconds: number): void => {
    const result = toResult(file, seconds);
    results.push(result);
    options.onEvent?.({ kind: "file", file: result });
  };
  const todo = planned.filter(({ decision }) => decision.action !== "skip");
  for (const file of planned) if (file.decision.action === "skip") done(file, 0);
  let batch: { readonly id: string; readonly name: string } | undefined;
  if (todo.length > 0) {
    batch = await ledger.startBatch(session, options.now(), options.version);
    try {
      for (const file of todo) done(file, await loadOne(session, ledger, options, batch.id, file, seeds));
      const { id } = batch;
      await session.transaction((transaction) => ledger.publishBatch(transaction, id));
    } catch (thrown) {
      // On a broken connection this fails too; then the next ingest sweeps.
      await undoStarted(session, ledger, asError(thrown).message).catch(() => undefined);
      throw thrown;
    }
    for (const table of new Set(todo.map(({ source }) => source.table))) {
      await session.query(`analyze ${quoteRelation(storeRelation(table))}`);
    }
  }
  const current = await ledger.currentFiles(session);
  return {
    batch: batch?.name,
    files: results,
    waiting: waitingSources(
      options,
      current.map(({ source }) => source),
    ),
  };
}

async function loadOne(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  batchId: string,
  file: PlannedFile,
  seeds: readonly Seed[],
): Promise<number> {
  const begin = options.elapsed();
  const fileId = await ledger.startFile(session, batchId, toRecord(file));
  if (file.decision.action === "load") {
    let bytes = 0;
    await loadFile(file, fileId, {
      warehouse: options.warehouse,
      session,
      ledger,
      signal: options.signal,
      onBytes: (more) => {
        bytes += more;
        options.onEvent?.({
          kind: "progress",
          phase: "loading",
          file: displayName(file.file),
          bytes,
          total: file.file.bytes,
        });
      },
    });
    const seed = seeds.find(({ source }) => source === file.source);
    if (seed) await checkSeed(session, seed, fileId);
  }
  const seconds = (options.elapsed() - begin) / 1000;
  await ledger.endFile(session, fileId, seconds);
  return seconds;
}

function waitingSources(options: IngestOptions, present: readonly string[]): string[] {
  return options.selected.map(({ name }) => name).filter((name) => !present.includes(name));
}

function methodOf(file: PlannedFile): string {
  if (file.decision.action === "restore") return "stored";
  if (file.inspection.encoding !== "utf-8" || file.inspection.nulBytes > 0) return "recoded";
  return file.inspection.irregular > 0 ? "repaired" : "bytes";
}

function toRecord(file: PlannedFile): FileRecord {
  const { source, shape, inspection, period, decision } = file;
  return {
    source: source.name,
    bronzeTable: source.table,
    fileName: ledgerName(file.file),
    slot: file.slot,
    period: period?.start,
    periodRule: period?.rule,
    contentHash: inspection.hash,
    storedAs: decision.action === "restore" ? decision.storedAs : undefined,
    bytes: inspection.bytes,
    modifiedAt: file.file.modifiedAt,
    encoding: inspection.encoding,
    encodingEvidence: inspection.encodingEvidence,
    dialect: { delimiter: String.fromCharCode(shape.delimiter), headerLine: shape.headerLine },
    classification: file.explanation,
    header: shape.header.cells,
    columnsAdded: shape.header.added,
    columnsMissing: absentColumns(file),
    rowsRead: inspection.rows,
    rowsRejected: inspection.rejected,
    rowsRepaired: inspection.irregular,
    nulBytes: inspection.nulBytes,
    method: methodOf(file),
  };
}

function toResult(file: PlannedFile, seconds: number): FileResult {
  const { source, shape, inspection, period, decision } = file;
  return {
    file: displayName(file.file),
    source: source.name,
    table: `bronze.${source.table}`,
    action: decision.action,
    reason: decision.reason,
    period: period?.start,
    bytes: inspection.bytes,
    rows: inspection.rows - inspection.rejected,
    rejected: inspection.rejected,
    repaired: inspection.irregular,
    method: methodOf(file),
    encoding: inspection.encoding,
    classification: file.explanation,
    columnsAdded: shape.header.added,
    columnsMissing: absentColumns(file),
    seconds,
  };
}

function absentColumns({ source, shape }: InspectedFile): string[] {
  return source.columns.map(({ name }) => name).filter((name) => !shape.header.columns.includes(name));
}

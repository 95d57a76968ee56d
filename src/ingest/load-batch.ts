import { AquiferError, asError } from "../base/errors.js";
import { formatRelation, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { MissingFile } from "../history/ingest-records.js";
import { defaultHistorySchema } from "../history/migrate.js";
import type { Copying, Queryable, Session } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { storeRelation } from "./bronze-tables.js";
import type { PlannedFile } from "./decide-load.js";
import { displayName } from "./discover-files.js";
import { discardCopies, type EarlyCopy } from "./early-copies.js";
import { notLoaded, toRecord, toResult, type FileResult, type LoadOutcome } from "./file-result.js";
import { patienceOf, type IngestOptions } from "./ingest-options.js";
import { loadFile, type LoadedRows } from "./load-file.js";
import { withPatience, type LockPatience } from "./lock-patience.js";
import { dropTables, findStrayTables, hasOwnTables, removeRows, smallSample } from "./own-tables.js";
import { publishBatch, type OwnTables } from "./publish-batch.js";
import { rejectBadValues } from "./reject-values.js";
import { checkSeed, type Seed } from "./seeds.js";
import { verifyRows } from "./verify-rows.js";

export interface IngestResult {
  /** Name of the batch; of several, joined by commas; undefined when there was nothing to load. */
  readonly batch: string | undefined;
  readonly files: readonly FileResult[];
  /** Selected sources that have no rows yet. */
  readonly waiting: readonly string[];
  /** Periods for which a selected source lacks the file that it is expected to have. */
  readonly missing: readonly MissingFile[];
}

/** Undoes what a dead process has begun. */
export async function sweep(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
): Promise<void> {
  const reason = "the process that loaded it ended before it was done";
  const batches = await undoStarted(session, ledger, patienceOf(options), reason);
  await dropStrayTables(session, ledger, options);
  if (batches.length > 0) options.onEvent?.({ kind: "swept", batches });
}

/** Nobody sees them: one that somebody reads, such as a `pg_dump`, can stay until the next ingest. */
async function dropStrayTables(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
): Promise<void> {
  const patience = { ...patienceOf(options), milliseconds: 0, onWait: () => undefined };
  const tag = await ledger.tag(session);
  for (const table of await findStrayTables(session, tag, options.historySchema ?? defaultHistorySchema)) {
    try {
      await withPatience(session, patience, (transaction) => dropTables(transaction, [table]));
    } catch (thrown) {
      if (!(thrown instanceof AquiferError && thrown.code === "relation-busy")) throw thrown;
    }
  }
}

/**
 * Removes the rows of every batch that is started and marks it as failed, once no stream of it can commit any more: the
 * server may still be at work for a process that is dead.
 */
async function undoStarted(
  session: Session & Copying,
  ledger: IngestLedger,
  patience: LockPatience,
  error: string,
): Promise<readonly string[]> {
  return withPatience(session, patience, async (transaction) => {
    await ledger.awaitStreams(transaction);
    const tag = await ledger.tag(transaction);
    for (const { fileId, bronzeTable } of await ledger.abandonedFiles(transaction)) {
      await removeRows(transaction, bronzeTable, { ledger: tag, fileId });
    }
    return ledger.failBatches(transaction, error);
  });
}

/** Loads planned files in one batch, which becomes visible at once at its end; nothing of a failed one remains. */
export async function loadBatch(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  planned: readonly PlannedFile[],
  seeds: readonly Seed[],
): Promise<IngestResult> {
  const results: FileResult[] = [];
  const done = (file: PlannedFile, outcome: LoadOutcome): void => {
    const result = toResult(file, outcome);
    results.push(result);
    options.onEvent?.({ kind: "file", file: result });
  };
  const todo = planned.filter(({ decision }) => decision.action !== "skip");
  await discardCopies(earlyOf(planned.filter(({ decision }) => decision.action !== "load")));
  for (const file of planned) if (file.decision.action === "skip") done(file, notLoaded);
  let batch: { readonly id: string; readonly name: string } | undefined;
  if (todo.length > 0) {
    batch = await ledger.startBatch(session, options.now(), options.version);
    try {
      const { id } = batch;
      const own: OwnTables[] = [];
      for (const file of todo) {
        const { outcome, tables } = await loadOne(session, ledger, options, id, file, seeds);
        own.push({ store: file.source.table, tables });
        done(file, outcome);
      }
      await publishBatch(session, ledger, patienceOf(options), id, own);
    } catch (thrown) {
      // Their streams would be waited for.
      await discardCopies(earlyOf(planned));
      // On a broken connection this fails too; then the next ingest sweeps.
      await undoStarted(session, ledger, patienceOf(options), asError(thrown).message).catch(() => undefined);
      throw thrown;
    }
    await analyzeStores(session, ledger, options, todo);
  }
  return { batch: batch?.name, files: results, ...(await whatLacks(session, ledger, options)) };
}

function earlyOf(files: readonly PlannedFile[]): EarlyCopy[] {
  return files.flatMap(({ early }) => early ?? []);
}

/** Rows that a feed put into the store, whose values never were here to be measured; it has counted them itself. */
const storedUnparsed: LoadedRows = { own: [], lengths: undefined, before: 0 };

async function loadOne(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  batchId: string,
  file: PlannedFile,
  seeds: readonly Seed[],
): Promise<{ outcome: LoadOutcome; tables: readonly RelationName[] }> {
  const { warehouse, signal } = options;
  let begin = options.elapsed();
  let rejected = 0;
  let tables: readonly RelationName[] = [];
  const fileId = await ledger.startFile(session, batchId, toRecord(file), file.fileId);
  if (file.decision.action === "load") {
    let bytes = 0;
    const context = {
      warehouse,
      patience: patienceOf(options),
      session,
      ledger,
      signal,
      onBytes: (more: number): void => {
        bytes += more;
        options.onEvent?.({
          kind: "progress",
          phase: "loading",
          file: displayName(file.file),
          bytes,
          total: file.file.bytes,
        });
      },
    };
    await file.feed?.load(fileId, context);
    const loaded = file.feed ? storedUnparsed : await loadFile(file, fileId, context);
    tables = loaded.own;
    begin -= loaded.before;
    const seed = seeds.find(({ source }) => source === file.source);
    if (seed) {
      await withPatience(session, context.patience, (transaction) =>
        checkSeed(transaction, seed, fileId, loaded),
      );
    } else {
      const broken = await withPatience(session, context.patience, (transaction) =>
        verifyRows(transaction, warehouse, file, fileId, loaded),
      );
      if (broken)
        rejected = await rejectBadValues(session, ledger, file, fileId, loaded, broken, context.patience);
    }
  }
  const outcome: LoadOutcome = { seconds: (options.elapsed() - begin) / 1000, rejected };
  await ledger.endFile(session, fileId, outcome);
  return { outcome, tables };
}

/** A load that is published already does not wait long for its statistics. */
const analyzePatience = 5000;

/**
 * Takes the statistics of what was loaded, and of the ledger, which says what of it is current; the tables of large files
 * were given theirs when they were filled. The rows are published: where somebody keeps a table from it, such as a `vacuum`, or the server cannot, as its
 * disk is full, that is told and left to autovacuum.
 */
async function analyzeStores(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  files: readonly PlannedFile[],
): Promise<void> {
  const isLarge = files.some(({ inspection }) => hasOwnTables(inspection));
  // Without the word a server that knows it would analyse the tables of all files again.
  const only = options.warehouse.serverVersion >= 180000 ? "only " : "";
  const patience = { ...patienceOf(options), onWait: () => undefined };
  const milliseconds = Math.min(patience.milliseconds, analyzePatience);
  const stores = [...new Set(files.map(({ source }) => source.table))];
  const analyses = [
    ...stores.map((name) => ({
      table: formatRelation(storeRelation(name)),
      run: async (transaction: Queryable): Promise<void> => {
        if (isLarge) await transaction.query(smallSample);
        await transaction.query(`analyze ${only}${quoteRelation(storeRelation(name))}`);
      },
    })),
    {
      table: formatRelation({ schema: options.historySchema ?? defaultHistorySchema, name: "ingest_file" }),
      run: (transaction: Queryable): Promise<void> => ledger.analyze(transaction),
    },
  ];
  for (const { table, run } of analyses) {
    try {
      await withPatience(session, { ...patience, milliseconds }, run);
    } catch (thrown) {
      const isBusy = thrown instanceof AquiferError && thrown.code === "relation-busy";
      if (!isBusy && (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss)) throw thrown;
      const details = isBusy ? thrown.details : [thrown.message];
      options.onEvent?.({ kind: "unanalyzed", table, details });
    }
  }
}

/** What the selected sources have no rows or no file of. */
export async function whatLacks(
  session: Queryable,
  ledger: IngestLedger,
  options: IngestOptions,
): Promise<Pick<IngestResult, "waiting" | "missing">> {
  const names = options.selected.map(({ name }) => name);
  const present = new Set((await ledger.currentFiles(session)).map(({ source }) => source));
  return {
    waiting: names.filter((name) => !present.has(name)),
    missing: await ledger.missingFiles(session, names),
  };
}

import { AquiferError, exitCodes } from "../base/errors.js";
import { IngestLedger } from "../history/ingest-ledger.js";
import type { DeclaredSource } from "../history/ingest-records.js";
import { defaultHistorySchema, hasHistory, migrateHistory } from "../history/migrate.js";
import type { Source } from "../project/source.js";
import type { Copying, Queryable, Session } from "../warehouse/warehouse.js";
import { ensureBronze } from "./bronze-tables.js";
import { ensureTypeCheck } from "./check-values.js";
import { claimStore } from "./claim-store.js";
import { decideLoads, ledgerName, type KnownFiles, type PlannedFile } from "./decide-load.js";
import { discardCopies, EarlyCopies } from "./early-copies.js";
import { notLoaded, toResult } from "./file-result.js";
import { patienceOf, type IngestOptions } from "./ingest-options.js";
import { declarations, inspectFiles } from "./inspect-files.js";
import { loadBatch, sweep, whatLacks, type IngestResult } from "./load-batch.js";
import { withPatience } from "./lock-patience.js";
import { neededTables } from "./needed-tables.js";
import type { InspectedFile } from "./plan-file.js";
import { ScratchFile } from "./scratch-file.js";
import { readSeeds, type Seed } from "./seeds.js";
import { noEnds, withFeeds } from "./with-feeds.js";

export type { IngestOptions } from "./ingest-options.js";
export type { IngestResult } from "./load-batch.js";

/**
 * Loads what is new below `raw/` and `seeds/` into bronze, all of it in one batch that becomes visible at once, or nothing.
 *
 * @throws AquiferError with every file that cannot be loaded; `ingest-running` when another ingest runs on this database
 */
export async function ingest(options: IngestOptions): Promise<IngestResult> {
  const scratch = new ScratchFile();
  try {
    return await ingestUntilAborted(options, scratch);
  } catch (thrown) {
    if (!options.signal.aborted || thrown instanceof AquiferError) throw thrown;
    throw new AquiferError("Interrupted: the batch was not loaded", {
      code: "interrupted",
      exitCode: exitCodes.interrupted,
      cause: thrown,
    });
  } finally {
    scratch.close();
  }
}

async function ingestUntilAborted(options: IngestOptions, scratch: ScratchFile): Promise<IngestResult> {
  const seeds = await readSeeds(options.projectRoot, options.sources);
  const schema = options.historySchema ?? defaultHistorySchema;
  const ledger = new IngestLedger(schema);
  if (options.dryRun === true) return dryRun(options, ledger, schema, seeds, scratch);
  return options.warehouse.withSession(async (session) => {
    // It waits while files are read.
    await session.query("set idle_session_timeout = 0");
    let opened: Promise<void> | undefined;
    // Bad files leave a new database as it is: the ledger is made when something is to be copied.
    const open = (): Promise<void> =>
      (opened ??= openLedger(session, ledger, options, schema).catch((thrown: unknown) => {
        opened = undefined;
        throw thrown;
      }));
    const { warehouse, signal, elapsed } = options;
    const early = new EarlyCopies({ warehouse, ledger, historySchema: schema, open, signal, elapsed });
    try {
      const known =
        options.force !== true && (await hasHistory(session, schema))
          ? await ledger.readVersions(session, declarations(options))
          : [];
      const found = await inspectFiles(options, seeds, scratch, known, early);
      await open();
      return await loadRounds(session, ledger, options, found, seeds);
    } finally {
      await early.discard();
      // A connection that broke has given the lock back already.
      if (opened) await ledger.unlock(session).catch(() => undefined);
    }
  });
}

/** Makes the ledger what this version needs, takes it, and undoes what a dead process has begun. */
async function openLedger(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  schema: string,
): Promise<void> {
  await migrateHistory(options.warehouse, schema);
  if (!(await ledger.lock(session))) {
    throw new AquiferError("Another ingest runs on this database", {
      code: "ingest-running",
      hint: "Wait for it to end.",
    });
  }
  try {
    await session.transaction((transaction) => claimStore(transaction, schema));
    await sweep(session, ledger, options);
  } catch (thrown) {
    await ledger.unlock(session).catch(() => undefined);
    throw thrown;
  }
}

/** Reads all files and says what would be done with them. */
async function dryRun(
  options: IngestOptions,
  ledger: IngestLedger,
  schema: string,
  seeds: readonly Seed[],
  scratch: ScratchFile,
): Promise<IngestResult> {
  const hasLedger = await hasHistory(options.warehouse, schema);
  const known =
    options.force !== true && hasLedger
      ? await ledger.readVersions(options.warehouse, declarations(options))
      : [];
  const found = await inspectFiles(options, seeds, scratch, known);
  const exists = await ledger.exists(options.warehouse);
  if (exists && !hasLedger) {
    throw new AquiferError(`The ledger in schema "${schema}" was made by an older version`, {
      code: "history-too-old",
      hint: "A dry run changes nothing. Run dataform ingest once: it brings the ledger up to date.",
    });
  }
  return withFeeds(options, exists ? options.warehouse : undefined, ledger, noEnds, (fed) =>
    planOnly(options, [...found, ...fed], ledger, exists),
  );
}

function declared({ name, system, table, expected, period }: Source): DeclaredSource {
  return { source: name, system, bronzeTable: table, expected: expected ? period?.grain : undefined };
}

/** Loads everything in one batch, but of topics what is too much for one in others after it, each visible at once. */
async function loadRounds(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  found: readonly InspectedFile[],
  seeds: readonly Seed[],
): Promise<IngestResult> {
  const results: IngestResult[] = [];
  let ends = noEnds;
  do {
    results.push(
      await withFeeds(options, session, ledger, ends, async (fed) => {
        const files = results.length === 0 ? [...found, ...fed] : fed;
        await discardOutgrown(files);
        ends = new Map(fed.flatMap(({ source, rest }) => (rest ? [[source.name, rest] as const] : [])));
        const tables = neededTables(options.sources, seeds, files);
        await withPatience(session, patienceOf(options), async (transaction) => {
          await ensureBronze(transaction, tables, options.historySchema ?? defaultHistorySchema);
          await ensureTypeCheck(transaction, options.warehouse.serverVersion);
          await ledger.declareSources(transaction, options.sources.map(declared));
        });
        return loadBatch(session, ledger, options, await plan(session, ledger, options, files), seeds);
      }),
    );
  } while (ends.size > 0);
  const batches = results.flatMap(({ batch }) => batch ?? []);
  return {
    waiting: [],
    missing: [],
    ...results.at(-1),
    batch: batches.length === 0 ? undefined : batches.join(", "),
    files: results.flatMap(({ files }) => files),
  };
}

/** A copy was begun for the columns that its store had then: another file of the source may bring more. */
async function discardOutgrown(files: readonly InspectedFile[]): Promise<void> {
  const widened = new Set(
    files.filter(({ shape }) => shape.header.added.length > 0).map(({ source }) => source),
  );
  await discardCopies(files.flatMap(({ early, source }) => (early && widened.has(source) ? [early] : [])));
}

async function plan(
  session: Queryable,
  ledger: IngestLedger,
  options: IngestOptions,
  files: readonly InspectedFile[],
): Promise<PlannedFile[]> {
  const known: KnownFiles = {
    current: await ledger.currentFiles(session),
    stored: await ledger.storedContent(
      session,
      files.map(({ inspection }) => inspection.hash),
    ),
    last: await ledger.lastVersions(
      session,
      files.map(({ file }) => ledgerName(file)),
    ),
  };
  const planned = decideLoads(files, known, options.force ?? false);
  // What is loaded anew, though its content was read before, is read in full.
  const wanted = new Set(
    planned.filter(({ decision }) => decision.action !== "skip").map(({ file }) => file),
  );
  if (!files.some(({ unread, file }) => unread && wanted.has(file))) return planned;
  const read: InspectedFile[] = [];
  for (const file of files) {
    const again = file.unread && wanted.has(file.file) ? await file.unread.read() : file;
    // Ids have the order of the files.
    read.push(file.fileId === undefined ? again : { ...again, fileId: file.fileId });
  }
  return plan(session, ledger, options, read);
}

async function planOnly(
  options: IngestOptions,
  files: readonly InspectedFile[],
  ledger: IngestLedger,
  exists: boolean,
): Promise<IngestResult> {
  const planned = exists
    ? await plan(options.warehouse, ledger, options, files)
    : decideLoads(files, { current: [], stored: [], last: [] }, options.force ?? false);
  const results = planned.map((file) => toResult(file, notLoaded));
  for (const file of results) options.onEvent?.({ kind: "file", file });
  const state = exists
    ? await whatLacks(options.warehouse, ledger, options)
    : { waiting: options.selected.map(({ name }) => name), missing: [] };
  return { batch: undefined, files: results, ...state };
}

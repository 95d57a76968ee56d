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
  const known =
    options.force !== true && (await hasHistory(options.warehouse, schema))
      ? await ledger.readVersions(options.warehouse, declarations(options))
      : [];
  const found = await inspectFiles(options, seeds, scratch, known);
  if (options.dryRun === true) {
    const exists = await ledger.exists(options.warehouse);
    if (exists && !(await hasHistory(options.warehouse, schema))) {
      throw new AquiferError(`The ledger in schema "${schema}" was made by an older version`, {
        code: "history-too-old",
        hint: "A dry run changes nothing. Run dataform ingest once: it brings the ledger up to date.",
      });
    }
    return withFeeds(options, exists ? options.warehouse : undefined, ledger, noEnds, (fed) =>
      planOnly(options, [...found, ...fed], ledger, exists),
    );
  }
  await migrateHistory(options.warehouse, schema);
  return options.warehouse.withSession(async (session) => {
    if (!(await ledger.lock(session))) {
      throw new AquiferError("Another ingest runs on this database", {
        code: "ingest-running",
        hint: "Wait for it to end.",
      });
    }
    try {
      await session.transaction((transaction) => claimStore(transaction, schema));
      await sweep(session, ledger, options);
      return await loadRounds(session, ledger, options, found, seeds);
    } finally {
      // A connection that broke has given the lock back already.
      await ledger.unlock(session).catch(() => undefined);
    }
  });
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
  for (const file of files) read.push(file.unread && wanted.has(file.file) ? await file.unread.read() : file);
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

import { AquiferError, asError, exitCodes } from "../base/errors.js";
import { IngestLedger, type DeclaredSource, type MissingFile } from "../history/ingest-ledger.js";
import { defaultHistorySchema, hasHistory, migrateHistory } from "../history/migrate.js";
import type { Source } from "../project/source.js";
import { extraColumns } from "../project/sources.js";
import { storedColumns } from "./stored-columns.js";
import { declarations, inspectFiles, type InspectOptions } from "./inspect-files.js";
import { notLoaded, toRecord, toResult, type FileResult, type LoadOutcome } from "./file-result.js";
import { ensureTypeCheck } from "./check-values.js";
import { rejectBadValues } from "./reject-values.js";

import type { Copying, Queryable, Session, Warehouse } from "../warehouse/warehouse.js";
import { ensureBronze, storeRelation, type BronzeTable } from "./bronze-tables.js";
import { claimStore } from "./claim-store.js";
import { decideLoads, ledgerName, type KnownFiles, type PlannedFile } from "./decide-load.js";
import { inspectExtracts, type DatabaseSource } from "./inspect-extracts.js";
import type { OpenBroker } from "./kafka/message-source.js";
import type { TopicSource } from "./kafka/read-topic.js";
import { withTopics } from "./kafka/with-topics.js";
import { withSnapshots, type OpenConnection } from "./source-snapshot.js";
import { displayName } from "./discover-files.js";
import { loadFile, type LoadedRows } from "./load-file.js";
import type { InspectedFile } from "./plan-file.js";
import { readSeeds, checkSeed, type Seed } from "./seeds.js";
import { ScratchFile } from "./scratch-file.js";
import { quoteRelation, type RelationName } from "../base/identifiers.js";
import { withPatience, type LockPatience } from "./lock-patience.js";
import { hasOwnTables, removeRows } from "./own-tables.js";
import { publishBatch, type OwnTables } from "./publish-batch.js";
import { verifyRows } from "./verify-rows.js";

export interface IngestOptions extends InspectOptions {
  /** Of at least two sessions: one for the ledger, the others copy. */
  readonly warehouse: Warehouse;
  /** Plan only; nothing is written. */
  readonly dryRun?: boolean;
  /** Load again what is current already. */
  readonly force?: boolean;
  readonly historySchema?: string;
  /** Opens the operational databases that sources read. Default: there are none. */
  readonly openConnection?: OpenConnection;
  /** How long locks on bronze are waited for, in milliseconds. Default: a minute. */
  readonly lockPatience?: number;
  /** Opens the clusters whose topics sources read. Default: there are none. */
  readonly openBroker?: OpenBroker;
  /** Go on behind messages that retention removed before they were loaded. */
  readonly acceptGaps?: boolean;
  readonly version: string;
  readonly now: () => Date;
  /** Milliseconds since an arbitrary start. */
  readonly elapsed: () => number;
}

export interface IngestResult {
  /** Name of the batch; of several, joined by commas; undefined when there was nothing to load. */
  readonly batch: string | undefined;
  readonly files: readonly FileResult[];
  /** Selected sources that have no rows yet. */
  readonly waiting: readonly string[];
  /** Periods for which a selected source lacks the file that it is expected to have. */
  readonly missing: readonly MissingFile[];
}

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

/** By source, the ends of the partitions that later batches go up to. */
type TopicEnds = ReadonlyMap<string, ReadonlyMap<number, number>>;

const noEnds: TopicEnds = new Map();

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
        const tables = bronzeTables(options.sources, seeds, files);
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

/**
 * Hands over what there is to load that lies in no file, while what it comes from is open.
 *
 * @param session asked for what is loaded already; undefined where there is no ledger yet
 * @param ends not empty: only what is left of these topics
 */
function withFeeds<T>(
  options: IngestOptions,
  session: Queryable | undefined,
  ledger: IngestLedger,
  ends: TopicEnds,
  body: (fed: readonly InspectedFile[]) => Promise<T>,
): Promise<T> {
  const topics = options.selected
    .filter((source): source is TopicSource => source.kafka !== undefined)
    .filter(({ name }) => ends.size === 0 || ends.has(name));
  const context = {
    ...{
      ledger,
      session,
      ends,
      projectRoot: options.projectRoot,
      signal: options.signal,
      now: options.now(),
    },
    open: options.openBroker ?? ((): Promise<undefined> => Promise.resolve(undefined)),
    acceptGaps: options.acceptGaps ?? false,
    onBytes: (file: string, bytes: number): void =>
      options.onEvent?.({ kind: "progress", phase: "reading", file, bytes, total: 0 }),
  };
  if (ends.size > 0) return withTopics(topics, context, body);
  // Topics are judged before a snapshot is taken: an operational database pays for one that is held long.
  return withTopics(topics, context, (fed) =>
    withExtracts(options, session, ledger, (extracts) => body([...extracts, ...fed])),
  );
}

/**
 * Holds one snapshot of each operational database that the selected sources read, and hands over what there is to extract.
 *
 * @param session asked for what is loaded already; undefined where there is no ledger yet
 */
async function withExtracts<T>(
  options: IngestOptions,
  session: Queryable | undefined,
  ledger: IngestLedger,
  body: (extracts: readonly InspectedFile[]) => Promise<T>,
): Promise<T> {
  const sources = options.selected.filter(
    (source): source is DatabaseSource => source.database !== undefined,
  );
  if (sources.length === 0) return body([]);
  const current = session
    ? await ledger.currentExtracts(
        session,
        sources.map(({ name }) => name),
      )
    : [];
  const connections = [...new Set(sources.map(({ database }) => database.connection))];
  const open: OpenConnection = options.openConnection ?? (() => Promise.resolve(undefined));
  return withSnapshots(connections, open, async (snapshots) =>
    body(
      await inspectExtracts(sources, snapshots, {
        period: options.period,
        force: options.force ?? false,
        current,
      }),
    ),
  );
}

function bronzeTables(
  sources: readonly Source[],
  seeds: readonly Seed[],
  files: readonly InspectedFile[],
): BronzeTable[] {
  const ofSources = sources.map((source): BronzeTable => {
    const added = files
      .filter((file) => file.source === source && !file.unread)
      .flatMap(({ shape }) => storedColumns(source, shape.header).names)
      .filter((name) => ![...source.columns, ...extraColumns(source)].some((column) => column.name === name));
    return {
      name: source.table,
      source: source.name,
      description: source.description,
      columns: [
        ...source.columns.map(({ name, description }) => ({ name, type: "text", description })),
        ...extraColumns(source),
        ...[...new Set(added)].map((name) => ({ name, type: "text", description: "" })),
      ],
      nameGroups: source.nameColumns.groups,
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

async function sweep(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
): Promise<void> {
  const reason = "the process that loaded it ended before it was done";
  const batches = await undoStarted(session, ledger, patienceOf(options), reason);
  if (batches.length > 0) options.onEvent?.({ kind: "swept", batches });
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

async function loadBatch(
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
      // On a broken connection this fails too; then the next ingest sweeps.
      await undoStarted(session, ledger, patienceOf(options), asError(thrown).message).catch(() => undefined);
      throw thrown;
    }
    await analyzeStores(session, todo);
  }
  return { batch: batch?.name, files: results, ...(await whatLacks(session, ledger, options)) };
}

const defaultPatience = 60_000;

function patienceOf({ lockPatience, signal, elapsed, onEvent }: IngestOptions): LockPatience {
  return {
    milliseconds: lockPatience ?? defaultPatience,
    signal,
    elapsed,
    onWait: (holders) => onEvent?.({ kind: "waiting", holders }),
  };
}

/** Rows that a feed put into the store, whose values never were here to be measured; it has counted them itself. */
const storedUnparsed: LoadedRows = { own: [], lengths: undefined };

async function loadOne(
  session: Session & Copying,
  ledger: IngestLedger,
  options: IngestOptions,
  batchId: string,
  file: PlannedFile,
  seeds: readonly Seed[],
): Promise<{ outcome: LoadOutcome; tables: readonly RelationName[] }> {
  const { warehouse, signal } = options;
  const begin = options.elapsed();
  let rejected = 0;
  let tables: readonly RelationName[] = [];
  const fileId = await ledger.startFile(session, batchId, toRecord(file));
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
    const seed = seeds.find(({ source }) => source === file.source);
    if (seed) await checkSeed(session, seed, fileId, loaded);
    else {
      const broken = await verifyRows(session, warehouse, file, fileId, loaded);
      if (broken)
        rejected = await rejectBadValues(session, ledger, file, fileId, loaded, broken, context.patience);
    }
  }
  const outcome: LoadOutcome = { seconds: (options.elapsed() - begin) / 1000, rejected };
  await ledger.endFile(session, fileId, outcome);
  return { outcome, tables };
}

/** Large files are analysed by a smaller sample than the server's default: bronze is read as a whole. */
async function analyzeStores(session: Queryable, files: readonly PlannedFile[]): Promise<void> {
  const isLarge = files.some(({ inspection }) => hasOwnTables(inspection));
  if (isLarge) await session.query("set default_statistics_target = 30");
  for (const table of new Set(files.map(({ source }) => source.table))) {
    await session.query(`analyze ${quoteRelation(storeRelation(table))}`);
  }
  if (isLarge) await session.query("reset default_statistics_target");
}

async function whatLacks(
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

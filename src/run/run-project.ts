import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { AquiferError, asError, exitCodes } from "../base/errors.js";
import type { Clock } from "../base/effects.js";
import { formatRelation, quoteIdentifier } from "../base/identifiers.js";
import {
  actionRecordStatement,
  appendRunStatus,
  hasSucceeded,
  pastDurations,
  recordCrashedRuns,
  startRun,
} from "../history/run-store.js";
import { migrateHistory } from "../history/migrate.js";
import type { Action } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { ResolvedConfig } from "../project/config.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { readExistingRelations, type ExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { locateIn, type Locate } from "./action-error.js";
import { assertionError, executeAction, record, type RunContext } from "./execute-action.js";
import { compileAction } from "./compile-action.js";
import { executionGraph, type RunNode } from "./execution-graph.js";
import type { ActionOutcome, AssertionOutcome, RunOutcome, RunStatus } from "./outcome.js";
import { withRunLock, type RunLock } from "./run-lock.js";
import { Scheduler } from "./scheduler.js";
import type { ManagedView } from "./swap.js";

/** What a run tells while it goes on. */
export type RunEvent =
  | { readonly type: "planned"; readonly runId: string; readonly total: number }
  | { readonly type: "waiting"; readonly holder: string }
  | { readonly type: "started"; readonly key: string }
  | {
      readonly type: "finished";
      readonly outcome: ActionOutcome;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: "crashed-run"; readonly runId: string };

export interface RunOptions {
  readonly project: CompiledProject;
  readonly actions: ReadonlyMap<string, Action>;
  /** Keys of the actions to run. */
  readonly selected: ReadonlySet<string>;
  readonly config: ResolvedConfig;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
  /** The command line's name, for history. */
  readonly command: string;
  /** Options worth remembering with the run. */
  readonly recorded?: Readonly<Record<string, unknown>>;
  readonly version: string;
  readonly concurrency?: number;
  readonly fullRefresh?: boolean;
  readonly failFast?: boolean;
  /** How often a failed action is tried again; lost connections, deadlocks and the like are always tried three times. */
  readonly actionRetryLimit?: number;
  /** Wall-clock limit of the run in milliseconds. */
  readonly executionTimeoutMs?: number;
  /** Limit of compiling one just-in-time action, in milliseconds. */
  readonly jitTimeoutMs?: number;
  /** Fingerprint of an action, kept with its success. */
  readonly fingerprint?: (key: string) => string | undefined;
  /** Actions that stand in need of a run, see `ProjectState`. */
  readonly modified?: ReadonlySet<string>;
  /** Random numbers from 0 to 1, for pauses. */
  readonly random?: () => number;
  /** How long to try for locks that others hold, in milliseconds. */
  readonly patienceMs?: number;
}

const retriesOfLostWork = 3;

/**
 * Runs the selected actions: each as soon as what it depends on is done, each in a transaction of its own that leaves the
 * new version or no trace.
 *
 * @throws AquiferError before anything is run, when the run cannot start; failures of actions are in the outcome
 */
export async function runProject(options: RunOptions): Promise<RunOutcome> {
  const { warehouse, config, actions } = options;
  const nodes = executionGraph(actions, options.selected, config.auditBeforePublish);
  const existing = await readExistingRelations(
    warehouse,
    [...actions.values()].map((action) => action.target),
  );
  checkDatabase(options.project, existing);
  checkDeclarations(actions, nodes, existing);
  await migrateHistory(warehouse, config.historySchema);
  const schemas = new Set([...nodes.values()].map((node) => node.action.target.schema));
  const runId = options.newId();
  const lockOptions = {
    schemas: [...schemas],
    pause: (milliseconds: number) => pause(milliseconds),
    onWait: (holder: string) => options.onEvent({ type: "waiting", holder }),
    patienceMs: Math.min(options.patienceMs ?? 60_000, 5_000),
    signal: options.signal,
  };
  return withRunLock(warehouse, { ...lockOptions, runId }, async (lock) => {
    const project = projectName(options.project);
    for (const crashed of await recordCrashedRuns(warehouse, config.historySchema, project)) {
      options.onEvent({ type: "crashed-run", runId: crashed });
    }
    await createSchemas(
      warehouse,
      [...schemas].filter((schema) => !existing.schemas.has(schema)),
    );
    await startRun(warehouse, config.historySchema, {
      runId,
      project,
      command: options.command,
      options: options.recorded ?? {},
      planned: [...nodes.keys()],
      version: options.version,
    });
    options.onEvent({ type: "planned", runId, total: nodes.size });
    const run = new Run(
      options,
      nodes,
      existing,
      lock,
      runId,
      await pastDurations(warehouse, config.historySchema),
    );
    return run.execute();
  });
}

/**
 * The name under which a project's runs are kept: that of its package.json, its default schema and the suffix, so that
 * projects and copies in one database keep apart.
 */
export function projectName(project: CompiledProject): string {
  const { defaultSchema = "", schemaSuffix = "" } = project.graph.projectConfig ?? {};
  const name = packageName(project.root);
  return [
    ...(name === undefined ? [] : [`${name}:`]),
    defaultSchema,
    ...(schemaSuffix === "" ? [] : [`_${schemaSuffix}`]),
  ].join("");
}

function packageName(root: string): string | undefined {
  const file = join(root, "package.json");
  if (!existsSync(file)) return undefined;
  const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : undefined;
}

class Run {
  private readonly outcomes: ActionOutcome[] = [];
  private readonly running = new Map<string, { readonly backendPid: number }>();
  private readonly audited = new Map<string, AssertionOutcome>();
  private readonly scheduler: Scheduler;
  private readonly stop = new AbortController();
  private readonly startedAt: Date;
  /** Cancelled before they started; written at the end. */
  private readonly unrecorded: ActionOutcome[] = [];
  private readonly managed: ReadonlyMap<string, ManagedView>;
  private readonly known: ReadonlySet<string>;
  private readonly locate: Locate;
  private cancelTimer: NodeJS.Timeout | undefined;
  /** Cancels that are on their way. */
  private readonly cancels: Promise<void>[] = [];
  private schemaCount = 0;
  /** Actions that have read an older version of something. */
  private readonly behind = new Set<string>();
  private timedOut = false;

  constructor(
    private readonly options: RunOptions,
    private readonly nodes: ReadonlyMap<string, RunNode>,
    private readonly existing: ExistingRelations,
    private readonly lock: RunLock,
    private readonly runId: string,
    durations: ReadonlyMap<string, number>,
  ) {
    this.startedAt = options.clock.now();
    this.managed = managedViews(options.actions);
    this.known = new Set([...options.actions.values()].map(({ target }) => formatRelation(target)));
    this.locate = locateIn(options.project);
    this.scheduler = new Scheduler(
      [...nodes].map(([key, node]) => ({
        key,
        dependencies: node.dependencies,
        duration: durations.get(key) ?? 0.1,
      })),
    );
  }

  async execute(): Promise<RunOutcome> {
    const { options } = this;
    const onAbort = (): void => this.cancel();
    if (options.signal.aborted) this.cancel();
    options.signal.addEventListener("abort", onAbort, { once: true });
    const timer =
      options.executionTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.timedOut = true;
            this.cancel();
          }, options.executionTimeoutMs);
    try {
      const workers = Math.max(1, Math.min(this.concurrency(), this.nodes.size));
      await this.work(workers);
    } finally {
      clearTimeout(timer);
      clearInterval(this.cancelTimer);
      options.signal.removeEventListener("abort", onAbort);
    }
    for (const outcome of this.unrecorded) await this.record(outcome);
    const status = this.status();
    await this.uncancelled(() =>
      appendRunStatus(options.warehouse, options.config.historySchema, this.runId, status),
    );
    const finishedAt = options.clock.now();
    return { runId: this.runId, status, startedAt: this.startedAt, finishedAt, actions: this.outcomes };
  }

  private concurrency(): number {
    // One session holds the run's lock.
    return Math.max(1, Math.min(this.options.concurrency ?? 8, this.options.warehouse.maxSessions - 1));
  }

  /** Starts actions as they become ready, at most so many at once, until none is left. */
  private work(limit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let active = 0;
      const startReady = (): void => {
        while (active < limit) {
          const key = this.scheduler.next();
          if (key === undefined) break;
          active += 1;
          this.runOne(key)
            .then(() => {
              active -= 1;
              startReady();
            })
            .catch(reject);
        }
        if (active === 0 && this.scheduler.isDone) resolve();
      };
      startReady();
    });
  }

  private async runOne(key: string): Promise<void> {
    const node = this.nodes.get(key);
    if (node === undefined) throw new Error(`no action ${key}`);
    const { action } = node;
    if (action.kind === "declaration") throw new Error("declarations are not run");
    if (action.disabled) {
      await this.finish({ key, kind: action.kind, status: "disabled", attempts: 0, finishedAt: this.now() });
      return;
    }
    this.options.onEvent({ type: "started", key });
    const outcome = await this.attempt(node);
    await this.finish(outcome);
  }

  private async attempt(node: RunNode): Promise<ActionOutcome> {
    const { action } = node;
    if (action.kind === "declaration") throw new Error("declarations are not run");
    const isRepeatable = action.kind !== "operations" || this.context().inTransaction(action);
    const started = this.now();
    const { historySchema } = this.options.config;
    const succeeded = (attempts: number): ActionOutcome => {
      const base = { key: action.key, kind: action.kind, startedAt: started, finishedAt: this.now() };
      return { ...base, status: "successful", attempts };
    };
    const cancelled = (attempts: number): ActionOutcome => {
      const outcome = { ...succeeded(attempts), status: "cancelled" } as const;
      this.unrecorded.push(outcome);
      return outcome;
    };
    let lost = 0;
    for (let attempts = 1; ; attempts++) {
      try {
        const outcome = await this.options.warehouse.withSession(async (session) => {
          this.running.set(action.key, { backendPid: session.backendPid });
          if (this.stop.signal.aborted) return cancelled(attempts);
          // A commit may have got through before the connection broke: running it twice would add its rows twice.
          if (lost > 0 && (await hasSucceeded(session, historySchema, this.runId, action.key)))
            return succeeded(attempts - 1);
          return executeAction(session, node, this.context(), attempts);
        });
        const mayRetry = outcome.status === "failed" && attempts <= (this.options.actionRetryLimit ?? 0);
        if (!mayRetry || this.stop.signal.aborted) return outcome;
      } catch (thrown) {
        if (!(thrown instanceof WarehouseError)) throw thrown;
        lost += 1;
        const again =
          isRepeatable && (thrown.isRetryable || thrown.isConnectionLoss) && lost <= retriesOfLostWork;
        if (!again || this.stop.signal.aborted) {
          if (thrown.isConnectionLoss && (await this.hasSucceeded(action.key))) return succeeded(attempts);
          return await this.lostAction(action, thrown, { startedAt: started, attempts, isRepeatable });
        }
        await pause(100 * 2 ** lost * (0.5 + this.random()));
      } finally {
        this.running.delete(action.key);
      }
    }
  }

  /** Asks history, which is written in an action's own transaction, whether a commit got through before the connection broke. */
  private async hasSucceeded(key: string): Promise<boolean> {
    const { warehouse, config } = this.options;
    return hasSucceeded(warehouse, config.historySchema, this.runId, key).catch((thrown: unknown) => {
      // Without a connection nothing can be known.
      if (thrown instanceof WarehouseError) return false;
      throw thrown;
    });
  }

  private async lostAction(
    action: Exclude<Action, { kind: "declaration" }>,
    error: WarehouseError,
    { startedAt, attempts, isRepeatable }: { startedAt: Date; attempts: number; isRepeatable: boolean },
  ): Promise<ActionOutcome> {
    const status = this.stop.signal.aborted ? "cancelled" : "failed";
    const base = { key: action.key, kind: action.kind, startedAt, finishedAt: this.now() };
    const named = new AquiferError(error.message, {
      code: error.code,
      location: { file: action.file },
      details: error.details,
      ...(error.isConnectionLoss
        ? {
            hint: isRepeatable
              ? "The connection was lost; nothing of this action remains. Run again, or: dataform retry"
              : "The connection was lost; statements before it may have been carried out: look before you run it again.",
          }
        : {}),
      cause: error,
    });
    const outcome: ActionOutcome = { ...base, status, attempts, error: named };
    await this.record(outcome);
    return outcome;
  }

  private async finish(outcome: ActionOutcome): Promise<void> {
    const isGood = outcome.status === "successful" || outcome.status === "disabled";
    if (outcome.status === "disabled") await this.record(outcome);
    this.push(outcome);
    if (isGood) {
      this.scheduler.succeed(outcome.key);
      return;
    }
    for (const key of this.scheduler.fail(outcome.key)) await this.skip(key, outcome.key);
    if (this.options.failFast === true && !this.stop.signal.aborted) this.cancel();
  }

  /** An assertion that was checked with a relation which was then not published has failed rather than been skipped. */
  private async skip(key: string, because: string): Promise<void> {
    const action = this.nodes.get(key)?.action;
    if (action === undefined || action.kind === "declaration") return;
    const base = { key, kind: action.kind, attempts: 0, finishedAt: this.now() };
    const assertion = this.audited.get(key);
    let outcome: ActionOutcome = { ...base, status: "skipped", because };
    if (assertion?.status === "failed") {
      outcome = { ...base, status: "failed", assertion, error: assertionError(action, assertion) };
    } else if (assertion !== undefined)
      outcome = { ...base, status: "successful", assertion, path: "assertion" };
    await this.record(outcome);
    this.push(outcome);
  }

  private push(outcome: ActionOutcome): void {
    this.outcomes.push(outcome);
    this.options.onEvent({ type: "finished", outcome, done: this.outcomes.length, total: this.nodes.size });
  }

  /** Nothing new is started; what runs is cancelled on the server, so that nothing goes on behind our back. */
  private cancel(): void {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    for (const key of this.scheduler.cancelWaiting()) {
      const action = this.nodes.get(key)?.action;
      if (action === undefined || action.kind === "declaration") continue;
      const outcome = {
        key,
        kind: action.kind,
        status: "cancelled",
        attempts: 0,
        finishedAt: this.now(),
      } as const;
      this.push(outcome);
      this.unrecorded.push(outcome);
    }
    this.cancelRunning();
    // A backend that was between two statements had nothing to cancel: it is asked again until it is done.
    this.cancelTimer = setInterval(() => this.cancelRunning(), 500);
  }

  private cancelRunning(): void {
    for (const { backendPid } of this.running.values()) {
      // A backend that is gone needs no cancelling; what it did is told by its own action.
      this.cancels.push(this.options.warehouse.cancel(backendPid).catch(() => undefined));
    }
  }

  private async record(outcome: ActionOutcome): Promise<void> {
    const { historySchema } = this.options.config;
    const statement = actionRecordStatement(historySchema, record(this.context(), outcome));
    await this.uncancelled(() => this.options.warehouse.query(statement));
  }

  /** A late cancel may reach the connection's next user: what history is to hold is written again then. */
  private async uncancelled<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write();
      } catch (thrown) {
        if (
          !(thrown instanceof WarehouseError) ||
          thrown.server.sqlState !== "57014" ||
          !this.stop.signal.aborted
        )
          throw thrown;
        await Promise.all(this.cancels.splice(0));
      }
    }
  }

  private status(): RunStatus {
    if (this.timedOut) return "timed_out";
    if (this.options.signal.aborted) return "cancelled";
    return this.outcomes.some((each) => each.status === "failed" || each.status === "skipped")
      ? "failed"
      : "successful";
  }

  private context(): RunContext {
    const { options } = this;
    return {
      runId: this.runId,
      historySchema: options.config.historySchema,
      lock: this.lock,
      locate: this.locate,
      now: () => this.now(),
      existing: this.existing.relations,
      managed: this.managed,
      project: projectName(options.project),
      known: this.known,
      fullRefresh: options.fullRefresh ?? false,
      newSchema: () => `aquifer_${this.runId.slice(0, 8)}_${++this.schemaCount}`,
      searchPath: this.existing.searchPath,
      pause: (milliseconds) => pause(milliseconds),
      random: () => this.random(),
      signal: this.stop.signal,
      patienceMs: options.patienceMs ?? 60_000,
      statementTimeout: (action) => this.statementTimeout(action),
      inTransaction: (action) =>
        this.operationConfig(action)?.transaction ?? action.settings.transaction ?? true,
      fingerprint: (key) => this.fingerprint(key),
      compile: (action, query) => {
        const timeoutMs = options.jitTimeoutMs ?? options.config.timeouts.jit;
        return compileAction(options.project, action, {
          query: async (statement) => (await query(statement)).rows,
          runId: this.runId,
          startedAt: this.startedAt,
          runs: [...this.nodes.keys()],
          signal: this.stop.signal,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        });
      },
      audited: this.audited,
    };
  }

  /**
   * What is kept with an action's success. It promises that the action has read what its dependencies are now: where one of
   * them was changed and not run, it is a text that nothing will ever equal.
   */
  private fingerprint(key: string): string | undefined {
    const fingerprint = this.options.fingerprint?.(key);
    const dependencies = this.options.actions.get(key)?.dependencies ?? [];
    const isBehind = dependencies.some(
      (dependency) =>
        this.behind.has(dependency) ||
        (!this.nodes.has(dependency) && this.options.modified?.has(dependency) === true),
    );
    if (fingerprint === undefined || !isBehind) return fingerprint;
    this.behind.add(key);
    return `behind ${this.runId}`;
  }

  private statementTimeout(action: Action): string | undefined {
    const own = this.operationConfig(action)?.statementTimeout ?? action.settings.statementTimeout;
    const { statement } = this.options.config.timeouts;
    return own ?? (statement === undefined ? undefined : `${statement}ms`);
  }

  private operationConfig(action: Action): ResolvedConfig["operations"][string] | undefined {
    const { operations } = this.options.config;
    return operations[action.key] ?? operations[action.target.name];
  }

  private now(): Date {
    return this.options.clock.now();
  }

  private random(): number {
    return (this.options.random ?? Math.random)();
  }
}

/** Views, materialized views and assertions of the project, by `schema.name` in the database. */
function managedViews(actions: ReadonlyMap<string, Action>): ReadonlyMap<string, ManagedView> {
  const managed = new Map<string, ManagedView>();
  for (const action of actions.values()) {
    if (action.disabled || action.jitCode !== undefined) continue;
    if (action.kind === "view" || action.kind === "assertion") {
      const materialized = action.kind === "view" && action.materialized;
      managed.set(formatRelation(action.target), { query: action.query, materialized });
    }
  }
  return managed;
}

function checkDatabase(project: CompiledProject, existing: ExistingRelations): void {
  const wanted = project.graph.projectConfig?.defaultDatabase ?? "";
  if (wanted === "" || wanted === existing.database) return;
  throw new AquiferError(
    `The project is for database "${wanted}", the connection is to "${existing.database}"`,
    {
      code: "wrong-database",
      exitCode: exitCodes.usage,
      hint: "A PostgreSQL connection reaches one database: connect to that one, or leave defaultDatabase away.",
    },
  );
}

/** Declared relations that the selected actions read must be there before anything is run. */
function checkDeclarations(
  actions: ReadonlyMap<string, Action>,
  nodes: ReadonlyMap<string, RunNode>,
  existing: ExistingRelations,
): void {
  const missing = new Map<string, string[]>();
  for (const [key, node] of nodes) {
    for (const dependency of node.action.dependencies) {
      const action = actions.get(dependency);
      if (action?.kind !== "declaration" || existing.relations.has(formatRelation(action.target))) continue;
      missing.set(dependency, [...(missing.get(dependency) ?? []), key]);
    }
  }
  if (missing.size === 0) return;
  const [first] = missing.keys();
  throw new AquiferError(
    missing.size === 1
      ? `The declared relation ${first ?? ""} does not exist`
      : `${missing.size} declared relations do not exist`,
    {
      code: "missing-declaration",
      location: { file: actions.get(first ?? "")?.file ?? "" },
      details: [...missing].map(([key, readers]) => `${key}, read by ${readers.join(", ")}`),
      hint: "If ingest fills it, run: dataform ingest (it makes every table, empty ones too). Else create it, or correct its name.",
    },
  );
}

async function createSchemas(warehouse: Warehouse, schemas: readonly string[]): Promise<void> {
  for (const schema of schemas) {
    try {
      await warehouse.query(`create schema if not exists ${quoteIdentifier(schema)}`);
    } catch (thrown) {
      throw new AquiferError(
        `Schema "${schema}" does not exist and cannot be created: ${asError(thrown).message}`,
        {
          code: "no-schema",
          exitCode: exitCodes.usage,
          hint: `Have an administrator run: create schema ${quoteIdentifier(schema)} authorization <the role of this connection>`,
          cause: thrown,
        },
      );
    }
  }
}

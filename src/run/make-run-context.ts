import { setTimeout as pause } from "node:timers/promises";
import { formatRelation } from "../base/identifiers.js";
import { operationConfig, runsInTransaction } from "../project/config.js";
import type { ExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { locateIn } from "./action-error.js";
import { compileAction } from "./compile-action.js";
import type { RunNode } from "./execution-graph.js";
import { managedViews } from "./managed-view.js";
import { projectName } from "./project-name.js";
import type { RunContext } from "./run-context.js";
import type { RunLock } from "./run-lock.js";
import type { RunOptions } from "./run-options.js";
import { SessionSchemas } from "./session-schemas.js";

/** What a run's context is made of. */
export interface RunContextInputs {
  readonly options: RunOptions;
  readonly nodes: ReadonlyMap<string, RunNode>;
  readonly existing: ExistingRelations;
  readonly lock: RunLock;
  readonly runId: string;
  readonly startedAt: Date;
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal;
}

/** What every action of a run shares, from the run's options. */
export function makeRunContext(inputs: RunContextInputs): RunContext {
  const { options, nodes, existing, lock, runId, startedAt, signal } = inputs;
  const { config, project } = options;
  const { statement } = config.timeouts;
  const workers = Math.min(options.concurrency ?? 8, options.warehouse.maxSessions);
  let schemaCount = 0;
  const newSchema = (): string => `aquifer_${runId.slice(0, 8)}_${++schemaCount}`;
  return {
    runId,
    historySchema: config.historySchema,
    lock,
    // Each costs two transactions, which a handful of actions would not earn back.
    schemas: nodes.size > workers ? new SessionSchemas(options.warehouse, runId, newSchema) : undefined,
    locate: locateIn(project),
    now: () => options.clock.now(),
    existing: existing.relations,
    managed: managedViews(options.actions),
    project: projectName(project),
    known: new Set([...options.actions.values()].map(({ target }) => formatRelation(target))),
    fullRefresh: options.fullRefresh ?? false,
    newSchema,
    searchPath: existing.searchPath,
    pause: (milliseconds) => pause(milliseconds),
    random: options.random ?? Math.random,
    signal,
    patienceMs: options.patienceMs ?? 60_000,
    statementTimeout: (action) =>
      operationConfig(config, action)?.statementTimeout ??
      action.settings.statementTimeout ??
      (statement === undefined ? undefined : `${statement}ms`),
    inTransaction: (action) => runsInTransaction(config, action),
    fingerprint: promisedFingerprints(options, nodes, runId),
    compile: (action, query) => {
      const timeoutMs = options.jitTimeoutMs ?? config.timeouts.jit;
      return compileAction(project, action, {
        query: async (text) => (await query(text)).rows,
        runId,
        startedAt,
        runs: [...nodes.keys()],
        signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    },
    audited: new Map(),
  };
}

/**
 * What is kept with an action's success. It promises that the action has read what its dependencies are now: where one of
 * them was changed and not run, it is a text that nothing will ever equal.
 */
function promisedFingerprints(
  { fingerprint, actions, modified }: RunOptions,
  nodes: ReadonlyMap<string, RunNode>,
  runId: string,
): RunContext["fingerprint"] {
  /** Actions that have read an older version of something. */
  const behind = new Set<string>();
  return (key) => {
    const own = fingerprint?.(key);
    const isBehind = (actions.get(key)?.dependencies ?? []).some(
      (dependency) =>
        behind.has(dependency) || (!nodes.has(dependency) && modified?.has(dependency) === true),
    );
    if (own === undefined || !isBehind) return own;
    behind.add(key);
    return `behind ${runId}`;
  };
}

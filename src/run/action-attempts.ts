import { setTimeout as pause } from "node:timers/promises";
import { AquiferError } from "../base/errors.js";
import { hasSucceeded } from "../history/run-store.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { executeAction } from "./execute-action.js";
import type { RunNode } from "./execution-graph.js";
import type { ActionOutcome } from "./outcome.js";
import type { RunContext, RunnableAction } from "./run-context.js";
import type { RunningBackends } from "./running-backends.js";

/** How often an action is tried again whose connection broke or that another transaction stood in the way of. */
const retriesOfLostWork = 3;

/** What the attempts of all actions share. */
export interface AttemptOptions {
  readonly run: RunContext;
  readonly warehouse: Warehouse;
  readonly backends: RunningBackends;
  /** How often a failed action is tried again. */
  readonly retryLimit: number;
}

/** An action that ended; a lost one has left no record of its own in history. */
export interface Attempted {
  readonly outcome: ActionOutcome;
  readonly isRecorded: boolean;
}

/** Runs an action, and again where that may help and cannot do anything twice. */
export async function attemptAction(
  node: RunNode,
  action: RunnableAction,
  options: AttemptOptions,
): Promise<Attempted> {
  const { run, warehouse, backends } = options;
  const startedAt = run.now();
  const isRepeatable = action.kind !== "operations" || run.inTransaction(action);
  const ended = (status: ActionOutcome["status"], attempts: number, error?: AquiferError): ActionOutcome => ({
    key: action.key,
    kind: action.kind,
    status,
    attempts,
    startedAt,
    finishedAt: run.now(),
    ...(error === undefined ? {} : { error }),
  });
  let lost = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      const attempted = await warehouse.withSession(async (session): Promise<Attempted> => {
        backends.add(action.key, session.backendPid);
        if (run.signal.aborted) return { outcome: ended("cancelled", attempts), isRecorded: false };
        // A commit may have got through before the connection broke: running it twice would add its rows twice.
        if (lost > 0 && (await hasSucceeded(session, run.historySchema, run.runId, action.key)))
          return { outcome: ended("successful", attempts - 1), isRecorded: true };
        return { outcome: await executeAction(session, node, run, attempts), isRecorded: true };
      });
      const mayRetry = attempted.outcome.status === "failed" && attempts <= options.retryLimit;
      if (!mayRetry || run.signal.aborted) return attempted;
    } catch (thrown) {
      if (!(thrown instanceof WarehouseError)) throw thrown;
      lost += 1;
      const again =
        isRepeatable && (thrown.isRetryable || thrown.isConnectionLoss) && lost <= retriesOfLostWork;
      if (!again || run.signal.aborted) {
        if (thrown.isConnectionLoss && (await isCommitted(warehouse, run, action.key)))
          return { outcome: ended("successful", attempts), isRecorded: true };
        const status = run.signal.aborted ? "cancelled" : "failed";
        const error = lossError(action, thrown, isRepeatable);
        return { outcome: ended(status, attempts, error), isRecorded: false };
      }
      await pause(100 * 2 ** lost * (0.5 + run.random()));
    } finally {
      backends.delete(action.key);
    }
  }
}

/** Asks history, which is written in an action's own transaction, whether a commit got through before the connection broke. */
async function isCommitted(queryable: Queryable, run: RunContext, key: string): Promise<boolean> {
  return hasSucceeded(queryable, run.historySchema, run.runId, key).catch((thrown: unknown) => {
    // Without a connection nothing can be known.
    if (thrown instanceof WarehouseError) return false;
    throw thrown;
  });
}

function lossError(action: RunnableAction, error: WarehouseError, isRepeatable: boolean): AquiferError {
  const hint = isRepeatable
    ? "The connection was lost; nothing of this action remains. Run again, or: dataform retry"
    : "The connection was lost; statements before it may have been carried out: look before you run it again.";
  return new AquiferError(error.message, {
    code: error.code,
    location: { file: action.file },
    details: error.details,
    ...(error.isConnectionLoss ? { hint } : {}),
    cause: error,
  });
}

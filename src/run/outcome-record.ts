import { formatLocation } from "../base/source-location.js";
import type { ActionRecord, AssertionRecord } from "../history/run-store.js";
import type { ActionOutcome, AssertionOutcome } from "./outcome.js";
import type { RunContext } from "./run-context.js";

/** The record of an outcome for history. */
export function actionRecord(
  run: Pick<RunContext, "runId" | "fingerprint">,
  outcome: ActionOutcome,
): ActionRecord {
  const fingerprint = outcome.status === "successful" ? run.fingerprint(outcome.key) : undefined;
  const { error } = outcome;
  return {
    runId: run.runId,
    action: outcome.key,
    kind: outcome.kind,
    status: outcome.status,
    attempts: outcome.attempts,
    finishedAt: outcome.finishedAt,
    ...(outcome.path === undefined ? {} : { path: outcome.path }),
    ...(outcome.startedAt === undefined ? {} : { startedAt: outcome.startedAt }),
    ...(outcome.rowCount === undefined ? {} : { rowCount: outcome.rowCount }),
    ...(outcome.readerWaitMs === undefined ? {} : { readerWaitMs: outcome.readerWaitMs }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(error === undefined
      ? {}
      : {
          error: {
            message: error.message,
            code: error.code,
            ...(error.location === undefined ? {} : { location: formatLocation(error.location) }),
          },
        }),
  };
}

/** The record of what an assertion found. */
export function assertionRecord(run: Pick<RunContext, "runId">, outcome: AssertionOutcome): AssertionRecord {
  const { assertion, status, severity, rowsFailed, threshold, published, sample, durationMs } = outcome;
  return {
    runId: run.runId,
    assertion,
    status,
    severity,
    rowsFailed,
    threshold,
    published,
    durationMs,
    ...(sample.length === 0 ? {} : { sample }),
    ...(outcome.relation === undefined ? {} : { relation: outcome.relation }),
    ...(outcome.rowsChecked === undefined ? {} : { rowsChecked: outcome.rowsChecked }),
  };
}

import { describeError } from "../base/errors.js";
import type { ActionOutcome, AssertionOutcome, RunOutcome } from "./outcome.js";

/** Dataform's RunResult in its JSON form (`execution.proto`), with fields of ours under `aquifer`. */
export interface RunResult {
  readonly status: string;
  readonly actions: readonly ActionResult[];
  readonly timing: Timing;
  readonly aquifer: { readonly runId: string };
}

interface Timing {
  readonly startTimeMillis: string;
  readonly endTimeMillis: string;
}

interface ActionResult {
  readonly target: { readonly schema: string; readonly name: string };
  readonly status: string;
  readonly tasks: readonly {
    readonly status: string;
    readonly errorMessage?: string;
    readonly timing?: Timing;
  }[];
  readonly timing?: Timing;
  readonly aquifer: {
    readonly kind: string;
    readonly path?: string;
    readonly reason?: string;
    readonly rows?: number;
    readonly readerWaitMillis?: number;
    readonly attempts: number;
    readonly because?: string;
    readonly assertion?: AssertionOutcome;
  };
}

/** The result of a run for scripts. */
export function runResult(outcome: RunOutcome): RunResult {
  return {
    status: outcome.status.toUpperCase(),
    actions: outcome.actions.map(actionResult),
    timing: timing(outcome.startedAt, outcome.finishedAt),
    aquifer: { runId: outcome.runId },
  };
}

function actionResult(outcome: ActionOutcome): ActionResult {
  const dot = outcome.key.indexOf(".");
  const status = outcome.status.toUpperCase();
  const times =
    outcome.startedAt === undefined ? {} : { timing: timing(outcome.startedAt, outcome.finishedAt) };
  const ran =
    outcome.status === "successful" || outcome.status === "failed" || outcome.status === "cancelled";
  return {
    target: { schema: outcome.key.slice(0, dot), name: outcome.key.slice(dot + 1) },
    status,
    tasks: ran
      ? [
          {
            status,
            ...(outcome.error === undefined ? {} : { errorMessage: describeError(outcome.error) }),
            ...times,
          },
        ]
      : [],
    ...times,
    aquifer: {
      kind: outcome.kind,
      attempts: outcome.attempts,
      ...(outcome.path === undefined ? {} : { path: outcome.path }),
      ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
      ...(outcome.rowCount === undefined ? {} : { rows: outcome.rowCount }),
      ...(outcome.readerWaitMs === undefined ? {} : { readerWaitMillis: outcome.readerWaitMs }),
      ...(outcome.because === undefined ? {} : { because: outcome.because }),
      ...(outcome.assertion === undefined ? {} : { assertion: outcome.assertion }),
    },
  };
}

function timing(start: Date, end: Date): Timing {
  return { startTimeMillis: String(start.getTime()), endTimeMillis: String(end.getTime()) };
}

import type { AquiferError } from "../base/errors.js";

export type ActionStatus = "successful" | "failed" | "skipped" | "cancelled" | "disabled";

/** How a relation came to its new version. */
export type BuildPath =
  | "create"
  | "swap"
  | "replace"
  | "delta"
  | "refresh"
  | "append"
  | "merge"
  | "insert_overwrite"
  | "operations"
  | "assertion";

/** What an assertion found. */
export interface AssertionOutcome {
  readonly assertion: string;
  /** The relation it was checked on, where it is one. */
  readonly relation?: string;
  readonly status: "passed" | "warned" | "failed";
  readonly severity: "warn" | "fail";
  /** Rows checked; unknown for an assertion with a query of its own, unless its threshold is a share of the relation's rows. */
  readonly rowsChecked?: number;
  readonly rowsFailed: number;
  readonly threshold: string;
  /** False when the failure kept a new version from being published. */
  readonly published: boolean;
  /** Failing rows by condition, at most ten rows each. */
  readonly sample: readonly {
    readonly condition?: string;
    readonly failed: number;
    readonly rows: readonly unknown[];
  }[];
  readonly durationMs: number;
}

/** How one action ended. */
export interface ActionOutcome {
  readonly key: string;
  readonly kind: "table" | "view" | "incremental" | "operations" | "assertion";
  /** As Dataform prints it: `table`, `view`, `incremental`, `operations`, `assertion`. */
  readonly status: ActionStatus;
  readonly path?: BuildPath;
  /** Why this path was taken, where it was not the usual one. */
  readonly reason?: string;
  readonly rowCount?: number;
  /** How long the strongest locks were held, in milliseconds. */
  readonly readerWaitMs?: number;
  readonly attempts: number;
  readonly startedAt?: Date;
  readonly finishedAt: Date;
  readonly error?: AquiferError;
  /** For a skipped action: the failed action that it depends on. */
  readonly because?: string;
  readonly assertion?: AssertionOutcome;
}

export type RunStatus = "successful" | "failed" | "cancelled" | "timed_out";

/** How a run ended. */
export interface RunOutcome {
  readonly runId: string;
  readonly status: RunStatus;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly actions: readonly ActionOutcome[];
}

import type { Clock } from "../base/effects.js";
import type { Action } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { ResolvedConfig } from "../project/config.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { ActionOutcome } from "./outcome.js";

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

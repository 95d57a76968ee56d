import type { Action, AssertionAction } from "../project/action.js";
import type { AssertionOutcome, BuildPath } from "./outcome.js";
import type { ActionSession } from "./action-session.js";
import type { ManagedView } from "./managed-view.js";

/** What an action finds when it starts, inside its own transaction. */
export interface ActionContext {
  readonly session: ActionSession;
  /** Relations of the project that existed when the run began (`schema.name`), with their kind. */
  readonly existing: ReadonlyMap<string, string>;
  readonly audits: readonly AssertionAction[];
  readonly managed: ReadonlyMap<string, ManagedView>;
  /** The project's name in history, see `projectName`. */
  readonly project: string;
  /** Every relation of the project, also of disabled actions (`schema.name`). */
  readonly known: ReadonlySet<string>;
  readonly fullRefresh: boolean;
  readonly historySchema: string;
  /** A name for a private schema that nothing else uses. */
  readonly newSchema: () => string;
  /** The private schema that the session keeps from action to action, see `SessionSchemas`. */
  readonly sessionSchema: string | undefined;
  readonly searchPath: string;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** How long to try for locks that others hold, in milliseconds. */
  readonly patienceMs: number;
}

/** What looking ahead needs: it happens before anything is built, in a run and in a dry run. */
export type PlanningContext = Pick<
  ActionContext,
  "session" | "managed" | "project" | "known" | "historySchema" | "newSchema" | "searchPath"
>;

/** What an action did. */
export interface BuildReport {
  readonly path: BuildPath;
  readonly reason?: string;
  readonly rowCount?: number;
  readonly attempts: number;
  /** When the first lock that readers wait for was asked for, see `milliseconds`. */
  readonly lockedAt?: number;
  readonly assertions: readonly AssertionOutcome[];
}

/** An audit that failed: the action is rolled back and the old version goes on serving. */
export class AuditFailure extends Error {
  constructor(
    readonly action: Action,
    readonly outcomes: readonly AssertionOutcome[],
  ) {
    super("audit failed");
    this.name = "AuditFailure";
  }
}

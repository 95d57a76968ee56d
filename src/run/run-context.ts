import type { Action, OperationsAction } from "../project/action.js";
import type { QueryResult, Row } from "../warehouse/warehouse.js";
import type { ActionContext } from "./action-context.js";
import type { Locate } from "./action-error.js";
import type { AssertionOutcome } from "./outcome.js";
import type { RunLock } from "./run-lock.js";
import type { SessionSchemas } from "./session-schemas.js";

/** An action that does something. */
export type RunnableAction = Exclude<Action, { kind: "declaration" }>;

/** What every action of a run shares. */
export interface RunContext extends Omit<ActionContext, "session" | "audits" | "sessionSchema"> {
  readonly runId: string;
  readonly historySchema: string;
  readonly lock: RunLock;
  /** Private schemas that sessions keep; undefined where too few actions run for that to be worth it. */
  readonly schemas: SessionSchemas | undefined;
  readonly locate: Locate | undefined;
  readonly now: () => Date;
  readonly statementTimeout: (action: Action) => string | undefined;
  /** False for operations that PostgreSQL refuses inside a transaction. */
  readonly inTransaction: (action: OperationsAction) => boolean;
  readonly fingerprint: (key: string) => string | undefined;
  /** The action with the SQL that its just-in-time code makes, which may ask the database. */
  readonly compile: (
    action: RunnableAction,
    query: (statement: string) => Promise<QueryResult<Row>>,
  ) => Promise<RunnableAction>;
  /** Results of assertions that were checked with the relation they read. */
  readonly audited: Map<string, AssertionOutcome>;
}

import { formatRelation, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import { AquiferError } from "../base/errors.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { ActionContext } from "./action-context.js";
import { milliseconds, type ActionSession } from "./action-session.js";

/** How taking locks went. */
export interface LockReport {
  readonly attempts: number;
  /** When the attempt that succeeded began to ask for locks, see `milliseconds`. */
  readonly lockedAt: number;
}

/** The first of several, for a report. */
export function firstLock(...reports: readonly (LockReport | undefined)[]): { lockedAt?: number } {
  const [first] = reports.filter((report) => report !== undefined);
  return first === undefined ? {} : { lockedAt: first.lockedAt };
}

/**
 * Runs what takes locks that readers may hold, again and again until it gets them all within its `lock_timeout`. Each
 * attempt stands in a savepoint, so a failed one gives all its locks back before the random pause: whoever waits for us
 * goes first, and the deadlock detector never has to choose a victim.
 *
 * @param attempt does the work and returns when it began to ask for locks
 */
export async function takeLocks(
  context: Pick<ActionContext, "session" | "pause" | "random" | "signal" | "patienceMs">,
  relation: RelationName,
  attempt: () => Promise<number>,
): Promise<LockReport> {
  const { session } = context;
  const started = milliseconds();
  for (let attempts = 1; ; attempts++) {
    session.defer("savepoint locks");
    try {
      return { attempts, lockedAt: await attempt() };
    } catch (thrown) {
      await rollBack(session, thrown);
      if (!(thrown instanceof WarehouseError) || !thrown.isRetryable || context.signal.aborted) throw thrown;
      if (milliseconds() - started > context.patienceMs)
        throw await tooBusy(session, relation, attempts, thrown);
      await context.pause(5 + context.random() * Math.min(400, 20 * attempts));
    }
  }
}

async function rollBack(session: ActionSession, thrown: unknown): Promise<void> {
  if (thrown instanceof WarehouseError && thrown.isConnectionLoss) throw thrown;
  await session.query("rollback to savepoint locks");
}

async function tooBusy(
  session: ActionSession,
  relation: RelationName,
  attempts: number,
  cause: WarehouseError,
): Promise<AquiferError> {
  const answer = await session.query<{ who: string }>(
    `select format('backend %s (%s, %s) since %s: %s', pid, usename, coalesce(nullif(application_name, ''), 'no name'),
  to_char(xact_start, 'HH24:MI:SS'), left(query, 80)) as who
from pg_catalog.pg_stat_activity
where pid in (select pid from pg_catalog.pg_locks where granted
  and relation = to_regclass(${quoteLiteral(quoteRelation(relation))}) and pid <> pg_backend_pid())
order by xact_start limit 5`,
  );
  return new AquiferError(`${formatRelation(relation)} is in use: no lock after ${attempts} attempts`, {
    code: "relation-busy",
    location: { file: session.action.file },
    details: [cause.message, ...answer.rows.map((row) => row.who)],
    hint: "The old version still serves. End what holds it, or run again later.",
    cause,
  });
}

import { setTimeout as pause } from "node:timers/promises";
import { AquiferError } from "../base/errors.js";
import type { Copying, Queryable, Session } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { bronzeSchema, storeSchema } from "./bronze-tables.js";

/** How long locks that others hold are waited for, and who is told. */
export interface LockPatience {
  readonly milliseconds: number;
  readonly signal: AbortSignal;
  /** Milliseconds since an arbitrary start. */
  readonly elapsed: () => number;
  /** Told once, when the first attempt has failed, who holds what is waited for. */
  readonly onWait: (holders: readonly string[]) => void;
}

/**
 * One attempt waits a little longer than `deadlock_timeout`, at which the server sends an autovacuum away; a server that
 * has it longer is not followed: who reads the relation queues behind a lock that is waited for.
 */
const attemptTimeout = `
  select set_config('lock_timeout', (least(setting::integer, 2000) + 500)::text, true)
  from pg_settings where name = 'deadlock_timeout'`;

/**
 * Runs a transaction that takes locks which readers, a vacuum or a dying load may hold, again and again until it has them.
 * Between two attempts all its locks are given back, so that whoever queues behind them goes first.
 *
 * @throws AquiferError `relation-busy` when patience has ended
 */
export async function withPatience<T>(
  session: Session & Copying,
  { milliseconds, signal, elapsed, onWait }: LockPatience,
  body: (transaction: Queryable & Copying) => Promise<T>,
): Promise<T> {
  const began = elapsed();
  for (let attempts = 1; ; attempts++) {
    try {
      return await session.transaction(async (transaction) => {
        await transaction.query(attemptTimeout);
        return body(transaction);
      });
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof WarehouseError) || !thrown.isRetryable) throw thrown;
      const holders = await findHolders(session);
      if (elapsed() - began > milliseconds) throw tooBusy(holders, attempts, thrown);
      if (attempts === 1) onWait(holders);
      await pause(Math.min(500, 50 * attempts), undefined, { signal });
    }
  }
}

function tooBusy(holders: readonly string[], attempts: number, cause: WarehouseError): AquiferError {
  return new AquiferError(`Tables of ${storeSchema} are in use: no lock after ${attempts} attempts`, {
    code: "relation-busy",
    details: [cause.message, ...holders],
    hint: "Nothing was changed: what was loaded before still serves. End what holds the lock, or ingest again later.",
    cause,
  });
}

/** The sessions that hold a lock on bronze, in words. */
async function findHolders(session: Queryable): Promise<string[]> {
  const { rows } = await session.query<{ who: string }>(
    `select format('backend %s (%s, %s) since %s: %s', pid, coalesce(usename, backend_type),
       coalesce(nullif(application_name, ''), 'no name'), to_char(xact_start, 'HH24:MI:SS'), left(query, 80)) as who
     from pg_stat_activity
     where pid <> pg_backend_pid() and pid in (
       select pg_locks.pid from pg_locks
       where granted and database = (select oid from pg_database where datname = current_database())
         and relation in (select oid from pg_class where relnamespace in (to_regnamespace($1), to_regnamespace($2))))
     order by xact_start limit 5`,
    [storeSchema, bronzeSchema],
  );
  return rows.map(({ who }) => who);
}

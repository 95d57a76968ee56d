import { setTimeout as pause } from "node:timers/promises";
import { AquiferError } from "../base/errors.js";
import { quoteRelation, type RelationName } from "../base/identifiers.js";
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
export function withPatience<T>(
  session: Session & Copying,
  patience: LockPatience,
  body: (transaction: Queryable & Copying) => Promise<T>,
): Promise<T> {
  return tryAgain(session, patience, () => true, body);
}

/**
 * Runs a transaction once it has the lock on a table that it needs to add rows. Only the lock is tried for again: what `body`
 * takes in may be there only once.
 *
 * @throws AquiferError `relation-busy` when patience has ended
 */
export function whenWritable<T>(
  session: Session & Copying,
  relation: RelationName,
  patience: LockPatience,
  body: (transaction: Queryable & Copying) => Promise<T>,
): Promise<T> {
  let isHeld = false;
  return tryAgain(
    session,
    patience,
    () => !isHeld,
    async (transaction) => {
      await transaction.query(`lock table ${quoteRelation(relation)} in row exclusive mode`);
      await transaction.query("set local lock_timeout to default");
      isHeld = true;
      return body(transaction);
    },
  );
}

async function tryAgain<T>(
  session: Session & Copying,
  { milliseconds, signal, elapsed, onWait }: LockPatience,
  mayTryAgain: () => boolean,
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
      if (!(thrown instanceof WarehouseError) || !thrown.isRetryable || !mayTryAgain()) throw thrown;
      const holders = await findHolders(session);
      if (elapsed() - began > milliseconds) {
        throw tooBusy(`no lock after ${attempts} attempts`, [thrown.message, ...holders], thrown);
      }
      if (attempts === 1) onWait(holders);
      await pause(Math.min(500, 50 * attempts), undefined, { signal });
    }
  }
}

/** Milliseconds between two looks at who still holds a lock, and after how many looks it is said. */
const looks = { pause: 100, quiet: 10 };

/**
 * Waits until every transaction has ended that holds a lock on one of these relations when this is called. It asks for no lock
 * itself, so nobody queues behind it.
 *
 * @throws AquiferError `relation-busy` when patience has ended
 */
export async function awaitHolders(
  session: Queryable,
  relations: readonly RelationName[],
  { milliseconds, signal, elapsed, onWait }: LockPatience,
): Promise<void> {
  const began = elapsed();
  const first = await transactionsOn(session, relations);
  for (let left = first, count = 1; left.length > 0; count++) {
    if (elapsed() - began > milliseconds) {
      const found = "who reads them since before the load has not ended";
      throw tooBusy(found, await findHolders(session, left));
    }
    if (count === looks.quiet) onWait(await findHolders(session, left));
    await pause(looks.pause, undefined, { signal });
    const now = new Set(await transactionsOn(session, relations));
    left = left.filter((transaction) => now.has(transaction));
  }
}

/** The transactions of others that hold a lock on one of these relations. */
async function transactionsOn(session: Queryable, relations: readonly RelationName[]): Promise<string[]> {
  const { rows } = await session.query<{ id: string }>(
    `select distinct virtualtransaction as id from pg_locks
     where granted and pid is distinct from pg_backend_pid()
       and database = (select oid from pg_database where datname = current_database())
       and relation in (select to_regclass(name) from unnest($1::text[]) as name)`,
    [relations.map(quoteRelation)],
  );
  return rows.map(({ id }) => id);
}

function tooBusy(what: string, details: readonly string[], cause?: WarehouseError): AquiferError {
  return new AquiferError(`Tables of ${storeSchema} are in use: ${what}`, {
    code: "relation-busy",
    details,
    hint: "Nothing was changed: what was loaded before still serves. End what holds the lock, or ingest again later.",
    cause,
  });
}

/** The sessions that hold a lock on bronze, in words; of these transactions where they are given. */
async function findHolders(session: Queryable, transactions?: readonly string[]): Promise<string[]> {
  const { rows } = await session.query<{ who: string }>(
    `select format('backend %s (%s, %s) since %s: %s', pid, coalesce(usename, backend_type),
       coalesce(nullif(application_name, ''), 'no name'), to_char(xact_start, 'HH24:MI:SS'), left(query, 80)) as who
     from pg_stat_activity
     where pid <> pg_backend_pid() and pid in (
       select pg_locks.pid from pg_locks
       where granted and database = (select oid from pg_database where datname = current_database())
         and relation in (select oid from pg_class where relnamespace in (to_regnamespace($1), to_regnamespace($2)))
         and ($3::text[] is null or virtualtransaction = any ($3)))
     order by xact_start limit 5`,
    [storeSchema, bronzeSchema, transactions ?? null],
  );
  return rows.map(({ who }) => who);
}

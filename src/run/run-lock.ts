import { AquiferError, exitCodes } from "../base/errors.js";
import { runLockKey } from "../history/run-store.js";
import type { Session, Warehouse } from "../warehouse/warehouse.js";

/** The lock that keeps two runs of a project from working on the same schemas of a database at once. */
export interface RunLock {
  /** Backend that holds the lock; a lost connection gives the lock up. */
  readonly backendPid: number;
}

export interface RunLockOptions {
  /** Runs of other projects are not kept off: what two of them both write, they write in transactions of their own. */
  readonly project: string;
  readonly schemas: readonly string[];
  /** Marks the run as alive for as long as the lock is held. */
  readonly runId: string;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly onWait: (who: string) => void;
  /** How long to wait for another run, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Holds the lock while `body` runs. A second run waits a little (a killed run's backend may still be finishing its
 * statement) and then gives up, naming the other.
 *
 * @throws AquiferError `run-locked`, or `pooled-connection` when sessions do not keep their state
 */
export async function withRunLock<T>(
  warehouse: Warehouse,
  options: RunLockOptions,
  body: (lock: RunLock) => Promise<T>,
): Promise<T> {
  return warehouse.withSession(async (session) => {
    await requireOwnSession(session);
    // A dead client's backend notices at once instead of at the end of its statement.
    await session.query("set client_connection_check_interval = '200ms'; set idle_session_timeout = 0");
    const keys = [...new Set(options.schemas)].sort();
    const started = Date.now();
    for (let told = false; ; told = true) {
      const holder = await tryLock(session, options.project, keys);
      if (holder === undefined) break;
      if (Date.now() - started > options.patienceMs || options.signal.aborted) {
        throw new AquiferError(`Another run of this project works on these schemas: ${keys.join(", ")}`, {
          code: "run-locked",
          exitCode: exitCodes.failure,
          details: [holder],
          hint: "Wait for it, or run a copy of your own with --schema-suffix.",
        });
      }
      if (!told) options.onWait(holder);
      await options.pause(150);
    }
    await session.query(`select pg_advisory_lock(${runLockKey("$1")})`, [options.runId]);
    try {
      return await body({ backendPid: session.backendPid });
    } finally {
      // The pool keeps the connection: the lock must not stay with it. A broken connection has given it up already.
      await session.query("select pg_advisory_unlock_all()").catch(() => undefined);
    }
  });
}

/** SQL that fails when the run lock was lost: sent before anything is published. */
export function lockCheck(lock: RunLock): string {
  return `do $aquifer$ begin
  if not exists (select from pg_catalog.pg_locks where locktype = 'advisory' and pid = ${lock.backendPid} and granted) then
    raise exception 'the run lost its lock: its connection was closed' using errcode = 'AQ001';
  end if;
end $aquifer$`;
}

async function tryLock(
  session: Session,
  project: string,
  schemas: readonly string[],
): Promise<string | undefined> {
  for (const schema of schemas) {
    const answer = await session.query<{ got: boolean }>(
      "select pg_try_advisory_lock(hashtext('aquifer run'), hashtext($1)) as got",
      [lockName(project, schema)],
    );
    if (answer.rows[0]?.got === true) continue;
    const holder = await session.query<{ who: string }>(
      `select format('schema %s: backend %s (%s, %s), connected since %s', $2::text, activity.pid, usename,
  coalesce(nullif(application_name, ''), 'no name'), to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS')) as who
from pg_catalog.pg_locks join pg_catalog.pg_stat_activity as activity using (pid)
where locktype = 'advisory' and granted and objsubid = 2 and database = (select oid from pg_database where datname = current_database())
  and classid::bigint = hashtext('aquifer run')::bigint & 4294967295 and objid::bigint = hashtext($1)::bigint & 4294967295`,
      [lockName(project, schema), schema],
    );
    await session.query("select pg_advisory_unlock_all()");
    return holder.rows[0]?.who ?? `schema ${schema}: a run that is just ending`;
  }
  return undefined;
}

function lockName(project: string, schema: string): string {
  return JSON.stringify([project, schema]);
}

/** Behind a transaction pooler each statement may reach another backend: locks and settings would be lost. */
async function requireOwnSession(session: Session): Promise<void> {
  await session.query("select set_config('aquifer.session', pg_backend_pid()::text, false)");
  for (let probe = 0; probe < 3; probe++) {
    const answer = await session.query<{ same: boolean }>(
      "select current_setting('aquifer.session', true) = pg_backend_pid()::text as same",
    );
    if (answer.rows[0]?.same === true) continue;
    throw new AquiferError("The connection goes through a pooler that shares sessions between clients", {
      code: "pooled-connection",
      exitCode: exitCodes.usage,
      hint: "Connect to the server itself, or to the pooler in session mode: a run needs its own sessions.",
    });
  }
}

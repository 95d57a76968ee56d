import { AquiferError } from "../base/errors.js";
import { quoteLiteral } from "../base/identifiers.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Copying, Queryable, Session, Warehouse } from "../warehouse/warehouse.js";
import { extractSettings } from "./extract-sql.js";

/** Opens an operational database by the name of its connection; undefined when it does not exist yet. */
export type OpenConnection = (connection: string) => Promise<Warehouse | undefined>;

/** One moment of an operational database: everything that one ingest reads of it. */
export interface SourceSnapshot {
  readonly connection: string;
  readonly database: Warehouse;
  /** Within the snapshot, for short questions. */
  readonly session: Queryable;
  /** As `pg_export_snapshot` gave it. */
  readonly id: string;
  readonly takenAt: Date;
}

/**
 * Holds a snapshot of each operational database for as long as the body runs. Connections that lead to no database yet are
 * left out.
 */
export async function withSnapshots<T>(
  connections: readonly string[],
  open: OpenConnection,
  body: (snapshots: ReadonlyMap<string, SourceSnapshot>) => Promise<T>,
): Promise<T> {
  const snapshots = new Map<string, SourceSnapshot>();
  const next = async (index: number): Promise<T> => {
    const connection = connections[index];
    if (connection === undefined) return body(snapshots);
    const database = await open(connection);
    if (!database) return next(index + 1);
    try {
      return await database.withSession(async (session) => {
        await session.query(`begin isolation level repeatable read, read only;${extractSettings}`);
        const { rows } = await session.query<{ id: string; at: number }>(
          "select pg_export_snapshot() as id, extract(epoch from now())::float8 as at",
        );
        const { id = "", at = 0 } = rows[0] ?? {};
        snapshots.set(connection, { connection, database, session, id, takenAt: new Date(at * 1000) });
        const result = await next(index + 1);
        await session.query("commit").catch(() => undefined);
        return result;
      });
    } finally {
      await database.close();
    }
  };
  return next(0);
}

/** Runs the body on a connection of its own that sees the same moment. */
export function inSnapshot<T>(
  snapshot: SourceSnapshot,
  body: (session: Session & Copying) => Promise<T>,
): Promise<T> {
  return snapshot.database.withSession(async (session) => {
    await session.query("begin isolation level repeatable read, read only");
    await session.query(`set transaction snapshot ${quoteLiteral(snapshot.id)};${extractSettings}`);
    // Where the body fails the connection is closed: it may be in the middle of a copy.
    const result = await body(session);
    await session.query("commit");
    return result;
  });
}

/** What the operational database said, with whose words they are and what to do. Anything else stays as it is. */
export function sourceError(
  thrown: unknown,
  snapshot: Pick<SourceSnapshot, "connection" | "database">,
  relation: string,
): unknown {
  if (!(thrown instanceof WarehouseError)) return thrown;
  const { connection, database } = snapshot;
  const { host, port, database: name, user } = database.target;
  const place = `${relation} of ${connection} (${host}:${port}/${name})`;
  const { sqlState, message, detail } = thrown.server;
  const fail = (code: string, what: string, hint: string): AquiferError =>
    new AquiferError(`${place}: ${what}`, {
      code,
      hint,
      details: detail === undefined ? [] : [detail],
      cause: thrown,
    });
  if (thrown.isConnectionLoss)
    return fail("source-lost", `the connection broke: ${message}`, "Nothing was loaded; ingest again.");
  if (sqlState === "42501")
    return fail(
      "source-permission",
      message,
      `Grant it there: grant usage on schema ... to "${user}"; grant select on ... to "${user}". Row-level security must not hide rows from that role.`,
    );
  return fail(
    "source-error",
    message,
    thrown.hint ?? "The operational database refused the query; nothing was loaded.",
  );
}

import { randomBytes } from "node:crypto";
import { AquiferError, exitCodes } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import { connectEmbedded, type ServerAccess } from "../warehouse/embedded-database.js";
import { removeScratch, scratchPrefix, sweepScratch } from "../warehouse/scratch-databases.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";

export interface ScratchOptions {
  /** Most connections of the lent database; 2 unless given. */
  readonly maxSessions?: number;
  /** Ends what runs in the database, and removes it. */
  readonly signal?: AbortSignal;
  /** What only a superuser may do there, such as installing extensions, before it is lent. */
  readonly prepare?: (superuser: Queryable, owner: string) => Promise<void>;
}

/**
 * Lends an empty database of its own on the embedded server and removes it afterwards, with the role that owns it. The role
 * has no rights beyond that database: what reaches further (other roles, files, programs, settings of the server) is
 * refused by the server itself. What killed checks left behind is removed too.
 *
 * @throws AquiferError `interrupted` when the signal ends it
 */
export async function withScratchDatabase<T>(
  server: ServerAccess,
  body: (scratch: Warehouse) => Promise<T>,
  options: ScratchOptions = {},
): Promise<T> {
  const { signal } = options;
  const name = `${scratchPrefix}${process.pid}_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  const where = { origin: "check", maxSessions: 2 };
  // The connection of this name says that the command lives: a sweep leaves the database alone.
  const admin = await connectEmbedded(server, { ...where, database: "postgres", applicationName: name });
  const end = (): void =>
    void admin
      .query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name])
      .catch(() => undefined);
  signal?.addEventListener("abort", end);
  try {
    await sweepScratch(admin);
    await admin.query(`create role ${quoteIdentifier(name)} login password ${quoteLiteral(password)}`);
    await admin.query(`create database ${quoteIdentifier(name)} owner ${quoteIdentifier(name)}`);
    const { prepare } = options;
    if (prepare) await asSuperuser(server, name, (superuser) => prepare(superuser, name));
    signal?.throwIfAborted();
    const scratch = await connectEmbedded(
      { ...server, user: name, password },
      { ...where, database: name, maxSessions: options.maxSessions ?? 2 },
    );
    try {
      return await body(scratch);
    } finally {
      await scratch.close();
    }
  } catch (thrown) {
    if (signal?.aborted !== true) throw thrown;
    throw new AquiferError("Interrupted", { code: "interrupted", exitCode: exitCodes.interrupted });
  } finally {
    signal?.removeEventListener("abort", end);
    await removeScratch(admin, name);
    await admin.close();
  }
}

async function asSuperuser(
  server: ServerAccess,
  database: string,
  body: (superuser: Queryable) => Promise<void>,
): Promise<void> {
  const superuser = await connectEmbedded(server, { database, origin: "check", maxSessions: 1 });
  try {
    await body(superuser);
  } finally {
    await superuser.close();
  }
}

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
 * @param body begins at once, while the database is still being made; what it throws goes before a failure to make it
 * @throws AquiferError `interrupted` when the signal ends it
 */
export async function withScratchDatabase<T>(
  server: ServerAccess | Promise<ServerAccess>,
  body: (scratch: Promise<Warehouse>) => Promise<T>,
  options: ScratchOptions = {},
): Promise<T> {
  const { signal } = options;
  const making = makeScratch(server, options);
  const lent = making.then(({ warehouse }) => warehouse);
  // Whoever awaits it learns of a failure; a body that has failed before does not.
  lent.catch(() => undefined);
  try {
    return await body(lent);
  } catch (thrown) {
    if (signal?.aborted !== true) throw thrown;
    throw new AquiferError("Interrupted", { code: "interrupted", exitCode: exitCodes.interrupted });
  } finally {
    const made = await making.catch(() => undefined);
    await made?.remove();
  }
}

interface Scratch {
  readonly warehouse: Warehouse;
  readonly remove: () => Promise<void>;
}

async function makeScratch(
  access: ServerAccess | Promise<ServerAccess>,
  { signal, prepare, maxSessions = 2 }: ScratchOptions,
): Promise<Scratch> {
  const server = await access;
  const name = `${scratchPrefix}${process.pid}_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  // The connection of this name says that the command lives: a sweep leaves the database alone.
  const admin = await connectEmbedded(server, {
    ...{ origin: "check", maxSessions: 2, database: "postgres", applicationName: name },
  });
  const end = (): void =>
    void admin
      .query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name])
      .catch(() => undefined);
  signal?.addEventListener("abort", end);
  const remove = async (): Promise<void> => {
    signal?.removeEventListener("abort", end);
    await removeScratch(admin, name);
    await admin.close();
  };
  try {
    await sweepScratch(admin);
    await admin.query(`create role ${quoteIdentifier(name)} login password ${quoteLiteral(password)}`);
    await admin.query(`create database ${quoteIdentifier(name)} owner ${quoteIdentifier(name)}`);
    if (prepare) await asSuperuser(server, name, (superuser) => prepare(superuser, name));
    signal?.throwIfAborted();
    const own = { ...server, user: name, password };
    const warehouse = await connectEmbedded(own, { origin: "check", maxSessions, database: name });
    return { warehouse, remove: () => warehouse.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
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

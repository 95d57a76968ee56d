import { randomBytes } from "node:crypto";
import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import { connectEmbedded, type ServerAccess } from "../warehouse/embedded-database.js";
import { isAlive } from "../warehouse/embedded/is-alive.js";
import type { Warehouse } from "../warehouse/warehouse.js";

const prefix = "aquifer_check_";

/**
 * Lends an empty database of its own on the embedded server and removes it afterwards, with the role that owns it. The role
 * has no rights beyond that database: what reaches further (other roles, files, programs, settings of the server) is
 * refused by the server itself. What killed checks left behind is removed too.
 */
export async function withScratchDatabase<T>(
  server: ServerAccess,
  body: (scratch: Warehouse) => Promise<T>,
): Promise<T> {
  const admin = await connectEmbedded(server, { database: "postgres", origin: "check", maxSessions: 1 });
  const name = `${prefix}${process.pid}_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  try {
    await sweep(admin);
    await admin.query(`create role ${quoteIdentifier(name)} login password ${quoteLiteral(password)}`);
    await admin.query(`create database ${quoteIdentifier(name)} owner ${quoteIdentifier(name)}`);
    const scratch = await connectEmbedded(
      { ...server, user: name, password },
      { database: name, origin: "check", maxSessions: 2 },
    );
    try {
      return await body(scratch);
    } finally {
      await scratch.close();
    }
  } finally {
    await remove(admin, name);
    await admin.close();
  }
}

async function sweep(admin: Warehouse): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select rolname as name from pg_roles where starts_with(rolname, $1)
     and not exists (select from pg_stat_activity where datname = rolname)`,
    [prefix],
  );
  for (const { name } of rows) {
    if (!isAlive(Number.parseInt(name.slice(prefix.length), 10))) await remove(admin, name);
  }
}

async function remove(admin: Warehouse, name: string): Promise<void> {
  await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`);
  await admin.query(`drop role if exists ${quoteIdentifier(name)}`);
}

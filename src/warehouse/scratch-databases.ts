import { quoteIdentifier } from "../base/identifiers.js";
import { WarehouseError } from "./warehouse-error.js";
import type { Queryable } from "./warehouse.js";

/**
 * Scratch databases live on the embedded server as long as the command that made them. Database, owning role and the
 * connection that stands for the command all have one name, which begins so.
 */
export const scratchPrefix = "aquifer_check_";

/** Removes what killed commands left behind: scratch databases and roles for which no connection stands any more. */
export async function sweepScratch(admin: Queryable): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select rolname as name from pg_roles where starts_with(rolname, $1)
     and not exists (select from pg_stat_activity where application_name = rolname)`,
    [scratchPrefix],
  );
  for (const { name } of rows) {
    await removeScratch(admin, name).catch((error: unknown) => {
      // Another command sweeps the same at this moment.
      if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
    });
  }
}

/** Removes a scratch database and its role, whoever is connected to it. */
export async function removeScratch(admin: Queryable, name: string): Promise<void> {
  await admin.query(`drop database if exists ${quoteIdentifier(name)} with (force)`);
  await admin.query(`drop role if exists ${quoteIdentifier(name)}`);
}

import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteRelation } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { bronzeSchema, storeSchema } from "./bronze-tables.js";

const mark = { schema: storeSchema, name: "_ledger" };

/**
 * Makes the store the one of this ledger. Ids of files begin anew in each ledger: read by another one, rows would be those of
 * other files.
 *
 * @throws AquiferError `other-ledger`
 */
export async function claimStore(transaction: Queryable, historySchema: string): Promise<void> {
  const ledger = quoteRelation({ schema: historySchema, name: "ingest_ledger" });
  const marked = await transaction.query(
    "select to_regclass($1) as marked where to_regclass($1) is not null",
    [quoteRelation(mark)],
  );
  if (marked.rowCount === 0) {
    await transaction.query(`create schema if not exists ${quoteIdentifier(storeSchema)}`);
    await transaction.query(`create table ${quoteRelation(mark)} as select ledger_id from ${ledger}`);
    return;
  }
  const same = await transaction.query(
    `select 1 from ${quoteRelation(mark)} join ${ledger} using (ledger_id)`,
  );
  if (same.rowCount > 0) return;
  const owner = await findOwner(transaction);
  throw new AquiferError(
    `${storeSchema} holds rows of another ledger than the one in schema "${historySchema}"`,
    {
      code: "other-ledger",
      details: owner === undefined ? [] : [`their ledger is in schema "${owner}"`],
      hint:
        owner === undefined
          ? `Bring their ledger back, or drop the schemas ${bronzeSchema} and ${storeSchema} and load everything again.`
          : `Let historySchema be "${owner}", or drop schema "${historySchema}" and rename "${owner}" to it.`,
    },
  );
}

/** The schema with the ledger that the store belongs to. */
async function findOwner(transaction: Queryable): Promise<string | undefined> {
  const { rows } = await transaction.query<{ schema: string }>(
    "select nspname as schema from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relname = 'ingest_ledger' and relkind = 'r'",
  );
  for (const { schema } of rows) {
    const ledger = quoteRelation({ schema, name: "ingest_ledger" });
    const found = await transaction.query(
      `select 1 from ${quoteRelation(mark)} join ${ledger} using (ledger_id)`,
    );
    if (found.rowCount > 0) return schema;
  }
  return undefined;
}

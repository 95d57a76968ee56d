import type { RelationName } from "../base/identifiers.js";
import type { IngestLedger } from "../history/ingest-ledger.js";
import type { Copying, Session } from "../warehouse/warehouse.js";
import { storeRelation } from "./bronze-tables.js";
import { awaitHolders, withPatience, type LockPatience } from "./lock-patience.js";
import { attachOwnTables } from "./own-tables.js";

/** A file's own tables, for its source's store. */
export interface OwnTables {
  readonly store: string;
  readonly tables: readonly RelationName[];
}

/**
 * Makes a batch visible. PostgreSQL plans a statement before it takes the snapshot that the statement reads by: one that was
 * planned without the new tables could see their files current, and the replaced ones not. So tables are attached first,
 * unseen, and the ledger changes when every transaction has ended that may have planned without them.
 */
export async function publishBatch(
  session: Session & Copying,
  ledger: IngestLedger,
  patience: LockPatience,
  batchId: string,
  own: readonly OwnTables[],
): Promise<void> {
  const attached = own.filter(({ tables }) => tables.length > 0);
  if (attached.length > 0) {
    await withPatience(session, patience, async (transaction) => {
      for (const { store, tables } of attached) await attachOwnTables(transaction, store, tables);
    });
    const stores = [...new Set(attached.map(({ store }) => store))];
    await awaitHolders(session, stores.map(storeRelation), patience);
  }
  await withPatience(session, patience, (transaction) => ledger.publishBatch(transaction, batchId));
}

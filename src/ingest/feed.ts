import type { IngestLedger } from "../history/ingest-ledger.js";
import type { LockPatience } from "./lock-patience.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";

/** Where rows come from that lie in no file: what the ledger calls a file is then an extract of it. */
export interface Feed {
  /** How the rows came, for the ledger. */
  readonly method: string;
  /** What the ledger keeps in place of a file's dialect. */
  readonly dialect: Readonly<Record<string, unknown>>;
  /**
   * Copies the rows into the store, where nobody sees them yet.
   *
   * @returns what was found beyond the plan
   */
  load(fileId: string, context: FeedContext): Promise<FeedCounts>;
}

export interface FeedContext {
  readonly warehouse: Warehouse;
  /** For rejects: the connections that copy are busy. */
  readonly session: Queryable;
  readonly ledger: IngestLedger;
  readonly signal: AbortSignal;
  /** For the lock on the store. */
  readonly patience: LockPatience;
  readonly onBytes: (bytes: number) => void;
}

export interface FeedCounts {
  readonly rows: number;
  readonly rejected: number;
  readonly bytes: number;
}

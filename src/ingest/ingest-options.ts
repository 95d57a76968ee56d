import type { Warehouse } from "../warehouse/warehouse.js";
import type { InspectOptions } from "./inspect-files.js";
import type { OpenBroker } from "./kafka/message-source.js";
import type { LockPatience } from "./lock-patience.js";
import type { OpenConnection } from "./source-snapshot.js";

/** What an ingest is told by its caller. */
export interface IngestOptions extends InspectOptions {
  /** Of at least two sessions: one for the ledger, the others copy. */
  readonly warehouse: Warehouse;
  /** Plan only; nothing is written. */
  readonly dryRun?: boolean;
  /** Load again what is current already. */
  readonly force?: boolean;
  readonly historySchema?: string;
  /** Opens the operational databases that sources read. Default: there are none. */
  readonly openConnection?: OpenConnection;
  /** How long locks on bronze are waited for, in milliseconds. Default: a minute. */
  readonly lockPatience?: number;
  /** Opens the clusters whose topics sources read. Default: there are none. */
  readonly openBroker?: OpenBroker;
  /** Go on behind messages that retention removed before they were loaded. */
  readonly acceptGaps?: boolean;
  readonly version: string;
  readonly now: () => Date;
  /** Milliseconds since an arbitrary start. */
  readonly elapsed: () => number;
}

const defaultPatience = 60_000;

/** How locks of an ingest are waited for. */
export function patienceOf({ lockPatience, signal, elapsed, onEvent }: IngestOptions): LockPatience {
  return {
    milliseconds: lockPatience ?? defaultPatience,
    signal,
    elapsed,
    onWait: (holders) => onEvent?.({ kind: "waiting", holders }),
  };
}

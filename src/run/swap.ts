import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { ActionContext } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { takeLocks, type LockReport } from "./lock-budget.js";
import { refusedByServer } from "./replace-refusal.js";
import type { Replacement } from "./replacement.js";
import { SwapPlan } from "./swap-plan.js";

/**
 * Puts a new version in the place of the old one, in the caller's transaction, without dropping anything that depends on
 * it: views are given their own text again, read with the new version in reach (they keep their identity, grants,
 * comments and what stands on them), materialized views get a successor of their own, the rest is carried over.
 *
 * Locks are taken from the top down, the relation last, as readers take them, and all within less than the server's
 * `deadlock_timeout`; where that fails they are given back and tried for again after a random pause.
 *
 * @throws AquiferError `cannot-replace` when a dependent cannot survive; nothing has changed then
 */
export function swap(context: ActionContext, replacement: Replacement): Promise<LockReport> {
  return takeLocks(context, replacement.name, async () => {
    try {
      const plan = await SwapPlan.make(context, replacement);
      return await pounce(context, plan);
    } catch (thrown) {
      throw refusedByServer(thrown, replacement.name);
    }
  });
}

/** Longest waits for a lock of the tries that follow each other without new preparation, in milliseconds. */
const pounces = [3, 3, 5, 5, 10, 10, 20, 20, 40, 80, Infinity];

/**
 * Tries for the locks with short waits first. Who waits long for a view makes readers queue behind it that hold the table
 * already, and those would never let it have the table: free locks are had at once or better asked for again.
 */
async function pounce(context: ActionContext, plan: SwapPlan): Promise<number> {
  const { session } = context;
  for (const [index, longestWait] of pounces.entries()) {
    session.defer("savepoint pounce");
    const lockedAt = milliseconds();
    try {
      await plan.execute(longestWait);
      return lockedAt;
    } catch (thrown) {
      const isBusy = thrown instanceof WarehouseError && thrown.server.sqlState === "55P03";
      if (!isBusy || index === pounces.length - 1 || context.signal.aborted) throw thrown;
      await session.query("rollback to savepoint pounce");
      await context.pause(context.random() * 12);
    }
  }
  throw new Error("the last try returns or throws");
}

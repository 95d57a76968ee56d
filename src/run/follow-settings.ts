import type { IncrementalAction, TableAction } from "../project/action.js";
import { keyChanges } from "../statements/key-changes.js";
import { settingChanges } from "../statements/kept-settings.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { ActionContext } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { takeLocks, type LockReport } from "./lock-budget.js";
import { cannotKeep, isServerRefusal } from "./replace-refusal.js";

/**
 * Gives a table that is kept the keys and storage settings that its model has now. What is costly happens beside what
 * stands there; the strongest lock is only taken to put one in the place of the other.
 *
 * @param isAltered true when columns went, and keys with them
 * @throws AquiferError `cannot-replace` where something needs a key that goes
 */
export async function followSettings(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
  isAltered: boolean,
): Promise<LockReport | undefined> {
  const { session } = context;
  const { target, postgres, file } = action;
  const standing = isAltered ? ((await readRelationFacts(session.plain, target)) ?? facts) : facts;
  const { make, exchange } = keyChanges(target, postgres, standing);
  await session.batch([...make, ...settingChanges(target, postgres, standing).statements]);
  if (exchange.length === 0) return undefined;
  return takeLocks(context, target, async () => {
    const lockedAt = milliseconds();
    await session
      .batch([
        `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
        ...exchange,
        "set local lock_timeout = default",
      ])
      .catch((thrown: unknown) => {
        if (!isServerRefusal(thrown)) throw thrown;
        throw cannotKeep(target, file, [thrown.message, ...thrown.details]);
      });
    return lockedAt;
  });
}

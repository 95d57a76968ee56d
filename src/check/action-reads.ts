import { isRelationAction, type Action } from "../project/action.js";
import { userTexts } from "../statements/user-texts.js";
import { textReads } from "./named-keys.js";

/**
 * Keys of what an action may read: what it depends on, refers to by its keys, and names in its statements. Not all of them
 * are actions: one may become an action later.
 *
 * @param named the `namedKeys` of its own SQL, where they are known
 */
export function actionReads(
  action: Action,
  named: readonly string[] = userTexts(action).flatMap(textReads),
): string[] {
  const keys = isRelationAction(action)
    ? action.postgres.foreignKeys.map(({ references }) => references)
    : [];
  const found = new Set([...action.dependencies, ...keys, ...named, ...conditionReads(action)]);
  found.delete(action.key);
  return [...found];
}

/** The conditions of an inline assertion may hold queries of their own; its text is written around them. */
function conditionReads(action: Action): string[] {
  if (action.kind !== "assertion" || action.check?.kind !== "rowConditions") return [];
  const holdsQuery = action.check.conditions.some(({ expression }) => /\bselect\b|::/i.test(expression));
  return holdsQuery ? textReads(action.query) : [];
}

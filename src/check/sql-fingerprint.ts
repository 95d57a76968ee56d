import { createHash } from "node:crypto";
import { isRelationAction, type Action } from "../project/action.js";
import { sqlTokens } from "../statements/sql-tokens.js";
import { userTexts } from "../statements/user-texts.js";

/** A short text that changes with an action's SQL and the settings of its relation, and not with layout or comments. */
export function sqlFingerprint(action: Action): string {
  const texts = userTexts(action).map((text) =>
    sqlTokens(text)
      .filter(({ kind }) => kind !== "space" && kind !== "comment")
      .map((token) => token.text),
  );
  const settings = isRelationAction(action)
    ? [action.kind, action.postgres, ...(action.kind === "incremental" ? [action.uniqueKey] : [])]
    : [];
  return createHash("sha256")
    .update(JSON.stringify([texts, settings]))
    .digest("hex")
    .slice(0, 16);
}

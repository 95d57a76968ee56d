import { AquiferError } from "../base/errors.js";
import { excerpt } from "../base/source-location.js";
import { lineColumnAt } from "../base/text-position.js";
import type { Action } from "../project/action.js";
import { controlMessage, transactionControl, transactionHint } from "../statements/transaction-control.js";
import { userTexts } from "../statements/user-texts.js";
import type { Locate } from "./action-error.js";

/**
 * Sees to it that an action's own SQL does not end the transaction that it runs in.
 *
 * @throws AquiferError naming the statement's place
 */
export function refuseTransactionControl(action: Action, locate: Locate | undefined): void {
  for (const text of userTexts(action)) {
    const found = transactionControl(text);
    if (found === undefined) continue;
    const place = lineColumnAt(text, found.offset);
    const position = Array.from(text.slice(0, found.offset)).length + 1;
    throw new AquiferError(controlMessage(found), {
      code: "transaction-control",
      location: { file: action.file },
      excerpt: excerpt(text, place.line, place.column),
      ...locate?.(action, text, position),
      hint: transactionHint,
    });
  }
}

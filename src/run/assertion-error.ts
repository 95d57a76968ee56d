import { AquiferError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import type { Action } from "../project/action.js";
import type { AssertionOutcome } from "./outcome.js";

/** The words of a failed assertion that Dataform's scripts look for, with what failed. */
export function assertionError(action: Action, outcome: AssertionOutcome | undefined): AquiferError {
  const details = (outcome?.sample ?? []).flatMap(({ condition, failed, rows }) => [
    ...(condition === undefined ? [] : [`${condition}: ${formatPlural(failed, "row")}`]),
    ...rows.slice(0, 3).map((row) => `  ${JSON.stringify(row)}`),
  ]);
  return new AquiferError(
    `postgres error: Assertion failed: query returned ${outcome?.rowsFailed ?? 0} row(s).`,
    { code: "assertion-failed", location: { file: action.file }, details },
  );
}

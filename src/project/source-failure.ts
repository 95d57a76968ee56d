import { AquiferError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";

/** Makes the error that says what is wrong with a source, and what to do. */
export type Failure = (problem: string, hint?: string) => AquiferError;

/** Makes the errors of a source's declaration. */
export function failure(name: string): Failure {
  return (problem, hint) =>
    new AquiferError(`Source ${name}: ${problem}`, {
      code: "bad-source",
      ...(hint === undefined ? {} : { hint }),
    });
}

/** Refuses a name that is not among the known ones. */
export function refuseUnknown(key: string, known: readonly string[], what: string, fail: Failure): void {
  if (known.includes(key)) return;
  const near = nearestName(key, known);
  throw fail(
    `unknown ${what} "${key}"`,
    near === undefined ? `Known: ${known.join(", ")}.` : `Did you mean "${near}"?`,
  );
}

/** Refuses an expression that would remember where it was, and so match the same text only now and then. */
export function refuseMemory(option: string, pattern: RegExp, fail: Failure): void {
  if (!pattern.global && !pattern.sticky) return;
  throw fail(`${option} has a flag g or y, which remembers where it was`, "Leave it out.");
}

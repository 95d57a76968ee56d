import { appendFileSync } from "node:fs";
import type { TestContext } from "vitest";

/**
 * Skips the running test, saying why, when an outside part is absent; the reasons are listed once at the end of the run.
 * In CI (`CI=true`) an absent part is a failure.
 *
 * @example skipUnless(context, existsSync("/usr/bin/chromium"), "Chromium is not installed");
 */
export function skipUnless(context: TestContext, present: boolean, reason: string): void {
  if (present) return;
  if (process.env["CI"] === "true") throw new Error(`${reason} (in CI this is a failure)`);
  const list = process.env["AQUIFER_SKIP_LIST"];
  if (list !== undefined)
    appendFileSync(list, `${context.task.file.name}: ${context.task.name}: ${reason}\n`);
  context.skip(reason);
}

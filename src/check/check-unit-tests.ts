import { actionKey } from "../project/action-graph.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { textReads } from "./named-keys.js";
import type { ChangedBuild } from "./changed-build.js";
import type { CheckContext } from "./check-context.js";
import { digest } from "./check-memory.js";
import { checkUnitTest } from "./check-unit-test.js";

/** Tries the unit tests that are not as they were; returns the digests of those without a finding, by name. */
export async function checkUnitTests(
  session: Queryable,
  context: CheckContext,
  build: ChangedBuild,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const test of context.project.unitTests) {
    const texts = [test.query, test.expectedSql, ...test.inputs.map(({ sql }) => sql)];
    const reads = [...new Set(texts.flatMap(textReads))];
    const content = digest([test, context.broken.get(actionKey(test.target)), build.inputsOf(reads)]);
    const before = context.findings.length;
    if (build.remembered?.tests[test.name] !== content) {
      await build.standIn(reads);
      await checkUnitTest(session, context, test);
    }
    if (context.findings.length === before) digests[test.name] = content;
  }
  return digests;
}

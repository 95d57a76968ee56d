import { nearestName } from "../base/nearest-name.js";
import type { RelationAction } from "../project/action.js";
import type { CheckContext } from "./check-context.js";
import type { Columns } from "./read-columns.js";

/**
 * Warns of columns that the config describes and the query does not return; and of the reverse where it describes most of
 * them: a few descriptions are notes, not a contract.
 */
export function compareContract(context: CheckContext, action: RelationAction, columns: Columns): void {
  const produced = columns.map(({ name }) => name);
  for (const { name } of action.columns) {
    if (produced.includes(name)) continue;
    const near = nearestName(name, produced);
    context.add(action, {
      severity: "warning",
      code: "described-not-produced",
      message: `describes the column "${name}", which the query does not return`,
      ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
    });
  }
  const described = new Set(action.columns.map(({ name }) => name));
  const silent = produced.filter((name) => !described.has(name));
  if (silent.length === 0 || silent.length >= produced.length - silent.length) return;
  context.add(action, {
    severity: "warning",
    code: "produced-not-described",
    message: `returns ${formatList(silent)}, which its columns do not describe`,
    hint: "It describes the others.",
  });
}

function formatList(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

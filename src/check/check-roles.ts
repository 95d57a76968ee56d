import type { CheckContext } from "./check-context.js";
import { userTexts } from "../statements/user-texts.js";
import { snapshotFile, type Snapshot } from "./snapshot.js";
import { roleNames } from "./stand-in-roles.js";

/** Warns of roles that statements name and the pulled warehouse does not have. */
export function checkRoles(context: CheckContext, snapshot: Snapshot): void {
  const known = new Set(snapshot.roles);
  for (const action of context.actions.values()) {
    if (action.disabled) continue;
    for (const text of userTexts(action)) {
      for (const { name, start } of roleNames(text)) {
        if (known.has(name)) continue;
        context.add(
          action,
          {
            severity: "warning",
            code: "unknown-role",
            message: `names the role ${name}, which ${snapshotFile} does not know`,
            hint: "Where the warehouse has it by now: dataform check --pull.",
          },
          { statement: text, position: Array.from(text.slice(0, start)).length + 1 },
        );
      }
    }
  }
}

import type { OperationsAction } from "../project/action.js";
import { userStatement } from "../statements/statement.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { audit } from "./audit.js";

/** Runs an operation's statements in order; what they make is audited before it is committed. */
export async function runOperations(context: ActionContext, action: OperationsAction): Promise<BuildReport> {
  let rowCount = 0;
  for (const query of action.queries) rowCount = (await context.session.send(userStatement(query))).rowCount;
  const assertions =
    context.audits.length === 0
      ? []
      : await audit(
          context.session,
          { at: action.target, name: action.target, provenKeys: [] },
          context.audits,
        );
  if (assertions.some((each) => each.status === "failed")) throw new AuditFailure(action, assertions);
  return { path: "operations", rowCount, attempts: 1, assertions };
}

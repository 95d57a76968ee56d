import { formatRelation, quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import { hasHistory } from "../history/migrate.js";
import type { DependentView } from "../warehouse/catalog/relation-facts.js";
import type { PlanningContext } from "./action-context.js";

/**
 * True for the view of an assertion that the project once had. Nobody keeps it up to date, so it must not stand in the way
 * of a new version.
 */
export async function isAbandonedAssertion(context: PlanningContext, view: DependentView): Promise<boolean> {
  const key = formatRelation(view);
  if (view.kind !== "view" || context.known.has(key)) return false;
  if (!(await hasHistory(context.session, context.historySchema))) return false;
  const answer = await context.session.query(
    `select from ${quoteIdentifier(context.historySchema)}.action_run join ${quoteIdentifier(context.historySchema)}.run using (run_id)
where action = ${quoteLiteral(key)} and kind = 'assertion' group by action having bool_and(project = ${quoteLiteral(context.project)})`,
  );
  return answer.rowCount > 0;
}

import type { RelationName } from "../base/identifiers.js";
import type { AssertionAction } from "../project/action.js";
import { defaultPostgresSettings } from "../project/postgres-settings.js";
import type { ActionContext, BuildReport } from "./action-context.js";
import { audit, checkPublished } from "./audit.js";
import { buildView } from "./build-view.js";
import type { RunContext } from "./run-context.js";

/** Makes the assertion's view, then checks it, unless it was checked with the relation it reads. */
export async function runAssertion(
  context: ActionContext & RunContext,
  action: AssertionAction,
): Promise<BuildReport> {
  const known = context.audited.get(action.key);
  const view = {
    ...action,
    kind: "view",
    materialized: false,
    preOperations: [],
    postOperations: [],
  } as const;
  const report = await buildView({ ...context, audits: [] }, { ...view, postgres: defaultPostgresSettings });
  const relation = parentRelation(action) ?? action.reads;
  if (known !== undefined) return { path: "assertion", attempts: report.attempts, assertions: [known] };
  const assertions =
    action.check !== undefined && relation !== undefined
      ? await audit(context.session, { at: relation, name: relation, provenKeys: [] }, [action])
      : [await checkPublished(context.session, action, relation)];
  return { path: "assertion", attempts: report.attempts, assertions };
}

function parentRelation(action: AssertionAction): RelationName | undefined {
  const parent = action.check?.parent;
  return parent === undefined ? undefined : { schema: parent.schema ?? "", name: parent.name ?? "" };
}

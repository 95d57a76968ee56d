import type { Action, AssertionAction } from "../project/action.js";

/** An action to run, with what it waits for and what it audits. */
export interface RunNode {
  readonly action: Action;
  /** Keys of selected actions that must succeed first. */
  readonly dependencies: ReadonlySet<string>;
  /** Assertions that are checked on the new version before it is published. */
  readonly audits: readonly AssertionAction[];
}

/**
 * The selected actions with their dependencies. Declarations are left out: they are not run.
 *
 * @param auditByDefault the project's `auditBeforePublish`
 */
export function executionGraph(
  actions: ReadonlyMap<string, Action>,
  selected: ReadonlySet<string>,
  auditByDefault: boolean,
): ReadonlyMap<string, RunNode> {
  const audits = new Map<string, AssertionAction[]>();
  for (const action of actions.values()) {
    if (action.kind !== "assertion" || action.disabled || !selected.has(action.key)) continue;
    const audited = auditedRelation(action, actions);
    if (audited === undefined || !selected.has(audited.key) || audited.disabled) continue;
    if (!(audited.settings.auditBeforePublish ?? auditByDefault)) continue;
    audits.set(audited.key, [...(audits.get(audited.key) ?? []), action]);
  }
  const nodes = [...selected].flatMap((key): [string, RunNode][] => {
    const action = actions.get(key);
    if (action === undefined || action.kind === "declaration") return [];
    const dependencies = new Set(
      action.dependencies.filter((dependency) => {
        const kind = actions.get(dependency)?.kind;
        return selected.has(dependency) && kind !== undefined && kind !== "declaration";
      }),
    );
    if (action.kind === "assertion" && action.parent !== undefined && selected.has(action.parent)) {
      dependencies.add(action.parent);
    }
    return [[key, { action, dependencies, audits: audits.get(key) ?? [] }]];
  });
  return new Map(nodes);
}

/** The one relation of the project that an assertion reads; undefined when it reads several, or one that is not built here. */
function auditedRelation(
  assertion: AssertionAction,
  actions: ReadonlyMap<string, Action>,
): Action | undefined {
  if (assertion.jitCode !== undefined) return undefined;
  const read = assertion.parent === undefined ? assertion.dependencies : [assertion.parent];
  const [only, ...others] = read;
  if (only === undefined || others.length > 0) return undefined;
  const action = actions.get(only);
  const isBuilt =
    action?.kind === "table" ||
    action?.kind === "view" ||
    action?.kind === "incremental" ||
    (action?.kind === "operations" && action.hasOutput);
  return isBuilt ? action : undefined;
}

import type {
  CompiledAction,
  CompiledAssertion,
  CompiledDeclaration,
  CompiledGraph,
  CompiledOperation,
  CompiledTable,
  Target,
} from "./compiled-graph.js";

/** An action of the graph with its neighbours. */
export type ActionNode = {
  /** `schema.name`, see `actionKey`. */
  readonly key: string;
  readonly dependencies: ReadonlySet<string>;
  readonly dependents: ReadonlySet<string>;
} & (
  | { readonly kind: "table"; readonly action: CompiledTable }
  | { readonly kind: "operation"; readonly action: CompiledOperation }
  | { readonly kind: "assertion"; readonly action: CompiledAssertion }
  | { readonly kind: "declaration"; readonly action: CompiledDeclaration }
);

export type ActionGraph = ReadonlyMap<string, ActionNode>;

/** Unique in a project, since one project fills one database. */
export function actionKey(target: Target): string {
  return `${target.schema ?? ""}.${target.name ?? ""}`;
}

/** Tables, views, operations, assertions and declarations by key, in the order of the compiled graph. */
export function actionGraph(graph: CompiledGraph): ActionGraph {
  const nodes = new Map<string, ActionNode & { readonly dependents: Set<string> }>();
  const links = (
    action: CompiledAction,
  ): Pick<ActionNode, "key" | "dependencies"> & { dependents: Set<string> } => ({
    key: actionKey(action.target),
    dependencies: new Set((action.dependencyTargets ?? []).map(actionKey)),
    dependents: new Set(),
  });
  for (const action of graph.tables ?? [])
    nodes.set(actionKey(action.target), { ...links(action), kind: "table", action });
  for (const action of graph.operations ?? [])
    nodes.set(actionKey(action.target), { ...links(action), kind: "operation", action });
  for (const action of graph.assertions ?? [])
    nodes.set(actionKey(action.target), { ...links(action), kind: "assertion", action });
  for (const action of graph.declarations ?? [])
    nodes.set(actionKey(action.target), { ...links(action), kind: "declaration", action });
  for (const node of nodes.values()) {
    for (const dependency of node.dependencies) nodes.get(dependency)?.dependents.add(node.key);
  }
  return nodes;
}

/** All that can be reached from some actions in one direction, the start included, at most `steps` edges away. */
export function reachable(
  graph: ActionGraph,
  start: Iterable<string>,
  direction: "dependencies" | "dependents",
  steps = Infinity,
): Set<string> {
  const found = new Set(start);
  let edge = [...found];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    edge = edge.flatMap((key) =>
      [...(graph.get(key)?.[direction] ?? [])].filter((next) => graph.has(next) && !found.has(next)),
    );
    edge.forEach((key) => found.add(key));
    edge = [...new Set(edge)];
  }
  return found;
}

import { actionKey } from "./action-graph.js";
import type { CompiledAction, CompiledGraph } from "./compiled-graph.js";
import { selectActions, type Selection } from "./select.js";

/** The graph with only the selected tables, operations, assertions and targets; declarations stay, as in Google's CLI. */
export function filterGraph(graph: CompiledGraph, selection: Selection): CompiledGraph {
  if (selection.actions === undefined && selection.tags === undefined && selection.exclude === undefined)
    return graph;
  const keys = selectActions(graph, selection);
  const kept = <T extends CompiledAction>(actions: readonly T[] | undefined): T[] =>
    (actions ?? []).filter((action) => keys.has(actionKey(action.target)));
  return {
    ...graph,
    tables: kept(graph.tables),
    operations: kept(graph.operations),
    assertions: kept(graph.assertions),
    targets: (graph.targets ?? []).filter((target) => keys.has(actionKey(target))),
  };
}

import { actionGraph, type ActionNode } from "./action-graph.js";
import type { CompiledGraph } from "./compiled-graph.js";

const shapes: Readonly<Record<string, string>> = {
  TABLE: "box",
  INCREMENTAL: "box3d",
  VIEW: "ellipse",
  operation: "hexagon",
  assertion: "diamond",
  declaration: "cylinder",
};

/** The graph in Graphviz's language (https://graphviz.org/doc/info/lang.html), from sources on the left to what they feed. */
export function dotOf(graph: CompiledGraph): string {
  const nodes = actionGraph(graph);
  const lines = [...nodes.values()].flatMap((node) => [
    `  ${quoted(node.key)} [shape=${shapeOf(node)}${node.action.disabled === true ? ", style=dashed" : ""}];`,
    ...[...node.dependencies].map((dependency) => `  ${quoted(dependency)} -> ${quoted(node.key)};`),
  ]);
  return ["digraph dataform {", "  rankdir=LR;", ...lines, "}", ""].join("\n");
}

function shapeOf(node: ActionNode): string {
  return shapes[node.kind === "table" ? node.action.enumType : node.kind] ?? "box";
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

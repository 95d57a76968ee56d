import { quoteIdentifier, quoteRelation } from "../../src/base/identifiers.js";
import { actionGraph, type ActionNode } from "../../src/project/action-graph.js";
import type { CompiledGraph } from "../../src/project/compiled-graph.js";
import { relationOf } from "../../src/project/compiled-project.js";

/** A compiled graph as one script that PostgreSQL can run from top to bottom, simpler than the runner's own statements. */
export function renderScript(graph: CompiledGraph): string {
  const nodes = actionGraph(graph);
  const done = new Set<string>();
  const ordered: ActionNode[] = [];
  const visit = (key: string): void => {
    const node = nodes.get(key);
    if (node === undefined || done.has(key)) return;
    done.add(key);
    [...node.dependencies].sort().forEach(visit);
    ordered.push(node);
  };
  [...nodes.keys()].sort().forEach(visit);
  const schemas = new Set(ordered.map((node) => relationOf(node.action.target).schema));
  return [
    ...[...schemas].sort().map((schema) => `create schema if not exists ${quoteIdentifier(schema)};`),
    ...ordered.map(
      (node) =>
        `-- ${node.key}\n${statements(node)
          .map((sql) => `${sql.trim()}\n;\n`)
          .join("")}`,
    ),
  ].join("\n");
}

function statements(node: ActionNode): string[] {
  const name = quoteRelation(relationOf(node.action.target));
  if (node.action.disabled === true) return ["select 'disabled'"];
  switch (node.kind) {
    case "declaration":
      return [`table ${name}`];
    case "operation":
      return [...(node.action.queries ?? [])];
    case "assertion":
      return [
        `create view ${name} as\n${node.action.query?.trim() ?? ""}`,
        `select 1 / (count(*) = 0)::int from ${name}`,
      ];
    case "table": {
      const { query = "", incrementalQuery, enumType, preOps = [], postOps = [] } = node.action;
      const kind = enumType === "VIEW" ? "view" : "table";
      const again =
        incrementalQuery === undefined
          ? []
          : [...(node.action.incrementalPreOps ?? []), `insert into ${name}\n${incrementalQuery.trim()}`];
      return [...preOps, `create ${kind} ${name} as\n${query.trim()}`, ...postOps, ...again];
    }
  }
}

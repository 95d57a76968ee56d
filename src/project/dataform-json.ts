import type { CompiledAction, CompiledGraph } from "./compiled-graph.js";
import { structFromPlain } from "./struct.js";

/** The graph exactly as Dataform's own tools print and read it: `extraProperties` in protobuf's form. */
export function dataformJson(graph: CompiledGraph): CompiledGraph {
  return {
    ...graph,
    ...(graph.tables ? { tables: graph.tables.map(withStruct) } : {}),
    ...(graph.assertions ? { assertions: graph.assertions.map(withStruct) } : {}),
  };
}

function withStruct<T extends CompiledAction>(action: T): T {
  const { actionDescriptor } = action;
  const extraProperties = actionDescriptor?.metadata?.extraProperties;
  if (extraProperties === undefined) return action;
  const metadata = {
    ...actionDescriptor?.metadata,
    extraProperties: structFromPlain(extraProperties, "json"),
  };
  return { ...action, actionDescriptor: { ...actionDescriptor, metadata } };
}

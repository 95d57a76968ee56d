import type { CompiledGraph } from "./compiled-graph.js";
import type { CoreProtos } from "./core-protos.js";

/**
 * Some actions of one list of the graph, encoded one by one. The lists of a large project travel in such parts: encoded in
 * one message with the rest, 10,000 models take 250 MB more.
 */
export interface GraphPart {
  readonly list: keyof typeof messages;
  readonly lengths: Uint32Array;
  readonly bytes: Uint8Array;
}

/** The lists that travel in parts, and the message of their entries. */
const messages = {
  tables: "Table",
  operations: "Operation",
  assertions: "Assertion",
  declarations: "Declaration",
} as const;

const actionsPerPart = 1000;

/** A message of core's own classes, which know how to encode themselves. */
interface CoreMessage {
  readonly constructor: { encode?: (message: object) => { finish(): Uint8Array } };
}

/** Takes the long lists out of core's graph and sends them. Returns what is left of the graph. */
export function sendParts<Graph extends object>(graph: Graph, send: (part: GraphPart) => void): Graph {
  const rest = { ...graph } as Record<string, unknown>;
  for (const list of Object.keys(messages) as (keyof typeof messages)[]) {
    const actions = (rest[list] ?? []) as CoreMessage[];
    if (!actions.every((action) => typeof action.constructor.encode === "function")) continue;
    for (let start = 0; start < actions.length; start += actionsPerPart) {
      const encoded = actions
        .slice(start, start + actionsPerPart)
        .map((action) => action.constructor.encode?.(action).finish() ?? new Uint8Array());
      const lengths = Uint32Array.from(encoded, (each) => each.length);
      send({ list, lengths, bytes: joined(encoded) });
    }
    rest[list] = [];
  }
  return rest as Graph;
}

/** Puts the parts back into the graph, in protobuf's JSON form. */
export function receiveParts(protos: CoreProtos): {
  readonly add: (part: GraphPart) => void;
  readonly complete: (rest: CompiledGraph) => CompiledGraph;
} {
  const lists: Partial<Record<keyof typeof messages, object[]>> = {};
  return {
    add({ list, lengths, bytes }) {
      const actions = (lists[list] ??= []);
      let at = 0;
      for (const length of lengths) {
        actions.push(protos.decode(messages[list], bytes.subarray(at, at + length)));
        at += length;
      }
    },
    complete: (rest) => ({ ...lists, ...rest }) as CompiledGraph,
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

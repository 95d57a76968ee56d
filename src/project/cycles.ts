import type { ActionGraph } from "./action-graph.js";

/** One cycle for each group of actions that depend on each other; each key reads the next, the last the first. */
export function findCycles(nodes: ActionGraph): string[][] {
  const state = new Map<string, "open" | "done">();
  const cycles: string[][] = [];
  for (const root of nodes.keys()) {
    if (state.has(root)) continue;
    // Depth first with a stack of our own: a chain of 10,000 models is deeper than JavaScript's.
    const path: { key: string; rest: Iterator<string> }[] = [];
    const enter = (key: string): void => {
      state.set(key, "open");
      path.push({ key, rest: (nodes.get(key)?.dependencies ?? new Set()).values() });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        state.set(top.key, "done");
        path.pop();
      } else if (state.get(next.value) === "open") {
        const start = path.findIndex(({ key }) => key === next.value);
        cycles.push(path.slice(start).map(({ key }) => key));
      } else if (nodes.has(next.value) && !state.has(next.value)) {
        enter(next.value);
      }
    }
  }
  return cycles;
}

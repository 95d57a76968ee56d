import type { Target } from "./compiled-graph.js";

/** How a project may name a relation: `"a"`, `["s", "a"]`, `{ schema, name }`, or the arguments of `ref()`. */
export type Reference =
  string | readonly string[] | { readonly schema?: string; readonly dataset?: string; readonly name: string };

/** The schema and name that a reference holds. */
export function referenceTarget(parts: readonly Reference[]): Target {
  const [first] = parts;
  if (parts.length === 1 && typeof first === "object" && "name" in first) {
    const schema = first.schema ?? first.dataset;
    return { name: first.name, ...(schema === undefined ? {} : { schema }) };
  }
  const names = (parts.length === 1 && Array.isArray(first) ? first : parts) as readonly string[];
  const dotted = names.length === 1 ? (names[0] ?? "").split(".") : names;
  const [name = "", schema] = [...dotted].reverse();
  return { name, ...(schema === undefined ? {} : { schema }) };
}

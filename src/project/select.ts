import picomatch from "picomatch";
import { AquiferError, exitCodes } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { actionGraph, actionKey, reachable, type ActionGraph, type ActionNode } from "./action-graph.js";
import type { CompiledGraph } from "./compiled-graph.js";

/** Which actions a command is about. Patterns of one list are a union. */
export interface Selection {
  /** Patterns: see `selectActions`. */
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  /** Patterns whose actions are taken away at the end. */
  readonly exclude?: readonly string[];
  readonly includeDeps?: boolean;
  readonly includeDependents?: boolean;
  /**
   * Actions (keys) that a selector means which the graph alone cannot answer: `state:modified`, `result:failed`,
   * `source:<name>`. Undefined for a selector the caller does not know.
   */
  readonly lookUp?: (selector: {
    readonly kind: LookedUp;
    readonly value: string;
  }) => ReadonlySet<string> | undefined;
}

export type LookedUp = "state" | "result" | "source";

/**
 * The keys (`schema.name`) of the actions that a selection names; all of them when it names none. A selected table
 * brings the assertions of its own config, because they decide whether it is published.
 *
 * | pattern | means |
 * |---|---|
 * | `name`, `schema.name`, `gold.*` | by name, with `*` and `?` |
 * | `definitions/shop`, `shop/*.sqlx`, `path:shop` | by file, relative to the project or to `definitions/` |
 * | `tag:daily` | by tag |
 * | `state:modified`, `result:failed`, `source:orders` | by what the caller knows |
 * | `+x`, `x+`, `2+x`, `x+1` | with dependencies before, dependents after, at most so many steps away |
 *
 * @throws AquiferError `unknown-action` (naming the nearest) or `ambiguous-action`
 * @example selectActions(graph, { actions: ["+gold.orders", "tag:daily"], exclude: ["path:legacy"] })
 */
export function selectActions(graph: CompiledGraph, selection: Selection): Set<string> {
  const nodes = actionGraph(graph);
  const named = selection.actions !== undefined || selection.tags !== undefined;
  const selected = new Set<string>(named ? [] : nodes.keys());
  for (const pattern of selection.actions ?? []) add(selected, matchPattern(nodes, pattern, selection));
  for (const tag of selection.tags ?? []) add(selected, byTag(nodes, tag));
  if (selection.includeDeps === true) add(selected, reachable(nodes, selected, "dependencies"));
  if (selection.includeDependents === true) add(selected, reachable(nodes, selected, "dependents"));
  addInlineAssertions(nodes, selected);
  const excluded = new Set<string>();
  for (const pattern of selection.exclude ?? []) add(excluded, matchPattern(nodes, pattern, selection));
  addInlineAssertions(nodes, excluded);
  for (const key of excluded) selected.delete(key);
  return selected;
}

function addInlineAssertions(nodes: ActionGraph, keys: Set<string>): void {
  for (const node of nodes.values()) {
    if (node.kind !== "assertion" || node.action.parentAction === undefined) continue;
    if (keys.has(actionKey(node.action.parentAction))) keys.add(node.key);
  }
}

function matchPattern(nodes: ActionGraph, pattern: string, selection: Selection): Set<string> {
  const parsed = /^(?:(\d*)\+)?(.*?)(?:\+(\d*))?$/s.exec(pattern);
  const [, before, base = "", after] = parsed ?? [];
  const matched = matchBase(nodes, base, selection);
  const found = new Set(matched);
  if (before !== undefined) add(found, reachable(nodes, matched, "dependencies", steps(before)));
  if (after !== undefined) add(found, reachable(nodes, matched, "dependents", steps(after)));
  return found;
}

function steps(digits: string): number {
  return digits === "" ? Infinity : Number(digits);
}

function matchBase(nodes: ActionGraph, base: string, selection: Selection): Set<string> {
  const [, kind, value = ""] = /^(tag|path|state|result|source):(.*)$/s.exec(base) ?? [];
  switch (kind) {
    case "tag":
      return byTag(nodes, value);
    case "path":
      return byPath(nodes, value);
    case "state":
    case "result":
    case "source": {
      const keys = selection.lookUp?.({ kind, value });
      if (keys === undefined) throw unknown(base, "selector", []);
      return new Set([...keys].filter((key) => nodes.has(key)));
    }
    default:
      return base.includes("/") || /\.(sqlx|js|ya?ml)$/.test(base)
        ? byPath(nodes, base)
        : byName(nodes, base);
  }
}

function byName(nodes: ActionGraph, pattern: string): Set<string> {
  const wild = /[*?]/.test(pattern);
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "s",
  );
  const found = keysWhere(nodes, (node) => namesOf(node).some((name) => expression.test(name)));
  if (found.size === 0) throw unknown(pattern, "action", [...nodes.values()].flatMap(namesOf));
  if (!wild && found.size > 1) {
    throw new AquiferError(`Ambiguous action name: ${pattern}`, {
      code: "ambiguous-action",
      exitCode: exitCodes.usage,
      hint: `Name its schema: ${[...found].join(", ")}.`,
    });
  }
  return found;
}

/** The ways a user may name an action. */
function namesOf(node: ActionNode): string[] {
  const { database, name = "" } = node.action.target;
  return [name, node.key, ...(database ? [`${database}.${node.key}`] : [])];
}

function byTag(nodes: ActionGraph, tag: string): Set<string> {
  const found = keysWhere(nodes, (node) => node.action.tags?.includes(tag) === true);
  if (found.size === 0)
    throw unknown(
      tag,
      "tag",
      [...nodes.values()].flatMap((node) => node.action.tags ?? []),
    );
  return found;
}

function byPath(nodes: ActionGraph, path: string): Set<string> {
  const trimmed = path.replace(/^\.\//, "").replace(/\/+$/, "");
  const globs = [trimmed, `${trimmed}/**`].flatMap((glob) => [glob, `definitions/${glob}`]);
  const matches = picomatch(globs);
  const found = keysWhere(nodes, (node) => matches(node.action.fileName ?? ""));
  if (found.size === 0)
    throw unknown(
      path,
      "path",
      [...nodes.values()].map((node) => node.action.fileName ?? ""),
    );
  return found;
}

function keysWhere(nodes: ActionGraph, test: (node: ActionNode) => boolean): Set<string> {
  return new Set([...nodes.values()].filter(test).map((node) => node.key));
}

function add(target: Set<string>, keys: Iterable<string>): void {
  for (const key of keys) target.add(key);
}

function unknown(wanted: string, what: string, known: readonly string[]): AquiferError {
  const nearest = nearestName(wanted, known);
  return new AquiferError(`No ${what} matches "${wanted}"`, {
    code: `unknown-${what}`,
    exitCode: exitCodes.usage,
    ...(nearest === undefined ? {} : { hint: `Did you mean "${nearest}"?` }),
  });
}

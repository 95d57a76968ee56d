import { loadModule, parseSync, SqlError } from "libpg-query";
import { formatRelation } from "../base/identifiers.js";

/** Loads PostgreSQL's parser (WebAssembly, some 20 ms); to be awaited once before `hasHiddenInput`. */
export const loadParser: () => Promise<void> = loadModule;

type Node = Readonly<Record<string, unknown>>;

/** Literals that the server reads as the time of the statement when they become a date or a timestamp. */
const clockLiteral = /^[\s\d:.+-]*(now|today|tomorrow|yesterday)([\s\d:.+-]|allballs|z|utc|am|pm)*$/i;

/**
 * True when the result of statements depends on something that their text and the relations in `known` do not tell: another
 * relation, `date 'today'`, a `do` block, or a text that the parser does not take.
 *
 * @param texts statements of one action, in order
 * @param known relations as `schema.name`
 * @example hasHiddenInput(["select * from erp.rates"], new Set()) // true
 */
export function hasHiddenInput(texts: readonly string[], known: ReadonlySet<string>): boolean {
  const made = new Set<string>();
  return texts.some((text) => {
    const tree = parse(text);
    return tree === undefined || readsHidden(tree, known, made);
  });
}

function parse(text: string): unknown {
  try {
    return parseSync(text);
  } catch (thrown) {
    if (!(thrown instanceof SqlError)) throw thrown;
    return undefined;
  }
}

function readsHidden(tree: unknown, known: ReadonlySet<string>, made: Set<string>): boolean {
  const read: string[] = [];
  const ofWith = new Set<string>();
  let isHidden = false;
  walk(tree, (node) => {
    if ("DoStmt" in node || clockLiteral.test(textOf(child(child(node, "A_Const"), "sval")["sval"])))
      isHidden = true;
    if (typeof node["ctename"] === "string") ofWith.add(node["ctename"]);
    const created = [
      child(child(node, "CreateStmt"), "relation"),
      child(child(node, "ViewStmt"), "view"),
      child(child(node, "into"), "rel"),
    ];
    for (const each of created) if ("relname" in each) made.add(nameOf(each));
    if ("relname" in node) read.push(nameOf(node));
  });
  return isHidden || read.some((name) => !known.has(name) && !made.has(name) && !ofWith.has(name));
}

/** `schema.name`, or the bare name of what search_path finds. */
function nameOf({ schemaname, relname }: Node): string {
  const [schema, name] = [textOf(schemaname), textOf(relname)];
  return schema === "" || schema === "pg_temp" ? name : formatRelation({ schema, name });
}

function child(node: Node, key: string): Node {
  const value = node[key];
  return typeof value === "object" && value !== null ? (value as Node) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, visit);
  } else if (typeof value === "object" && value !== null) {
    visit(value as Node);
    for (const each of Object.values(value)) walk(each, visit);
  }
}

/**
 * PostgreSQL's own text form of an analysed query (`pg_node_tree`, `src/backend/nodes/outfuncs.c`): `{NODE :field value}`,
 * lists in parentheses, `<>` for nothing.
 */
export type NodeValue = string | undefined | TreeNode | readonly NodeValue[];

export interface TreeNode {
  /** `QUERY`, `TARGETENTRY`, `VAR` ... */
  readonly node: string;
  readonly fields: Readonly<Record<string, NodeValue>>;
}

/** Reads a `pg_node_tree`. Constants arrive as the list of their tokens. */
export function readNodeTree(text: string): NodeValue {
  // As pg_strtok: brackets stand alone, a backslash takes the next character along.
  const tokens = text.match(/[(){}]|(?:\\[^]|[^\s(){}\\])+/g) ?? [];
  let at = 0;
  const value = (): NodeValue => {
    const token = tokens[at++];
    if (token === "{") return node();
    if (token === "(") return list();
    return token === "<>" ? undefined : token?.replace(/\\([^])/g, "$1");
  };
  const list = (): NodeValue[] => {
    const values: NodeValue[] = [];
    while (at < tokens.length && tokens[at] !== ")") values.push(value());
    at += 1;
    return values;
  };
  const node = (): TreeNode => {
    const name = tokens[at++] ?? "";
    const fields: Record<string, NodeValue> = {};
    while (at < tokens.length && tokens[at] !== "}") {
      const field = (tokens[at++] ?? "").slice(1);
      // Every field has a value, which may itself begin with a colon; a constant's bytes are several.
      const values = [value()];
      while (at < tokens.length && tokens[at] !== "}" && tokens[at]?.startsWith(":") !== true)
        values.push(value());
      fields[field] = values.length === 1 ? values[0] : values;
    }
    at += 1;
    return { node: name, fields };
  };
  return value();
}

export function isNode(value: NodeValue): value is TreeNode {
  return typeof value === "object" && !Array.isArray(value);
}

/** The nodes of a list. */
export function nodes(value: NodeValue): TreeNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function number(value: NodeValue): number {
  return typeof value === "string" ? Number(value) : 0;
}

/** All values of a field at any depth, not looking into subqueries. */
export function valuesOf(value: NodeValue, field: string): NodeValue[] {
  if (Array.isArray(value)) return (value as readonly NodeValue[]).flatMap((each) => valuesOf(each, field));
  if (!isNode(value) || value.node === "QUERY") return [];
  return Object.entries(value.fields).flatMap(([name, each]) => [
    ...(name === field && each !== undefined ? [each] : []),
    ...valuesOf(each, field),
  ]);
}

/** The queries one level below, wherever they stand. */
export function subqueries(value: NodeValue): TreeNode[] {
  if (Array.isArray(value)) return (value as readonly NodeValue[]).flatMap(subqueries);
  if (!isNode(value)) return [];
  return value.node === "QUERY" ? [value] : Object.values(value.fields).flatMap(subqueries);
}

/** An item of a list, counted from 1. */
export function itemOf(value: NodeValue, index: number): NodeValue {
  if (!Array.isArray(value)) return undefined;
  return index > 0 ? (value as readonly NodeValue[])[index - 1] : value;
}

export function text(value: NodeValue): string {
  return typeof value === "string" ? value : "";
}

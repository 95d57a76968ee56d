import { parseStatement, walk, type ParsedStatement } from "./parse-statement.js";

/** A text that may be the name of a relation: `'silver.orders'::regclass`. */
const maybeName = /^(?:"?([\w$]+)"?\.)?"?([\w$]+)"?$/;

/**
 * Every `schema.name` that statements name as a relation, as the type of its rows or in a text; where no schema is named,
 * in `public`. More than they read, perhaps, and never less but for what functions read.
 */
export function namedKeys(statements: readonly ParsedStatement[]): string[] {
  const found = new Set<string>();
  walk(
    statements.map((each) => each.tree),
    ({ schemaname, relname, names, sval }) => {
      if (typeof relname === "string") {
        found.add(`${typeof schemaname === "string" ? schemaname : "public"}.${relname}`);
      }
      const [, schema = "public", name] = typeof sval === "string" ? (maybeName.exec(sval) ?? []) : [];
      if (name !== undefined) found.add(`${schema}.${name}`);
      const type = Array.isArray(names) ? names.map(word) : [];
      if (type.length === 1) found.add(`public.${type[0] ?? ""}`);
      if (type.length === 2) found.add(type.join("."));
    },
  );
  return [...found];
}

/** `namedKeys` of a text; none where it does not parse. */
export function textReads(text: string): string[] {
  const parsed = parseStatement(text);
  return parsed.ok ? namedKeys(parsed.statements) : [];
}

function word(node: unknown): string {
  return (node as { String?: { sval?: string } } | null)?.String?.sval ?? "";
}

import { loadModule, parseSync, SqlError } from "libpg-query";

/** What PostgreSQL's parser makes of a text of one or several statements. */
export type Parsed =
  | { readonly ok: true; readonly statements: readonly ParsedStatement[] }
  | {
      readonly ok: false;
      readonly message: string;
      /** Counted in characters (code points) from 1, as the server counts. */
      readonly position: number;
    };

/** The parse tree of one statement (`pg_query`'s JSON), by its kind: `SelectStmt`, `DropStmt` ... */
export interface ParsedStatement {
  readonly kind: string;
  readonly tree: unknown;
  /** Without the semicolon that ends it. */
  readonly text: string;
}

/** A relation that a statement names with its schema. */
export interface NamedRelation {
  readonly schema: string;
  readonly name: string;
}

/** Loads the parser (WebAssembly, some 20 ms); to be awaited once before `parseStatement`. */
export const loadParser: () => Promise<void> = loadModule;

/** Parses a text of statements, as PostgreSQL 18 would. */
export function parseStatement(text: string): Parsed {
  // The parser refuses to be asked about nothing.
  if (text.trim() === "") return { ok: true, statements: [] };
  try {
    const { stmts = [] } = parseSync(text);
    const bytes = stmts.length > 1 ? Buffer.from(text) : undefined;
    const statements = stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
      const own =
        bytes?.subarray(start, length === undefined ? undefined : start + length).toString() ?? text;
      return Object.entries(stmt ?? {}).map(([kind, tree]): ParsedStatement => ({ kind, tree, text: own }));
    });
    return { ok: true, statements };
  } catch (thrown) {
    if (!(thrown instanceof SqlError)) throw thrown;
    return { ok: false, message: thrown.message, position: (thrown.sqlDetails?.cursorPosition ?? 0) + 1 };
  }
}

/** Every relation that the statements name with a schema, each once. */
export function namedRelations(statements: readonly ParsedStatement[]): NamedRelation[] {
  const found = new Map<string, NamedRelation>();
  walk(
    statements.map((each) => each.tree),
    (node) => {
      const { schemaname, relname } = node;
      if (typeof schemaname !== "string" || typeof relname !== "string") return;
      found.set(JSON.stringify([schemaname, relname]), { schema: schemaname, name: relname });
    },
  );
  return [...found.values()];
}

/** What the statements destroy: `drop table`, `truncate`, `delete without where`. */
export function destructions(statements: readonly ParsedStatement[]): string[] {
  return statements.flatMap(({ kind, tree }) => {
    const node = tree as Readonly<Record<string, unknown>>;
    if (kind === "TruncateStmt") return ["truncate"];
    if (kind === "DropStmt" && typeof node["removeType"] === "string") {
      return [`drop ${node["removeType"].replace("OBJECT_", "").toLowerCase()}`];
    }
    if (kind === "DeleteStmt" && node["whereClause"] === undefined && node["usingClause"] === undefined) {
      return ["delete without where"];
    }
    return [];
  });
}

/** True when a statement inserts, updates, deletes or merges, itself or inside `with`. */
export function changesData({ kind, tree }: ParsedStatement): boolean {
  const changing = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];
  let found = changing.includes(kind);
  walk(tree, (node) => {
    found ||= changing.some((each) => each in node);
  });
  return found;
}

/** Calls back for every object of a parse tree. */
export function walk(value: unknown, visit: (node: Readonly<Record<string, unknown>>) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, visit);
  } else if (typeof value === "object" && value !== null) {
    visit(value as Readonly<Record<string, unknown>>);
    for (const each of Object.values(value)) walk(each, visit);
  }
}

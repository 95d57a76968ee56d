/** A relation that a report reads, as the project names it (before `--schema-suffix` and the like). */
export interface ReportRef {
  readonly kind: "ref";
  readonly schema: string;
  readonly name: string;
}

/** A value that travels as a parameter. */
export type SqlValue = string | number | boolean | null;

/** SQL with holes: what stands between them, as written, and what fills them. */
export interface SqlTemplate {
  readonly kind: "sql";
  /** One more than `holes`. */
  readonly parts: readonly string[];
  readonly holes: readonly (ReportRef | SqlTemplate | SqlValue)[];
}

/**
 * A relation of the warehouse, for use inside `sql`: this is how lineage knows what a report reads.
 *
 * @example sql`select * from ${ref("gold", "orders")}`
 */
export function ref(schema: string, name: string): ReportRef {
  return { kind: "ref", schema, name };
}

/**
 * The SQL of a report's query. A hole takes a `ref`, another `sql`, or a value, which travels as a parameter.
 *
 * @example sql`select region from ${ref("gold", "orders")} where year = ${2024}`
 */
export function sql(
  strings: TemplateStringsArray,
  ...holes: readonly (ReportRef | SqlTemplate | SqlValue)[]
): SqlTemplate {
  return { kind: "sql", parts: [...strings], holes };
}

/** Every relation that a template reads, each once. */
export function refsOf(template: SqlTemplate): ReportRef[] {
  const found = new Map<string, ReportRef>();
  const visit = (each: SqlTemplate): void => {
    for (const hole of each.holes) {
      if (hole === null || typeof hole !== "object") continue;
      if (hole.kind === "ref") found.set(JSON.stringify([hole.schema, hole.name]), hole);
      else visit(hole);
    }
  };
  visit(template);
  return [...found.values()];
}

/** A stretch of a statement that stands in the report's file word for word. */
export interface SqlPiece {
  readonly part: string;
  /** Where it starts in the statement, in UTF-16 units. */
  readonly start: number;
}

export interface RenderedSql {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly pieces: readonly SqlPiece[];
}

/** The statement of a template: refs written by `relation`, values as `$1`, `$2` ... */
export function renderSql(template: SqlTemplate, relation: (ref: ReportRef) => string): RenderedSql {
  let text = "";
  const values: SqlValue[] = [];
  const pieces: SqlPiece[] = [];
  const write = (each: SqlTemplate): void => {
    each.parts.forEach((part, index) => {
      pieces.push({ part, start: text.length });
      text += part;
      if (index >= each.holes.length) return;
      const hole = each.holes[index];
      if (hole !== null && typeof hole === "object") {
        if (hole.kind === "ref") text += relation(hole);
        else write(hole);
      } else {
        values.push(hole ?? null);
        text += `$${values.length}`;
      }
    });
  };
  write(template);
  return { text, values, pieces };
}

import type { Queryable } from "../warehouse/warehouse.js";
import type { ColumnKey, ColumnLineage, Lineage } from "./project-lineage.js";
import type { ColumnNumber, QueryLineage, WriteLineage } from "./query-lineage.js";

/** A column by name, with the relation that it is a column of. */
export interface NamedColumn {
  readonly key: ColumnKey;
  readonly relation: string;
}

/** Columns of the warehouse by the catalog's numbers; column 0 gives all of a relation. */
export type ColumnNames = ReadonlyMap<ColumnNumber, readonly NamedColumn[]>;

export async function readColumnNames(session: Queryable): Promise<ColumnNames> {
  const { rows } = await session.query<{ relation: number; column: number; name: string; of: string }>(
    `select a.attrelid as relation, a.attnum as column, a.attname as name, n.nspname || '.' || c.relname as of
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
       and n.nspname not in ('pg_catalog', 'information_schema')
     order by a.attrelid, a.attnum`,
  );
  const names = new Map<ColumnNumber, NamedColumn[]>();
  for (const { relation, column, name, of } of rows) {
    const named = { key: `${of}.${name}`, relation: of };
    names.set(`${relation}.${column}`, [named]);
    const whole = names.get(`${relation}.0`);
    if (whole) whole.push(named);
    else names.set(`${relation}.0`, [named]);
  }
  return names;
}

/** Gathers lineage by the catalog's numbers as lineage by names. Temporary tables give way to what they were filled from. */
export class LineageCollector {
  private readonly gathered = new Map<ColumnKey, ColumnLineage>();
  private readonly temporary = new Map<ColumnNumber, Pick<WriteLineage, "from" | "through">>();

  constructor(private readonly names: ColumnNames) {}

  get lineage(): Lineage {
    return this.gathered;
  }

  /** The outputs of a query, as columns of what it makes. */
  addQuery(subject: string, { outputs, through }: QueryLineage): void {
    for (const { name, from } of outputs) this.add(subject, `${subject}.${name}`, { from, through });
  }

  /** Columns that statements write. */
  addWrites(writes: readonly WriteLineage[]): void {
    for (const { column, from, through } of writes) {
      const named = this.names.get(column);
      for (const { key, relation } of named ?? []) this.add(relation, key, { from, through });
      if (named !== undefined) continue;
      const before = this.temporary.get(column);
      this.temporary.set(column, {
        from: new Set([...(before?.from ?? []), ...from]),
        through: new Set([...(before?.through ?? []), ...through]),
      });
    }
  }

  private add(subject: string, key: ColumnKey, lineage: Pick<WriteLineage, "from" | "through">): void {
    const before = this.gathered.get(key);
    const found = { from: new Set(before?.from), through: new Set(before?.through) };
    for (const column of lineage.from) this.resolve(column, found.from, found.through, new Set());
    // What chooses the rows of a temporary table chooses the rows of what is made from it.
    for (const column of lineage.through) this.resolve(column, found.through, found.through, new Set());
    this.gathered.set(key, { subject, from: [...found.from].sort(), through: [...found.through].sort() });
  }

  private resolve(
    column: ColumnNumber,
    into: Set<ColumnKey>,
    through: Set<ColumnKey>,
    above: ReadonlySet<ColumnNumber>,
  ): void {
    for (const { key } of this.names.get(column) ?? []) into.add(key);
    const temporary = above.has(column) ? undefined : this.temporary.get(column);
    if (temporary === undefined) return;
    const path = new Set([...above, column]);
    for (const each of temporary.from) this.resolve(each, into, through, path);
    for (const each of temporary.through) this.resolve(each, through, through, path);
  }
}

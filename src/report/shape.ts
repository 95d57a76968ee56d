/** Shaping rows in a report's body: small, pure, and the same on the server and in the page. */

type NumberColumn<R> = { [K in keyof R]: R[K] extends number | null ? K : never }[keyof R];

/**
 * The sum of a column; null where there are no rows, because nothing known is not zero.
 *
 * @example total([{ n: 2 }, { n: 3 }], "n") // 5
 */
export function total<R>(rows: readonly R[], column: NumberColumn<R>): number | null {
  if (rows.length === 0) return null;
  return rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);
}

/** `part / whole`; null where either is unknown or the whole is 0. */
export function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}

/**
 * One row per distinct value of a column (or combination of columns), with sums, in order of first appearance.
 *
 * @example sumBy(orders, ["region"], ["amount"]) // [{ region: "north", amount: 12 }, ...]
 */
export function sumBy<R, K extends keyof R, V extends NumberColumn<R>>(
  rows: readonly R[],
  keys: readonly K[],
  columns: readonly V[],
): (Pick<R, K> & Record<V, number>)[] {
  const found: Record<PropertyKey, unknown>[] = [];
  const tree: GroupTree = new Map();
  for (const row of rows) {
    const group = groupOf(tree, row, keys, () => {
      const fresh: Record<PropertyKey, unknown> = {};
      for (const name of keys) fresh[name] = row[name];
      for (const name of columns) fresh[name] = 0;
      found.push(fresh);
      return fresh;
    });
    for (const name of columns) group[name] = Number(group[name]) + Number(row[name] ?? 0);
  }
  return found as (Pick<R, K> & Record<V, number>)[];
}

/** A map of maps, one level a key: no text is made per row, since a filter regroups tens of thousands while a reader waits. */
type GroupTree = Map<unknown, GroupTree | Record<PropertyKey, unknown>>;

function groupOf<R>(
  tree: GroupTree,
  row: R,
  keys: readonly (keyof R)[],
  make: () => Record<PropertyKey, unknown>,
): Record<PropertyKey, unknown> {
  let level = tree;
  for (let depth = 0; depth < keys.length - 1; depth++) {
    const key = comparable(row[keys[depth] as keyof R]);
    let next = level.get(key) as GroupTree | undefined;
    if (next === undefined) {
      next = new Map();
      level.set(key, next);
    }
    level = next;
  }
  const last = comparable(row[keys.at(-1) as keyof R]);
  const known = level.get(last) as Record<PropertyKey, unknown> | undefined;
  if (known !== undefined) return known;
  const fresh = make();
  level.set(last, fresh);
  return fresh;
}

function comparable(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : value;
}

/** Rows from the largest value of a column to the smallest; at most `count` of them. */
export function largest<R>(rows: readonly R[], column: NumberColumn<R>, count = Infinity): R[] {
  return [...rows]
    .sort((a, b) => Number(b[column] ?? -Infinity) - Number(a[column] ?? -Infinity))
    .slice(0, count);
}

/** Rows in the order of a column's values: numbers and dates by size, texts by the alphabet with their numbers by size. */
export function inOrder<R>(rows: readonly R[], column: keyof R): R[] {
  return [...rows].sort((a, b) => compareValues(a[column], b[column]));
}

/** Orders values for people: nulls last, `9s` before `10s`. */
export function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  if (typeof a === "string" && typeof b === "string") return collator.compare(a, b);
  return Number(a) - Number(b);
}

const collator = new Intl.Collator("en", { numeric: true });

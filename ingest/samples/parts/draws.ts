const [first, second] = [0x21f0aaad, 0x735a2d97];

/** Scrambles 32 bits (lowbias32 of C. Wellons); `mixedSql` is the same in DuckDB. */
export function mixed(value: number): number {
  let x = value >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, first);
  x ^= x >>> 15;
  x = Math.imul(x, second);
  x ^= x >>> 15;
  return x >>> 0;
}

/** A query like `query` with the scrambled bits of an expression as a column more. */
export function mixedSql(query: string, expression: string, column: string): string {
  return `
select * exclude (x), xor(x, x >> 15) as ${column} from (
  select * replace ((xor(x, x >> 15) * ${second}) & 4294967295 as x) from (
    select * replace ((xor(x, x >> 16) * ${first}) & 4294967295 as x) from (
      select *, (${expression})::ubigint as x from (${query}))))`;
}

/** Numbers of 32 bits that belong to a thing and a time: no state, so any row can be made without those before it. */
export function drawer(seed: number, topic: number): (thing: number, time?: number) => number {
  const base = drawerBase(seed, topic);
  return (thing, time = 0) => mixed(mixed(base ^ thing) ^ time);
}

/** What `drawer` starts from. */
export function drawerBase(seed: number, topic: number): number {
  return mixed(seed * 64 + topic);
}

/**
 * One of so many rows has each flaw, whatever the size, so that a small sample has all of them and the share of a large one
 * is known.
 *
 * @param row counted from anywhere
 * @param rows about how many rows there will be
 */
export function flawOf<Flaw extends string>(
  flaws: readonly Flaw[],
  row: number,
  rows: number,
): Flaw | undefined {
  return flaws[row % flawEvery(flaws.length, rows)];
}

/** Each flaw comes once in this many rows. */
export function flawEvery(flaws: number, rows: number): number {
  return Math.max(flaws, Math.min(1000, Math.floor(rows / 3)));
}

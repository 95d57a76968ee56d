type JsonRow = Readonly<Record<string, unknown>>;

/**
 * Says how two sets of rows differ: rows that are alike but for some cells are put side by side, the others named as
 * missing or unexpected. Empty when there is no difference.
 *
 * @example
 * describeDifference([{ id: 1, n: "a" }], [{ id: 1, n: "b" }])
 * // ['row {"id":1}: n is "b", expected "a"']
 */
export function describeDifference(missing: readonly JsonRow[], unexpected: readonly JsonRow[]): string[] {
  const left = [...unexpected];
  const lines: string[] = [];
  for (const row of missing) {
    const columns = Object.keys(row);
    const differing = (other: JsonRow): string[] =>
      columns.filter((column) => !same(row[column], other[column]));
    const best = left
      .map((other, index) => ({ index, other, cells: differing(other) }))
      .sort((a, b) => a.cells.length - b.cells.length)[0];
    // More than half of the cells differ: these are not the same row.
    if (best === undefined || best.cells.length * 2 > columns.length) {
      lines.push(`missing:    ${JSON.stringify(row)}`);
      continue;
    }
    left.splice(best.index, 1);
    const rest = Object.fromEntries(
      columns.filter((column) => !best.cells.includes(column)).map((c) => [c, row[c]]),
    );
    const cells = best.cells.map(
      (column) =>
        `${column} is ${JSON.stringify(best.other[column])}, expected ${JSON.stringify(row[column])}`,
    );
    lines.push(`row ${JSON.stringify(rest)}: ${cells.join("; ")}`);
  }
  lines.push(...left.map((row) => `unexpected: ${JSON.stringify(row)}`));
  return lines;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

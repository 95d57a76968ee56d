import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextRanges } from "../../src/ingest/text-ranges.js";

const bytes = 200_000_000;

/** All that one taker is given, with pauses of so many turns of the event loop between. */
async function takeAll(ranges: TextRanges, pauses: readonly number[]): Promise<[number, number, number][]> {
  const pieces: [firstRow: number, from: number, until: number][] = [];
  let pause = 0;
  for (let range = await ranges.take(); range; range = await ranges.take()) {
    for await (const [from, until] of range.pieces) {
      pieces.push([range.firstRow, from, until]);
      for (let turns = pauses[pause++ % pauses.length] ?? 0; turns > 0; turns--) await turn();
    }
  }
  return pieces;
}

/** Ascending places of records of a hundred bytes, the first at 100. */
const places = fc
  .array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 60 })
  .map((steps) => {
    let records = 0;
    return steps
      .map((step) => (records += step))
      .filter((count) => 100 + 100 * count < bytes)
      .map((count) => ({ offset: 100 + 100 * count, rows: count, line: count + 2 }));
  });
const pauses = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 10 });

test("every byte is taken once, with the number of its record, however looking and copying take turns", async () => {
  await fc.assert(
    fc.asyncProperty(places, pauses, fc.tuple(pauses, pauses), async (known, looking, copying) => {
      const ranges = new TextRanges(bytes);
      const taken = Promise.all(copying.map((each) => takeAll(ranges, each)));
      ranges.begin({ from: 100, asText: true });
      for (const [index, place] of known.entries()) {
        ranges.reach(place);
        for (let turns = looking[index % looking.length] ?? 0; turns > 0; turns--) await turn();
      }
      ranges.end(true);
      const pieces = (await taken).flat().sort(([, a], [, b]) => a - b);
      expect(pieces[0]?.[1]).toBe(100);
      expect(pieces.at(-1)?.[2]).toBe(Infinity);
      const ends = new Set([Infinity, ...known.map(({ offset }) => offset)]);
      for (const [index, [firstRow, from, until]] of pieces.entries()) {
        const before = pieces[index - 1];
        if (before) expect(from).toBe(before[2]);
        if (before?.[0] !== firstRow) expect(firstRow).toBe((from - 100) / 100 + 1);
        expect(ends).toContain(until);
      }
    }),
    { numRuns: 300 },
  );
});

test("two who copy a text take most of it at once, and little at last", async () => {
  const ranges = new TextRanges(bytes);
  ranges.begin({ from: 0, asText: true });
  for (let offset = 1e6; offset < bytes; offset += 1e6) ranges.reach({ offset, rows: offset / 100, line: 1 });
  ranges.end(true);
  const sizes: number[] = [];
  for (let range = await ranges.take(); range; range = await ranges.take()) {
    let size = 0;
    for await (const [from, until] of range.pieces) size += Math.min(until, bytes) - from;
    sizes.push(size / bytes);
  }
  expect(sizes.map((size) => Math.round(100 * size))).toEqual([45, 45, 2, 2, 2, 2, 2]);
});

test.each(["waits for its first range", "waits for more of its range", "comes later"])(
  "who %s of a text that is not what it began as is told",
  async (who) => {
    const ranges = new TextRanges(bytes);
    const early = who === "comes later" ? undefined : takeAll(ranges, [0]);
    const told = early && expect(early).rejects.toThrow("not what it began as");
    if (who === "waits for more of its range") {
      ranges.begin({ from: 0, asText: true });
      ranges.reach({ offset: 1000, rows: 10, line: 11 });
    }
    await turn();
    ranges.end(false);
    ranges.end(true);
    await told;
    await expect(ranges.take()).rejects.toThrow("not what it began as");
  },
);

import fc from "fast-check";
import { expect, test } from "vitest";
import { DistinctValues } from "../../src/ingest/distinct-values.js";

function holdsFor(values: readonly string[], most?: number): boolean {
  const distinct = new DistinctValues(most);
  for (const value of values) {
    const bytes = Buffer.from(`<${value}>`);
    distinct.add(bytes, 1, bytes.length - 1);
  }
  return distinct.holds;
}

test("values are different when and only when a set keeps them all", () => {
  const value = fc.string({ unit: fc.constantFrom("", "0", "1", "a", "é", "\u0000"), maxLength: 4 });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), (values) => {
      expect(holdsFor(values)).toBe(new Set(values).size === values.length);
    }),
    { numRuns: 2000 },
  );
});

test("many values of one form are told apart, and one that stands again is found however far away", () => {
  const values = Array.from(
    { length: 300_000 },
    (_, row) => `M${String((row * 7919) % 300_000).padStart(8, "0")}`,
  );
  expect(holdsFor(values)).toBe(true);
  expect(holdsFor([...values, values[0] ?? ""])).toBe(false);
  expect(holdsFor([...values, values[200_001] ?? "", "x"])).toBe(false);
});

test("more values than there is room for are not said to be different", () => {
  expect(holdsFor(["a", "b", "c"], 3)).toBe(true);
  expect(holdsFor(["a", "b", "c", "d"], 3)).toBe(false);
});

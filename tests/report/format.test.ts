import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { formatValue } from "../../src/report/format-value.js";
import { decodeRows, encodeRows } from "../../src/report/columnar.js";
import { say } from "../../src/report/words.js";
import { light, dark, type Palette } from "../../src/report/theme.js";

const plain = (text: string): string => text.replaceAll("\u00a0", " ").replaceAll("\u202f", " ");

describe("values in words", () => {
  it.each([
    ["en", 41188, { as: "number" }, "41,188"],
    ["en", 0.523842, { as: "percent", digits: 2 }, "52.38%"],
    ["en", 1234.5, undefined, "1,234.5"],
    ["en", 2024, { as: "year" }, "2024"],
    ["en", new Date("2024-01-31"), { as: "date" }, "31 Jan 2024"],
    ["en", new Date("2024-01-31"), { as: "month" }, "Jan 2024"],
    ["id-ID", 1234.5, undefined, "1.234,5"],
    ["id-ID", 1_234_567_890, { as: "currency", currency: "IDR", compact: true }, "Rp 1,2 M"],
    ["id-ID", 1_500_000, { as: "currency", currency: "IDR" }, "Rp 1.500.000"],
    ["id-ID", 0.5238, { as: "percent", digits: 2 }, "52,38%"],
    ["id-ID", new Date("2024-08-17"), { as: "month" }, "Agu 2024"],
    ["en", null, { as: "number" }, "–"],
    ["en", Number.NaN, { as: "number" }, "–"],
    ["id-ID", true, undefined, "ya"],
  ] as const)("writes in %s %o as %o: %s", (locale, value, format, expected) => {
    expect(plain(formatValue(locale, value, format))).toBe(expected);
  });

  it("fills the holes of the dictionary's sentences in both languages", () => {
    for (const locale of ["en", "id-ID"] as const) {
      expect(say(locale, "page", { page: "2", pages: "9" })).toMatch(/2 .* 9/);
      expect(say(locale, "page")).toContain("{pages}");
    }
  });
});

describe("columns of a page's data", () => {
  it("give back the rows they were made of", () => {
    const day = fc.integer({ min: -100_000, max: 100_000 }).map((days) => new Date(days * 86_400_000));
    const row = fc.record({
      name: fc.option(fc.string({ unit: "binary" })),
      count: fc.option(fc.maxSafeInteger()),
      rate: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
      open: fc.option(fc.boolean()),
      on: fc.option(day),
      at: fc.option(fc.date({ noInvalidDate: true })),
    });
    const columns = {
      name: { type: "text" },
      count: { type: "integer" },
      rate: { type: "number" },
      open: { type: "boolean" },
      on: { type: "date" },
      at: { type: "timestamp" },
    } as const;
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const travelled = JSON.parse(JSON.stringify(encodeRows(rows, columns))) as ReturnType<
          typeof encodeRows
        >;
        expect(decodeRows(travelled)).toEqual(rows.map((each) => ({ ...each })));
      }),
    );
  });
});

describe("the palettes", () => {
  const pairs = ({
    text,
    muted,
    accent,
    good,
    bad,
    page,
    surface,
    warning,
    onAccent,
    onGrey,
    grey,
  }: Palette): [string, string, string, number][] => [
    ["text on page", text, page, 4.5],
    ["text on surface", text, surface, 4.5],
    ["text on warning", text, warning, 4.5],
    ["muted on page", muted, page, 4.5],
    ["muted on surface", muted, surface, 4.5],
    ["accent on page", accent, page, 4.5],
    ["good on surface", good, surface, 4.5],
    ["bad on surface", bad, surface, 4.5],
    ["text on accent", onAccent, accent, 4.5],
    ["text on grey", onGrey, grey, 4.5],
  ];
  it.each([
    ["light", light],
    ["dark", dark],
  ] as const)("keep 4.5:1 for texts and 3:1 for marks, %s", (_, palette) => {
    for (const [what, first, second, least] of pairs(palette)) {
      expect.soft(contrast(first, second), what).toBeGreaterThanOrEqual(least);
    }
    for (const color of [...palette.series, palette.grey, palette.accent, palette.control]) {
      expect.soft(contrast(color, palette.surface), color).toBeGreaterThanOrEqual(3);
    }
  });
});

/** WCAG 2.2's contrast ratio of two colours `#rrggbb`. */
function contrast(first: string, second: string): number {
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = parseInt(color.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(first), luminance(second)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

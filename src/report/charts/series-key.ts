import { text, type Markish } from "@observablehq/plot";
import type { ChartTheme } from "../../project/report.js";

/** The names of a chart's series in rows above it, each behind a square of its colour. */
export interface SeriesKey {
  /** Pixels that the key needs above the plot. */
  readonly height: number;
  /** Marks that draw it, in a plot with these margins. */
  marks(margins: { readonly left: number; readonly top: number }): Markish[];
}

export function seriesKey(
  labels: readonly string[],
  fills: readonly string[],
  width: number,
  theme: ChartTheme,
): SeriesKey {
  let x = 0;
  let y = 2;
  const entries = labels.map((label) => {
    const needed = Array.from(label).length * 7.4 + 34;
    if (x > 0 && x + needed > width) [x, y] = [0, y + 20];
    const entry = { label, x, y };
    x += needed;
    return entry;
  });
  return {
    height: labels.length === 0 ? 0 : y + 24,
    marks: ({ left, top }) =>
      entries.flatMap((entry, index) => {
        const at = { frameAnchor: "top-left", textAnchor: "start" } as const;
        const [dx, dy] = [entry.x - left, entry.y - top];
        return [
          text(["■"], { ...at, dx, dy, fontSize: 14, fill: fills[index] ?? theme.grey }),
          text([entry.label], { ...at, dx: dx + 16, dy: dy + 1, fontSize: 13, fill: theme.text }),
        ];
      }),
  };
}

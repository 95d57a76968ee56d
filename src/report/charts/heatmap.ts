import { axisX, axisY, cell, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { fitLabel, labelSpace } from "./axis-space.js";
import { compactFormat } from "./time-axis.js";
import { thinned } from "./columns.js";
import { tip } from "./tip.js";

export interface HeatmapOptions<R> {
  readonly across: keyof R & string;
  readonly down: keyof R & string;
  readonly value: keyof R & string;
}

/** Shares of the accent colour: on the first three the page's text can be read, on the last the accent's own. */
const steps = [0.12, 0.27, 0.44, 1];

/**
 * A grid of two categories, darker where the value is larger, in four steps of equal size: for finding where two
 * dimensions meet. A combination without a row stays blank.
 *
 * @example draw: heatmap({ across: "month", down: "region", value: "usage" })
 */
export function heatmap<R extends object>(options: HeatmapOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const of = (column: keyof R & string) => (row: R) => context.formatted(column, row[column] as Value);
    const value = (row: R): number => Number(row[options.value]);
    const known = rows.map(value).filter(Number.isFinite);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const step = (row: R): number =>
      Math.min(steps.length - 1, Math.floor(((value(row) - low) / (high - low || 1)) * steps.length));
    const down = [...new Set(rows.map(of(options.down)))];
    const across = [...new Set(rows.map(of(options.across)))];
    const marginLeft = labelSpace(down, width);
    const inner = width - marginLeft - 4;
    const present = rows.filter((row) => row[options.value] !== null);
    return {
      height: down.length * 30 + 34,
      marginTop: 4,
      marginBottom: 28,
      marginLeft,
      marginRight: 4,
      x: { domain: across, label: null, padding: 0.04 },
      y: { domain: down, label: null, padding: 0.06 },
      marks: [
        axisY({
          tickSize: 0,
          label: null,
          tickFormat: (label: string) => fitLabel(label, marginLeft),
          fontSize: 13,
        }),
        cell(present, {
          x: of(options.across),
          y: of(options.down),
          fill: theme.accent,
          fillOpacity: (row: R) => steps[step(row)] ?? 1,
          title: tip(context, [options.down, options.across, options.value]),
        }),
        text(inner / across.length < 38 ? [] : present, {
          x: of(options.across),
          y: of(options.down),
          text: (row: R) => context.format(value(row), compactFormat(context.fieldFormat(options.value))),
          fill: (row: R) => (step(row) === steps.length - 1 ? theme.onAccent : theme.text),
          fontSize: 12,
        }),
        axisX(thinned(across, inner), { tickSize: 0, label: null, fontSize: 12 }),
      ],
      opacity: { type: "identity" },
    };
  };
}

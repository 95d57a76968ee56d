import { axisY, barX, ruleX, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { fitLabel, labelSpace } from "./axis-space.js";
import { tip } from "./tip.js";

export interface BarsOptions<R> {
  readonly category: keyof R & string;
  readonly value: keyof R & string;
  /** Bars drawn in the accent colour, the rest grey; all in accent where absent. */
  readonly highlight?: (row: R) => boolean;
}

/**
 * Horizontal bars from zero, one a row, in the order of the rows, each with its value at its end: for comparing
 * categories by size.
 *
 * @example chart({ title: "Customers by job", rows: largest(byJob, "customers", 10), fields, draw: bars({ category: "job", value: "customers" }) })
 */
export function bars<R extends object>(options: BarsOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const category = (row: R): string => context.formatted(options.category, row[options.category] as Value);
    const value = (row: R): number => Number(row[options.value]);
    const shown = (row: R): string => context.formatted(options.value, row[options.value] as Value);
    const labels = rows.map(category);
    const left = labelSpace(labels, width);
    const right = Math.max(24, ...rows.map((row) => Array.from(shown(row)).length * 8 + 12));
    return {
      height: rows.length * 30 + 8,
      marginTop: 4,
      marginBottom: 4,
      marginLeft: left,
      marginRight: right,
      x: { axis: null, domain: [0, Math.max(0, ...rows.map(value)) || 1] },
      y: { domain: labels, label: null, padding: 0.22 },
      marks: [
        axisY({
          tickSize: 0,
          label: null,
          tickFormat: (label: string) => fitLabel(label, left),
          fontSize: 13,
        }),
        barX(rows, {
          x: value,
          y: category,
          fill: (row: R) => (options.highlight && !options.highlight(row) ? theme.grey : theme.accent),
          title: tip(context, [options.category, options.value]),
        }),
        text(rows, {
          x: value,
          y: category,
          text: shown,
          dx: 6,
          textAnchor: "start",
          fontSize: 13,
          fill: theme.text,
        }),
        ruleX([0], { stroke: theme.muted }),
      ],
    };
  };
}

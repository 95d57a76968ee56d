import { axisX, barY, ruleY, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { tip } from "./tip.js";

export interface ColumnsOptions<R> {
  readonly category: keyof R & string;
  readonly value: keyof R & string;
  readonly highlight?: (row: R) => boolean;
}

/**
 * Vertical columns from zero, one a row, in the order of the rows, each with its value above it: for a distribution over
 * ordered groups, such as ages.
 *
 * @example chart({ title: "Customers by age group", rows, fields, draw: columns({ category: "age_group", value: "customers" }) })
 */
export function columns<R extends object>(options: ColumnsOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme } = context;
    const narrow = context.width / Math.max(1, rows.length) < 52;
    const category = (row: R): string => context.formatted(options.category, row[options.category] as Value);
    const value = (row: R): number => Number(row[options.value]);
    const shown = (row: R): string =>
      narrow
        ? context.format(value(row), { as: "number", compact: true })
        : context.formatted(options.value, row[options.value] as Value);
    const fontSize = narrow ? 11 : 13;
    return {
      height: 300,
      marginTop: 24,
      marginBottom: 30,
      marginLeft: 4,
      marginRight: 4,
      x: { domain: rows.map(category), label: null, padding: 0.18 },
      y: { axis: null, domain: [0, Math.max(0, ...rows.map(value)) || 1] },
      marks: [
        barY(rows, {
          x: category,
          y: value,
          fill: (row: R) => (options.highlight && !options.highlight(row) ? theme.grey : theme.accent),
          title: tip(context, [options.category, options.value]),
        }),
        text(rows, { x: category, y: value, text: shown, dy: -9, fontSize, fill: theme.text }),
        ruleY([0], { stroke: theme.muted }),
        axisX({ tickSize: 0, label: null, fontSize }),
      ],
    };
  };
}

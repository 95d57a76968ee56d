import { axisX, barY, ruleY, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { compactFormat } from "./time-axis.js";
import { tip } from "./tip.js";

export interface ColumnsOptions<R> {
  readonly category: keyof R & string;
  readonly value: keyof R & string;
  /** Columns drawn in the accent colour, the rest grey; all in accent where absent. */
  readonly highlight?: (row: R) => boolean;
  /** Rows of the period that still runs: drawn fainter. */
  readonly running?: (row: R) => boolean;
}

/**
 * Vertical columns from zero, one a row, in the order of the rows, each with its value above it where there is room: for
 * a distribution over ordered groups, such as ages, or a total by period.
 *
 * @example chart({ title: "Customers by age group", rows, fields, draw: columns({ category: "age_group", value: "customers" }) })
 */
export function columns<R extends object>(options: ColumnsOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const each = width / Math.max(1, rows.length);
    const category = (row: R): string => context.formatted(options.category, row[options.category] as Value);
    const value = (row: R): number => Number(row[options.value]);
    const short = compactFormat(context.fieldFormat(options.value));
    const full = (row: R): string => context.formatted(options.value, row[options.value] as Value);
    const shortened = (row: R): string => context.format(value(row), short);
    const widest = (written: (row: R) => string): number =>
      Math.max(0, ...rows.map((row) => Array.from(written(row)).length));
    const narrow = widest(full) * 8 + 4 > each;
    const fontSize = narrow ? 11 : 13;
    return {
      height: 300,
      marginTop: 24,
      marginBottom: 30,
      marginLeft: 4,
      marginRight: 4,
      x: { domain: rows.map(category), label: null, padding: 0.18 },
      y: { axis: null, domain: [Math.min(0, ...rows.map(value)), Math.max(0, ...rows.map(value)) || 1] },
      marks: [
        barY(rows, {
          x: category,
          y: value,
          fill: (row: R) => (options.highlight && !options.highlight(row) ? theme.grey : theme.accent),
          fillOpacity: (row: R) => (options.running?.(row) === true ? 0.5 : 1),
          title: tip(context, [options.category, options.value]),
        }),
        text(narrow && widest(shortened) * 6.4 + 4 > each ? [] : rows, {
          x: category,
          y: (row: R) => Math.max(0, value(row)),
          text: narrow ? shortened : full,
          dy: -9,
          fontSize,
          fill: theme.text,
        }),
        ruleY([0], { stroke: theme.muted }),
        axisX(thinned(rows.map(category), width), { tickSize: 0, label: null, fontSize }),
      ],
      opacity: { type: "identity" },
    };
  };
}

/** The labels of an axis that can stand side by side in a width: all, or every second, third ... */
export function thinned(labels: readonly string[], width: number): string[] {
  const longest = Math.max(1, ...labels.map((label) => Array.from(label).length)) * 7 + 8;
  const step = Math.max(1, Math.ceil((labels.length * longest) / width));
  return labels.filter((_, index) => index % step === 0);
}

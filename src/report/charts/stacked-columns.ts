import { axisX, barY, ruleY, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { seriesKey } from "./series-key.js";
import { amountAxis, amountSpace, compactFormat } from "./time-axis.js";
import { thinned } from "./columns.js";

export interface StackedColumnsOptions<R> {
  readonly category: keyof R & string;
  readonly series: keyof R & string;
  readonly value: keyof R & string;
  /** The series from the bottom up, as they are written. */
  readonly order: readonly string[];
}

/**
 * Vertical columns from zero, each a stack of its series, with the total above where there is room: for the make-up of a
 * total over periods.
 *
 * @example draw: stackedColumns({ category: "year", series: "kind", value: "amount", order: ["Billed", "Penalty"] })
 */
export function stackedColumns<R extends object>(options: StackedColumnsOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const category = (row: R): string => context.formatted(options.category, row[options.category] as Value);
    const fills = options.order.map((_, index) => theme.series[index % theme.series.length] ?? theme.grey);
    const totals = new Map<string, number>();
    const segments = [...rows]
      .sort(
        (a, b) =>
          options.order.indexOf(String(a[options.series])) - options.order.indexOf(String(b[options.series])),
      )
      .map((row) => {
        const start = totals.get(category(row)) ?? 0;
        const end = start + Number(row[options.value]);
        totals.set(category(row), end);
        return { row, start, end };
      });
    const categories = [...new Set(rows.map(category))];
    const highest = Math.max(0, ...totals.values()) || 1;
    const format = context.fieldFormat(options.value);
    const marginLeft = amountSpace(context, [0, highest], format);
    const key = seriesKey(options.order, fills, width, theme);
    const marginTop = key.height + 16;
    const inner = width - marginLeft;
    return {
      height: 280 + marginTop,
      marginTop,
      marginBottom: 30,
      marginLeft,
      marginRight: 4,
      x: { domain: categories, label: null, padding: 0.18 },
      y: { domain: [0, highest], nice: true, label: null },
      marks: [
        ...amountAxis(context, format),
        barY(segments, {
          x: ({ row }: (typeof segments)[number]) => category(row),
          y1: "start",
          y2: "end",
          fill: ({ row }: (typeof segments)[number]) =>
            fills[options.order.indexOf(String(row[options.series]))] ?? theme.grey,
          title: ({ row }: (typeof segments)[number]) =>
            `${context.label(options.category)}: ${category(row)}\n${String(row[options.series])}: ${context.formatted(options.value, row[options.value] as Value)}`,
        }),
        text(inner / categories.length < 44 ? [] : categories, {
          x: (name: string) => name,
          y: (name: string) => totals.get(name) ?? 0,
          text: (name: string) => context.format(totals.get(name) ?? 0, compactFormat(format)),
          dy: -9,
          fontSize: 12,
          fill: theme.text,
        }),
        ruleY([0], { stroke: theme.muted }),
        axisX(thinned(categories, inner), { tickSize: 0, label: null, fontSize: 12 }),
        ...key.marks({ left: marginLeft, top: marginTop }),
      ],
    };
  };
}

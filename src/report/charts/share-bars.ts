import { axisY, barX, text } from "@observablehq/plot";
import type { Draw, Value } from "../../project/report.js";
import { seriesKey } from "./series-key.js";
import { fitLabel, labelSpace } from "./axis-space.js";

export interface ShareBarsOptions<R> {
  readonly category: keyof R & string;
  /** What each bar is made of. */
  readonly series: keyof R & string;
  readonly value: keyof R & string;
  /** The series from left to right, as they are written; the first is highlighted and the others are grey, unless `colorful`. */
  readonly order: readonly string[];
  readonly colorful?: boolean;
}

/**
 * Horizontal bars of equal length, divided into shares of 100 %: for comparing how groups of different size are made
 * up. Shares of 8 % and more are written in the bar.
 *
 * @example draw: shareBars({ category: "age_group", series: "housing", value: "customers", order: ["Housing loan", "None", "Unknown"] })
 */
export function shareBars<R extends object>(options: ShareBarsOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const series = (row: R): string => String(row[options.series]);
    const fills = options.colorful === true ? theme.series : [theme.accent, theme.grey, theme.faint];
    const inks =
      options.colorful === true
        ? options.order.map(() => theme.surface)
        : [theme.onAccent, theme.onGrey, theme.onGrey];
    const segments = shares(rows, options, (row) =>
      context.formatted(options.category, row[options.category] as Value),
    );
    const categories = [...new Set(segments.map((each) => each.category))];
    const left = labelSpace(categories, width);
    const inner = width - left - 4;
    const key = seriesKey(options.order, fills, width, theme);
    const top = key.height;
    const percent = (share: number): string => context.format(share, { as: "percent", digits: 0 });
    const colored = segments.map((each) => ({ ...each, place: options.order.indexOf(series(each.row)) }));
    return {
      height: categories.length * 30 + top + 4,
      marginTop: top,
      marginBottom: 4,
      marginLeft: left,
      marginRight: 4,
      x: { axis: null, domain: [0, 1] },
      y: { domain: categories, label: null, padding: 0.22 },
      marks: [
        axisY({
          tickSize: 0,
          label: null,
          tickFormat: (label: string) => fitLabel(label, left),
          fontSize: 13,
        }),
        barX(colored, {
          x1: "start",
          x2: "end",
          y: "category",
          fill: (each: (typeof colored)[number]) => fills[each.place] ?? theme.grey,
          stroke: theme.surface,
          strokeWidth: 1,
          title: ({ row, share, category }: (typeof colored)[number]) =>
            `${context.label(options.category)}: ${category}\n${series(row)}: ` +
            `${context.formatted(options.value, row[options.value] as Value)} (${context.format(share, { as: "percent", digits: 1 })})`,
        }),
        text(
          colored.filter(({ share }) => share * inner >= 36 && share >= 0.08),
          {
            x: ({ start, end }: (typeof colored)[number]) => (start + end) / 2,
            y: "category",
            text: ({ share }: (typeof colored)[number]) => percent(share),
            fill: (each: (typeof colored)[number]) => inks[each.place] ?? theme.onGrey,
            fontSize: 12,
          },
        ),
        ...key.marks({ left, top }),
      ],
    };
  };
}

interface Segment<R> {
  readonly row: R;
  readonly category: string;
  readonly share: number;
  readonly start: number;
  readonly end: number;
}

function shares<R extends object>(
  rows: readonly R[],
  options: ShareBarsOptions<R>,
  category: (row: R) => string,
): Segment<R>[] {
  const groups = new Map<string, R[]>();
  for (const row of rows) groups.set(category(row), [...(groups.get(category(row)) ?? []), row]);
  const place = (row: R): number => {
    const index = options.order.indexOf(String(row[options.series]));
    return index === -1 ? options.order.length : index;
  };
  return [...groups].flatMap(([name, members]) => {
    const whole = members.reduce((sum, row) => sum + Number(row[options.value]), 0);
    let start = 0;
    return [...members]
      .sort((a, b) => place(a) - place(b))
      .map((row) => {
        const share = whole === 0 ? 0 : Number(row[options.value]) / whole;
        const segment = { row, category: name, share, start, end: start + share };
        start += share;
        return segment;
      });
  });
}

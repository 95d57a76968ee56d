import { areaY, dot, line, ruleY, scale, text, type Markish } from "@observablehq/plot";
import type { ChartContext, Draw, Value, ValueFormat } from "../../project/report.js";
import { seriesKey } from "./series-key.js";
import { amountAxis, amountSpace, timeAxis } from "./time-axis.js";

export interface LinesOptions<R> {
  /** A column of dates. */
  readonly time: keyof R & string;
  /** A column of numbers; null is a gap: see `completePeriods`. */
  readonly value: keyof R & string;
  /** One line for each of its values, named at its end; more than six are named above the chart. */
  readonly series?: keyof R & string;
  /** Format of the vertical axis; the value's own, shortened, where absent. */
  readonly format?: ValueFormat;
  /** False: the vertical axis need not begin at zero. */
  readonly zero?: boolean;
  /** Rows of the period that still runs: drawn fainter. */
  readonly running?: (row: R) => boolean;
  /** An interval around the value, as two columns: drawn as a band. The widest first. */
  readonly bands?: readonly {
    readonly low: keyof R & string;
    readonly high: keyof R & string;
    readonly label: string;
  }[];
  /** Rows that are not measured but expected: drawn dashed. */
  readonly expected?: (row: R) => boolean;
}

const height = 300;
const mostLabelled = 6;

/**
 * Lines over time, one a series, each named at its end. A missing period is a gap, never a zero.
 *
 * @example draw: lines({ time: "month", value: "revenue", series: "region" })
 */
export function lines<R extends object>(options: LinesOptions<R>): Draw<R> {
  return (rows, context) => {
    const { theme, width } = context;
    const names = seriesNames(rows, options);
    const colors = new Map(
      names.map((name, index) => [
        name,
        names.length === 1 ? theme.accent : (theme.series[index % theme.series.length] ?? theme.grey),
      ]),
    );
    const labelled = names.length > 1 && names.length <= mostLabelled && width >= 420;
    const key = seriesKey(names.length > 1 && !labelled ? names : [], [...colors.values()], width, theme);
    const values = [options.value, ...(options.bands ?? []).flatMap(({ low, high }) => [low, high])]
      .flatMap((column) => rows.map((row) => numberOf(row, column)))
      .filter((value) => value !== null);
    const low = options.zero === false ? Math.min(...values) : Math.min(0, ...values);
    const domain: [number, number] =
      values.length === 0 ? [0, 1] : [low, Math.max(...values, low + Number.EPSILON)];
    const marginTop = 12 + key.height;
    const marginBottom = 38;
    const marginLeft = amountSpace(context, domain, options.format);
    const marginRight = labelled
      ? Math.min(width * 0.3, Math.max(...names.map((name) => Array.from(name).length)) * 7.4 + 16)
      : 14;
    const y = scale({ y: { domain, nice: true, range: [height - marginBottom, marginTop] } });
    const times = rows.map((row) => timeOf(row, options));
    return {
      height,
      marginTop,
      marginBottom,
      marginLeft,
      marginRight,
      x: { type: "utc", label: null },
      y: { domain, nice: true, label: null },
      marks: [
        ...amountAxis(context, options.format),
        timeAxis(context, times, width - marginLeft - marginRight),
        ruleY(low <= 0 ? [0] : [], { stroke: theme.muted }),
        ...names.flatMap((name) =>
          seriesMarks(
            rows.filter((row) => seriesOf(row, options) === name),
            name,
            colors.get(name) ?? theme.grey,
            options,
            context,
          ),
        ),
        ...(labelled ? endLabels(rows, options, colors, (value) => Number(y.apply(value)), context) : []),
        ...key.marks({ left: marginLeft, top: marginTop }),
      ],
    };
  };
}

function seriesMarks<R extends object>(
  rows: readonly R[],
  name: string,
  color: string,
  options: LinesOptions<R>,
  context: ChartContext,
): Markish[] {
  const x = (row: R): Date => timeOf(row, options);
  const sorted = [...rows].sort((a, b) => x(a).getTime() - x(b).getTime());
  const y = (row: R): number => numberOf(row, options.value) ?? NaN;
  const set = (row: R): boolean => options.running?.(row) === true || options.expected?.(row) === true;
  // A dashed line begins at the last firm point, so that the two meet.
  const dashed = (row: R, index: number): number =>
    set(row) || set(sorted[index + 1] ?? row) ? y(row) : NaN;
  return [
    ...(options.bands ?? []).map(({ low, high }) =>
      areaY(sorted, {
        x,
        y1: (row: R) => numberOf(row, low) ?? NaN,
        y2: (row: R) => numberOf(row, high) ?? NaN,
        fill: color,
        fillOpacity: 0.16,
      }),
    ),
    line(sorted, { x, y: (row: R) => (set(row) ? NaN : y(row)), stroke: color, strokeWidth: 2 }),
    line(sorted, {
      x,
      y: sorted.map(dashed),
      stroke: color,
      strokeWidth: 2,
      strokeDasharray: "4 4",
      strokeOpacity: 0.85,
    }),
    dot(sorted, {
      x,
      y,
      r: context.width / sorted.length < 14 ? 1.5 : 3,
      fill: (row: R) => (set(row) ? context.theme.surface : color),
      stroke: color,
      title: (row: R) => pointText(row, name, options, context),
    }),
  ];
}

function pointText<R extends object>(
  row: R,
  name: string,
  options: LinesOptions<R>,
  context: ChartContext,
): string {
  const said = [options.time, options.value].map(
    (column) => `${context.label(column)}: ${context.formatted(column, row[column] as Value)}`,
  );
  const bands = (options.bands ?? [])
    .filter(({ low }) => numberOf(row, low) !== null)
    .map(
      ({ low, high, label }) =>
        `${label}: ${context.formatted(low, row[low] as Value)} – ${context.formatted(high, row[high] as Value)}`,
    );
  return [...(name === "" ? [] : [name]), ...said, ...bands].join("\n");
}

/** Names at the last points, pushed apart where they would touch. */
function endLabels<R extends object>(
  rows: readonly R[],
  options: LinesOptions<R>,
  colors: ReadonlyMap<string, string>,
  place: (value: number) => number,
  context: ChartContext,
): Markish[] {
  const ends = [...colors.keys()]
    .flatMap((name) => {
      const known = rows.filter(
        (row) => seriesOf(row, options) === name && numberOf(row, options.value) !== null,
      );
      const last = known.reduce<R | undefined>(
        (best, row) => (best === undefined || timeOf(row, options) > timeOf(best, options) ? row : best),
        undefined,
      );
      return last === undefined ? [] : [{ name, row: last, at: place(numberOf(last, options.value) ?? 0) }];
    })
    .sort((a, b) => a.at - b.at);
  let lowest = -Infinity;
  return ends.map(({ name, row, at }) => {
    const free = Math.max(at, lowest + 15);
    lowest = free;
    return text([row], {
      x: timeOf(row, options),
      y: numberOf(row, options.value) ?? 0,
      text: [name],
      dx: 9,
      dy: free - at,
      textAnchor: "start",
      fontSize: 13,
      fontWeight: 600,
      fill: colors.get(name) ?? context.theme.text,
    });
  });
}

function seriesNames<R extends object>(rows: readonly R[], options: LinesOptions<R>): string[] {
  return [...new Set(rows.map((row) => seriesOf(row, options)))];
}

function seriesOf<R extends object>(row: R, options: LinesOptions<R>): string {
  return options.series === undefined ? "" : String(row[options.series]);
}

function timeOf<R extends object>(row: R, options: LinesOptions<R>): Date {
  const value: unknown = row[options.time];
  if (value instanceof Date) return value;
  throw new Error(`lines: the column "${options.time}" holds ${JSON.stringify(value)}, not a date`);
}

function numberOf<R extends object>(row: R, column: keyof R & string): number | null {
  const value: unknown = row[column];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

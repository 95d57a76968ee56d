import { axisX, axisY, gridY, type Markish } from "@observablehq/plot";
import type { ChartContext, ValueFormat } from "../../project/report.js";

/** A horizontal axis of time: as many ticks as fit, written in the report's locale, the year where it changes. */
export function timeAxis(context: ChartContext, times: readonly Date[], inner: number): Markish {
  const sorted = [...new Set(times.map((time) => time.getTime()))].sort((a, b) => a - b);
  const step = Math.ceil(sorted.length / Math.max(2, Math.floor(inner / 64)));
  const ticks = sorted.filter((_, index) => index % step === 0).map((time) => new Date(time));
  const daily = sorted.some((time) => new Date(time).getUTCDate() !== 1);
  return axisX(ticks, {
    tickSize: 4,
    label: null,
    fontSize: 12,
    color: context.theme.muted,
    tickFormat: (time: Date, index: number) => {
      const before = ticks[index - 1];
      const yearly = before === undefined || before.getUTCFullYear() !== time.getUTCFullYear();
      const format: ValueFormat = daily ? { as: "date" } : { as: "month" };
      const [first = "", ...rest] = context.format(time, format).split(/\s(?=\d{4}$)/);
      return yearly && rest.length > 0 ? `${first}\n${rest.join(" ")}` : first;
    },
  });
}

/** A vertical axis of amounts: few ticks, short numbers, faint lines. */
export function amountAxis(context: ChartContext, format: ValueFormat | undefined): Markish[] {
  const { theme } = context;
  const written = compactFormat(format);
  return [
    gridY({ ticks: 5, stroke: theme.line, strokeOpacity: 1 }),
    axisY({
      ticks: 5,
      tickSize: 0,
      label: null,
      fontSize: 12,
      color: theme.muted,
      tickFormat: (value: number) => context.format(value, written),
    }),
  ];
}

/** The short form of a format, for axes and narrow columns. */
export function compactFormat(format: ValueFormat | undefined): ValueFormat {
  if (format === undefined || format.as === "number") return { as: "number", compact: true };
  if (format.as === "currency") return { as: "number", compact: true };
  return format;
}

/** Room for the labels of `amountAxis`. */
export function amountSpace(
  context: ChartContext,
  values: readonly number[],
  format: ValueFormat | undefined,
): number {
  const longest =
    Math.max(...values, 0).toString() === "0"
      ? ["0"]
      : values.map((value) => context.format(value, compactFormat(format)));
  return Math.max(28, Math.max(...longest.map((label) => Array.from(label).length)) * 7.5 + 14);
}

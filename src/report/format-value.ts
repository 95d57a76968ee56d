import type { LocaleName, QueryColumn, Value, ValueFormat } from "../project/report.js";
import { say } from "./words.js";

const made = new Map<string, { format(value: number | Date): string }>();

/**
 * A value in words, as the locale writes it. Numbers without a format keep up to two digits; a null is an en dash.
 *
 * @example formatValue("id-ID", 1_234_567_890, { as: "currency", currency: "IDR", compact: true }) // "Rp 1,2 M"
 */
export function formatValue(locale: LocaleName, value: Value, format?: ValueFormat): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return say(locale, value ? "yes" : "no");
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "–" : formatter(locale, format ?? { as: "date" }).format(value);
  }
  // A year is a number in many tables; 2,024 would be wrong.
  if (format?.as === "year") return String(value);
  return Number.isFinite(value) ? formatter(locale, format ?? { as: "number" }).format(value) : "–";
}

/** How a query's column is written where it says nothing itself. */
export function defaultFormat(column: QueryColumn): ValueFormat | undefined {
  if (column.type === "integer") return { as: "number", digits: 0 };
  if (column.type === "number") return { as: "number" };
  if (column.type === "date" || column.type === "timestamp") return { as: column.type };
  return undefined;
}

function formatter(locale: LocaleName, format: ValueFormat): { format(value: number | Date): string } {
  const key = locale + JSON.stringify(format);
  const known = made.get(key);
  if (known) return known;
  const fresh =
    format.as === "number" || format.as === "percent" || format.as === "currency"
      ? new Intl.NumberFormat(locale, numberOptions(format))
      : new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, {
          timeZone: "UTC",
          ...dateOptions[format.as],
        });
  made.set(key, fresh);
  return fresh;
}

function numberOptions(
  format: Extract<ValueFormat, { as: "number" | "percent" | "currency" }>,
): Intl.NumberFormatOptions {
  const compact = format.as !== "percent" && format.compact === true;
  const digits =
    format.digits === undefined
      ? { maximumFractionDigits: compact || format.as === "percent" ? 1 : format.as === "currency" ? 0 : 2 }
      : { minimumFractionDigits: format.digits, maximumFractionDigits: format.digits };
  return {
    ...digits,
    ...(compact ? { notation: "compact" as const } : {}),
    ...(format.as === "percent" ? { style: "percent" as const } : {}),
    ...(format.as === "currency"
      ? {
          style: "currency" as const,
          currency: format.currency,
          currencyDisplay: "narrowSymbol" as const,
          minimumFractionDigits: format.digits ?? 0,
        }
      : {}),
  };
}

const dateOptions: Record<"date" | "month" | "year" | "timestamp", Intl.DateTimeFormatOptions> = {
  date: { day: "numeric", month: "short", year: "numeric" },
  month: { month: "short", year: "numeric" },
  year: { year: "numeric" },
  timestamp: {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  },
};

import { dayMs, daysIn, isoTime, monthName, monthStart, slashedDay } from "./calendar.js";
import { topics, type Customers } from "./customers.js";
import { drawer, flawOf, mixed } from "../parts/draws.js";

/** A cell of the workbook; a date is a date cell. */
export type OutageCell = string | number | Date | null;

export const outageColumns = [
  "outage_id",
  "feeder",
  "started_at",
  "restored_at",
  "customers_affected",
  "cause",
  "reported_on",
];

export const outageFlaws = [
  "duplicate",
  "notRestored",
  "restoredBeforeStart",
  "textCustomers",
  "textDate",
  "blankCause",
] as const;
export type OutageFlaw = (typeof outageFlaws)[number];

const causes = [
  "weather",
  "equipment failure",
  "vegetation",
  "weather",
  "animal",
  "vehicle",
  "planned",
  "unknown",
];
const leastOutages = 2 * outageFlaws.length;

/** The outages of one seed, as the regulator's workbook lists them. */
export class Outages {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly customers: Customers,
  ) {
    this.draw = drawer(seed, topics.outage);
  }

  /** How many start in a month; storms come in summer and winter. */
  count(month: number): number {
    const storms = [3, 2, 0, 0, 1, 2, 4, 3, 1, 0, 1, 2][month % 12] ?? 0;
    return leastOutages + storms + Math.floor(this.customers.atStart / 5000);
  }

  /** The rows of a month, in the order of the columns. */
  rows(month: number): OutageCell[][] {
    return Array.from({ length: this.count(month) }, (_, index) => {
      const row = this.row(month, index);
      const flaw = flawOf(outageFlaws, index + month, this.count(month));
      return flaw === "duplicate" ? [row, row] : [flawed(row, flaw)];
    }).flat();
  }

  private row(month: number, index: number): Row {
    const bits = this.draw(index, month);
    const next = mixed(bits ^ 1);
    const started = monthStart(month) + (bits % (daysIn(month) * 1440)) * 60_000;
    const minutes = 12 + Math.min(next % 900, (next >>> 11) % 1400);
    const affected =
      1 + (Math.min((next >>> 3) % 900, (bits >>> 7) % 4000) % Math.max(1, this.customers.atStart));
    return [
      `O${monthName(month)}-${String(index + 1).padStart(4, "0")}`,
      `F-${String(1 + ((bits >>> 20) % 60)).padStart(3, "0")}`,
      new Date(started),
      new Date(started + minutes * 60_000),
      affected,
      causes[(next >>> 20) % causes.length] ?? "",
      new Date(Math.floor(started / dayMs + 1 + (next % 3)) * dayMs),
    ];
  }
}

type Row = [string, string, Date, Date, number, string, Date];

function flawed(
  [id, feeder, started, restored, affected, cause, reported]: Row,
  flaw: OutageFlaw | undefined,
): OutageCell[] {
  const text = (date: Date): string =>
    `${slashedDay(date.getTime())} ${isoTime(date.getTime()).slice(11, 16)}`;
  return [
    id,
    feeder,
    flaw === "textDate" ? text(started) : started,
    flaw === "notRestored"
      ? null
      : flaw === "restoredBeforeStart"
        ? new Date(started.getTime() - dayMs)
        : restored,
    flaw === "textCustomers" ? `approx. ${affected}` : affected,
    flaw === "blankCause" ? null : cause,
    reported,
  ];
}

import { dayMs, isoDay, isoTime } from "../parts/calendar.js";
import { drawer } from "../parts/draws.js";
import type { PamBills } from "./bills.js";
import { pick } from "./customers.js";
import { monthParts } from "./spelling.js";

export const analysisColumns = [
  "analysis_id",
  "nomen",
  "anomaly_type",
  "description",
  "status",
  "priority",
  "assigned_team",
  "due_date",
  "comment",
  "changed_by",
  "changed_at",
] as const;

/** A change of a follow-up item, in the order of the columns. */
export type AnalysisRow = readonly (string | null)[];

/** One item a month in so many customers; four at least. */
const customersPerItem = 100;
const leastItems = 4;

/** The follow-up items of one seed, each with the changes that were made to it. */
export class Analyses {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly bills: PamBills,
  ) {
    this.draw = drawer(seed, 15);
  }

  /** The changes made in a month: to its own items, and to those of the month before. */
  *rows(month: number): Generator<AnalysisRow> {
    const { calendar } = this.bills;
    const [from, to] = [calendar.start(month), calendar.start(month + 1)];
    for (const opened of month === 0 ? [month] : [month - 1, month]) {
      for (let item = 0; item < this.count(opened); item++) {
        for (const { at, row } of this.changes(opened, item)) if (at >= from && at < to) yield row;
      }
    }
  }

  private count(month: number): number {
    return Math.max(leastItems, Math.floor(this.bills.customers.everBy(month) / customersPerItem));
  }

  private changes(month: number, item: number): { readonly at: number; readonly row: AnalysisRow }[] {
    const { calendar, customers, readings } = this.bills;
    const bits = this.draw(item, month);
    const number = 1 + (bits % customers.everBy(month));
    const { year, month: mm } = monthParts(calendar.start(month));
    const created = calendar.start(month) + (20 + (bits % 6)) * dayMs + 32_400_000;
    const end = (bits >>> 4) % 4 === 0 ? "rejected" : "completed";
    const type = readings.anomaly(number, month) ?? pick(["zero", "kebocoran", "meter dipindah"], bits >>> 7);
    const steps: readonly (readonly [status: string, days: number, comment: string | null])[] = [
      ["pending", 0, null],
      ["in_progress", 2 + ((bits >>> 9) % 3), 'Petugas datang,\nmeter "buram"'],
      ...((bits >>> 13) % 3 === 0 ? [] : [[end, 9 + ((bits >>> 11) % 6), "Selesai; foto ada"] as const]),
    ];
    return steps.map(([status, days, comment]) => {
      const at = created + days * dayMs;
      return {
        at,
        row: [
          `A-${year}${mm}-${String(item + 1).padStart(4, "0")}`,
          customers.at(number).nomen,
          type,
          `Periksa pemakaian, rayon ${customers.rayon(number)}`,
          status,
          pick(["low", "medium", "high", "critical"], bits >>> 15),
          pick(["Tim Meter", "Tim Lapangan", null], bits >>> 18),
          isoDay(created + 14 * dayMs),
          comment,
          pick(["ratna", "dimas"], bits >>> 21),
          isoTime(at),
        ],
      };
    });
  }
}

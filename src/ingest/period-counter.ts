import type { SourcePeriod } from "../project/period-rule.js";
import { periodStart } from "./file-period.js";

/** Values that are remembered with their period: a file has few different dates. */
const mostRemembered = 10_000;

/** Counts the periods of a file's rows, for each column that its source's rule reads. */
export class PeriodCounter {
  /** How many rows have each period, by column of the rule. */
  readonly counts: readonly Map<string, number>[];
  /** The columns' places in a row; -1 where the file lacks one. */
  readonly places: readonly number[];
  private readonly remembered: readonly Map<string, string | undefined>[];

  constructor(
    private readonly rule: SourcePeriod | undefined,
    header: readonly string[],
  ) {
    const columns = rule?.columns ?? [];
    this.counts = columns.map(() => new Map());
    this.remembered = columns.map(() => new Map());
    this.places = columns.map(({ column }) => header.indexOf(column));
  }

  /** False when the rule reads no column that is there. */
  get wanted(): boolean {
    return this.places.some((place) => place >= 0);
  }

  /** Counts one row. */
  addRow(values: readonly (Buffer | null)[]): void {
    for (const [column, place] of this.places.entries()) {
      const value = values[place];
      if (value) this.add(column, value.toString(), 1);
    }
  }

  /**
   * Counts rows that have the same value.
   *
   * @param column of the rule, by its number
   */
  add(column: number, value: string, rows: number): void {
    const remembered = this.remembered[column];
    const counts = this.counts[column];
    if (!remembered || !counts) return;
    let start = remembered.get(value);
    if (start === undefined && !remembered.has(value)) {
      start = this.read(column, value.trim());
      if (remembered.size < mostRemembered) remembered.set(value, start);
    }
    if (start !== undefined) counts.set(start, (counts.get(start) ?? 0) + rows);
  }

  private read(column: number, value: string): string | undefined {
    const reading = this.rule?.columns[column];
    if (!this.rule || !reading) return undefined;
    for (const pattern of reading.patterns) {
      const groups = pattern.exec(value)?.groups;
      const start = groups && periodStart(this.rule.grain, groups, reading.shiftMonths);
      if (start !== undefined) return start;
    }
    return undefined;
  }
}

export const dayMs = 86_400_000;

/** The months of a sample, 0 being its first; months before it have negative numbers. */
export class Calendar {
  /** @param firstMonth 1 to 12 */
  constructor(
    private readonly firstYear: number,
    private readonly firstMonth: number,
  ) {}

  /** The first moment of a month. */
  start(month: number): number {
    return Date.UTC(this.firstYear, this.firstMonth - 1 + month, 1);
  }

  daysIn(month: number): number {
    return (this.start(month + 1) - this.start(month)) / dayMs;
  }

  /** The first moment of each day of a month. */
  days(month: number): number[] {
    return Array.from({ length: this.daysIn(month) }, (_, day) => this.start(month) + day * dayMs);
  }
}

/** `2026-01-31` */
export function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** `2026-01-31 23:59:00` */
export function isoTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

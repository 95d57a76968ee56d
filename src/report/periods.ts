export type Period = "day" | "month" | "year";

/** The start of the period that a time lies in, UTC. */
export function startOf(time: Date, period: Period): Date {
  const year = time.getUTCFullYear();
  if (period === "year") return new Date(Date.UTC(year, 0, 1));
  return new Date(Date.UTC(year, time.getUTCMonth(), period === "month" ? 1 : time.getUTCDate()));
}

/** The start of the period `count` periods later; earlier when negative. */
export function shiftPeriod(time: Date, period: Period, count: number): Date {
  const start = startOf(time, period);
  const [year, month, day] = [start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()];
  if (period === "year") return new Date(Date.UTC(year + count, 0, 1));
  return new Date(
    Date.UTC(year, month + (period === "month" ? count : 0), day + (period === "day" ? count : 0)),
  );
}

/** A row of which only some columns are sure to hold a value. */
export type CompletedRow<R, Sure extends keyof R> = Pick<R, Sure> & { [Column in keyof R]: R[Column] | null };

/**
 * The rows with one for every period between the first and the last, for every combination of `keys`: a period without a
 * row gets one whose other columns are null, so that a chart shows a gap and not a line across it. In order of time.
 *
 * @param time a column of period starts
 * @example completePeriods(monthly, "month_start", "month", ["region"])
 */
export function completePeriods<R extends object, T extends keyof R, K extends keyof R = never>(
  rows: readonly R[],
  time: T,
  period: Period,
  keys: readonly K[] = [],
): CompletedRow<R, T | K>[] {
  const at = (row: R): number => startOf(row[time] as Date, period).getTime();
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const key = JSON.stringify(keys.map((name) => row[name]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const [first] = rows;
  if (first === undefined) return [];
  const empty = Object.fromEntries(Object.keys(first).map((name) => [name, null]));
  const times = rows.map(at).sort((a, b) => a - b);
  const [start = 0, end = 0] = [times[0], times.at(-1)];
  const complete: object[] = [];
  for (let now = new Date(start); now.getTime() <= end; now = shiftPeriod(now, period, 1)) {
    for (const members of groups.values()) {
      const present = members.filter((row) => at(row) === now.getTime());
      const [sample] = members;
      const own = Object.fromEntries(keys.map((name) => [name, sample?.[name]]));
      complete.push(...(present.length > 0 ? present : [{ ...empty, ...own, [time]: now }]));
    }
  }
  return complete as CompletedRow<R, T | K>[];
}

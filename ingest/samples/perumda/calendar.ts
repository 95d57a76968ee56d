const firstYear = 2021;

/** The first moment of a month, 0 being 2021-01. */
export function monthStart(month: number): number {
  return Date.UTC(firstYear, month, 1);
}

export function daysIn(month: number): number {
  return Math.round((monthStart(month + 1) - monthStart(month)) / 86_400_000);
}

/** Year and month, 1 to 12. */
export function yearAndMonth(month: number): [year: string, month: string] {
  return [String(firstYear + Math.floor(month / 12)), String((month % 12) + 1)];
}

/** `2021-01-31` */
export function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** `2021-01-31 10:05:00` */
export function isoTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

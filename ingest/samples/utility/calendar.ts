/** The first month of every sample. */
const firstYear = 2026;

export const dayMs = 86_400_000;

/** The first moment of a month, 0 being the first of the sample. */
export function monthStart(month: number): number {
  return Date.UTC(firstYear, month, 1);
}

export function daysIn(month: number): number {
  return (monthStart(month + 1) - monthStart(month)) / dayMs;
}

/** `2026-01` */
export function monthName(month: number): string {
  return new Date(monthStart(month)).toISOString().slice(0, 7);
}

/** `2026-01-31` */
export function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** `2026-01-31T23:59:00Z` */
export function isoTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** `31/01/2026` */
export function slashedDay(time: number): string {
  const [year, month, day] = isoDay(time).split("-");
  return `${day}/${month}/${year}`;
}

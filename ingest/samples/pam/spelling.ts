import { isoDay } from "../parts/calendar.js";

/** A date in one of the ways the office writes it; the same for the same bits. */
export function dateText(time: number, bits: number): string {
  const [year = "", month = "", day = ""] = isoDay(time).split("-");
  switch (bits % 8) {
    case 0:
      return `${day}${month}${year}`;
    case 1:
      return `${day}-${month}-${year}`;
    case 2:
      return `${Number(day)}/${Number(month)}/${year}`;
    case 3:
      return `${day}.${month}.${year}`;
    case 4:
      return `${day}-${month}-${year.slice(2)}`;
    case 5:
      return String(serial(time));
    default:
      return `${year}-${month}-${day}`;
  }
}

/** A date in a sheet: mostly a date cell, else a bare serial number or text. */
export function dateCell(time: number, bits: number): Date | number | string {
  return bits % 5 === 0 ? serial(time) : bits % 5 === 1 ? dateText(time, 2) : new Date(time);
}

/** Days as spreadsheets count them. */
function serial(time: number): number {
  return Math.round(time / 86_400_000) + 25_569;
}

/** A customer number as other programs left it. */
export function idText(id: string, way: "suffix" | "decimal" | "scientific" | "padded" | undefined): string {
  switch (way) {
    case "suffix":
      return `${id}K`;
    case "decimal":
      return `${id}.0`;
    case "scientific":
      return `${id.slice(0, 1)}.${id.slice(1)}E+${id.length - 1}`;
    case "padded":
      return `\u00A0${id} `;
    case undefined:
      return id;
  }
}

/** `1.234.567,00` */
export function localAmount(amount: number): string {
  const digits = String(Math.abs(amount)).replace(/\B(?=(\d{3})+$)/g, ".");
  return `${amount < 0 ? "-" : ""}${digits},00`;
}

/** What stands where nothing is known. */
export function nothing(bits: number): string | null {
  return ["NAN", "NONE", "NULL", null][bits % 4] ?? null;
}

const monthNames = ["Jan", "Peb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nop", "Des"];
const englishNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function monthParts(start: number): {
  readonly year: string;
  readonly month: string;
  /** Indonesian. */
  readonly name: string;
  readonly english: string;
} {
  const [year = "", month = ""] = isoDay(start).split("-");
  const index = Number(month) - 1;
  return { year, month, name: monthNames[index] ?? "", english: englishNames[index] ?? "" };
}

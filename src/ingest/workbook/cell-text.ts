/** What a number in a cell means, by the cell's number format. */
export type NumberMeaning = "number" | "date" | "timestamp" | "time" | "duration";

/**
 * A number as plain decimal digits, never in scientific notation; undefined when the text is no number.
 *
 * Spreadsheets compute in doubles and write 17 digits of them, so 4.9 stands in the file as 4.9000000000000004: such a text
 * gives the shortest number that is the same double. Digits beyond a double's, which other programs write, are kept.
 *
 * @example plainNumber("1.23E+10") // "12300000000"
 */
export function plainNumber(text: string): string | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?\s*$/.exec(text);
  if (!match) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  if (whole + fraction === "") return undefined;
  const isInteger = fraction === "" && exponent === "0";
  const digits = (whole + fraction).replace(/^0+/, "");
  if (!isInteger && digits.length <= 17) {
    const number = Number(text);
    if (!Number.isFinite(number)) return undefined;
    return (number < 0 ? "-" : "") + expand(String(Math.abs(number)));
  }
  const plain = expand(`${whole}.${fraction}e${exponent}`);
  return (sign === "-" && plain !== "0" ? "-" : "") + plain;
}

/** Digits with an exponent as plain ones: "1.5e3" is "1500". */
function expand(text: string): string {
  const [mantissa = "", exponent = "0"] = text.split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  const padded = digits.padStart(digits.length + Math.max(0, -point), "0").padEnd(point, "0");
  const at = Math.max(0, point);
  const plainWhole = padded.slice(0, at).replace(/^0+(?=\d)/, "") || "0";
  const plainFraction = padded.slice(at).replace(/0+$/, "");
  return plainFraction === "" ? plainWhole : `${plainWhole}.${plainFraction}`;
}

const dayMs = 86_400_000;

/**
 * The text of a number in a cell: digits, or a date or time in ISO 8601 where the cell shows one.
 *
 * @param number as `plainNumber` gives it
 * @param date1904 whether day 0 is 1 January 1904 instead of 31 December 1899
 * @example numberText("45991", "date", false) // "2025-11-30"
 */
export function numberText(number: string, meaning: NumberMeaning, date1904: boolean): string {
  if (meaning === "number") return number;
  // To the millisecond: what a double holds of a day near now.
  const ms = Math.round(Number(number) * dayMs);
  if (meaning === "duration") return durationText(ms);
  const days = Math.floor(ms / dayMs);
  const time = timeText(ms - days * dayMs);
  if (days === 0 && (meaning === "time" || (meaning === "timestamp" && !date1904))) return time;
  const date = dateText(days, date1904);
  if (date === undefined) return number;
  return meaning === "date" && time === "00:00:00" ? date : `${date} ${time}`;
}

/** Of the 1900 system day 60 is 29 February 1900, which never was; undefined for what no spreadsheet shows as a date. */
function dateText(days: number, date1904: boolean): string | undefined {
  if (days < (date1904 ? 0 : 1) || days > (date1904 ? 2_957_003 : 2_958_465)) return undefined;
  if (!date1904 && days === 60) return "1900-02-29";
  const sinceEpoch = date1904 ? days - 24_107 : days - (days < 60 ? 25_568 : 25_569);
  return new Date(sinceEpoch * dayMs).toISOString().slice(0, 10);
}

function timeText(ms: number): string {
  return new Date(ms)
    .toISOString()
    .slice(11, 23)
    .replace(/\.?0{1,3}$/, "");
}

function durationText(ms: number): string {
  const hours = Math.floor(Math.abs(ms) / 3_600_000);
  const rest = timeText(Math.abs(ms) % 3_600_000).slice(2);
  return `${ms < 0 ? "-" : ""}${String(hours).padStart(2, "0")}${rest}`;
}

/** Formats of ECMA-376 18.8.30 that are known by their number alone. */
const builtInMeanings: readonly (readonly [from: number, to: number, meaning: NumberMeaning])[] = [
  [14, 17, "date"],
  [18, 21, "time"],
  [22, 22, "timestamp"],
  [27, 31, "date"],
  [32, 35, "time"],
  [36, 36, "date"],
  [45, 45, "time"],
  [46, 46, "duration"],
  [47, 47, "time"],
  [50, 54, "date"],
  [55, 56, "time"],
  [57, 58, "date"],
];

/**
 * What numbers of a format mean.
 *
 * @param id of the format; `code` is undefined where the file defines none for it
 */
export function numberMeaning(id: number, code: string | undefined): NumberMeaning {
  if (code !== undefined) return meaningOfCode(code);
  return builtInMeanings.find(([from, to]) => id >= from && id <= to)?.[2] ?? "number";
}

/** @example meaningOfCode("dd/mm/yyyy hh:mm") // "timestamp" */
export function meaningOfCode(code: string): NumberMeaning {
  const [positive = ""] = code.split(";");
  // Without texts, escaped characters, paddings, colours, locales and conditions; elapsed time stands in brackets too.
  const letters = positive
    .toLowerCase()
    .replace(/"[^"]*"?|\\.|_.|\*.|general/g, "")
    .replace(/\[(?!(?:h+|m+|s+)\])[^\]]*\]/g, "");
  // Digits stand in formats of numbers, and in those of dates only as parts of a second.
  if (/[#?0]/.test(letters.replace(/s\]?\.0+/g, ""))) return "number";
  if (/\[[hms]+\]/.test(letters)) return "duration";
  const hasTime = /[hs]|am\/pm|a\/p/.test(letters);
  const hasDate = /[yd]|e(?![+-])/.test(letters) || (/m/.test(letters) && !hasTime);
  if (hasDate) return hasTime ? "timestamp" : "date";
  return hasTime ? "time" : "number";
}

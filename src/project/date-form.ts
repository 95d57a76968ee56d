/**
 * How a date is written: a regular expression with groups `year`, `month`, `day` (as far as they are needed) or `serial`
 * (days as Excel counts them), or a form made of these tokens:
 *
 * | token | reads |
 * |---|---|
 * | `YYYY`, `YY`, `Y` | a year of four digits (19xx, 20xx), of two (20xx), of either |
 * | `MM`, `M`, `MON` | a month of two digits, of one or two, by its English or Indonesian name |
 * | `DD`, `D` | a day of two digits, of one or two |
 * | `SERIAL` | an Excel serial date, such as `45962` or `45962.0` |
 * | `-` | one of `-` `/` `.` `_` or a blank |
 * | a blank | any number of those, also none |
 *
 * A month's number is 01 to 12 and a day's 01 to 31; no digit may touch either end.
 *
 * @example "DD-MM-YYYY", "MON Y", "YYYYMM"
 */
export type DatePattern = RegExp | string;

const monthNames =
  "jan(?:uar[iy]|uary)?|[fp]eb(?:ruari|ruary)?|mar(?:et|ch)?|apr(?:il)?|mei|may|jun[ie]?|jul[iy]?|" +
  "a(?:gustus|ugust|gu|gs|ug)|sep(?:tember|t)?|o[kc]t(?:ober)?|no[pv](?:ember)?|de[sc](?:ember)?";

const tokens: Readonly<Record<string, string>> = {
  SERIAL: "(?<serial>[1-9]\\d{4})(?:\\.\\d+)?",
  YYYY: "(?<year>(?:19|20)\\d\\d)",
  YY: "(?<year>\\d\\d)",
  Y: "(?<year>(?:19|20)\\d\\d|\\d\\d)",
  MON: `(?<![a-z])(?<month>${monthNames})`,
  MM: "(?<month>0[1-9]|1[0-2])",
  M: "(?<month>0?[1-9]|1[0-2])",
  DD: "(?<day>0[1-9]|[12]\\d|3[01])",
  D: "(?<day>0?[1-9]|[12]\\d|3[01])",
  "-": "[-/._ ]",
  " ": "[-/._ ]*",
};

/** The longer token first: `YYYY` is no `YY` twice. */
const tokenPattern = /SERIAL|YYYY|YY|Y|MON|MM|M|DD|D|-| /y;

/**
 * The regular expression of a form; a regular expression as it is.
 *
 * @returns undefined when the form has a letter that is no token
 */
export function dateExpression(pattern: DatePattern): RegExp | undefined {
  if (typeof pattern !== "string") return pattern;
  let source = "";
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < pattern.length) {
    const token = tokenPattern.exec(pattern)?.[0];
    if (token === undefined) return undefined;
    source += tokens[token] ?? "";
  }
  return source === "" ? undefined : new RegExp(`(?<!\\d)${source}(?!\\d)`, "i");
}

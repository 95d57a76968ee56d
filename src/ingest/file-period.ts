import { AquiferError, exitCodes } from "../base/errors.js";
import type { PeriodGrain } from "../project/period-rule.js";
import type { Source } from "../project/source.js";
import { displayName, type RawFile } from "./discover-files.js";

export interface FilePeriod {
  /** First day, `YYYY-MM-DD`. */
  readonly start: string;
  /** How it was found: by a column, the name or `--period`. */
  readonly rule: string;
}

/** Named groups of a pattern that matched a date. */
export type DateParts = Readonly<Record<string, string | undefined>>;

/**
 * The period of a file, by its content, else its name, else as given on the command line.
 *
 * @param counted how many rows have each period, by the rule's column
 * @param given `--period`, see `parsePeriod`
 * @throws AquiferError `no-period`
 */
export function filePeriod(
  source: Source,
  file: Pick<RawFile, "folder" | "path" | "matchPath">,
  counted: ReadonlyMap<string, number>,
  given: string | undefined,
): FilePeriod | undefined {
  const rule = source.period;
  if (!rule) return undefined;
  const fail = (why: string): AquiferError =>
    new AquiferError(`The period of ${displayName(file)} is not known: ${why}`, {
      code: "no-period",
      hint: "Rename the file, or say it with --period.",
    });
  const [first, second] = [...counted].sort(([, a], [, b]) => b - a);
  if (first && first[1] === second?.[1]) {
    throw fail(
      `${first[0]} and ${second[0]} each stand in ${first[1]} rows of ${rule.fromColumn?.column ?? ""}`,
    );
  }
  if (first) {
    const rows = [...counted.values()].reduce((sum, count) => sum + count, 0);
    return { start: first[0], rule: `${rule.fromColumn?.column ?? ""}: ${first[1]} of ${rows} rows` };
  }
  const groups = rule.fromName?.exec(file.matchPath)?.groups;
  if (groups) {
    const start = periodStart(rule.grain, groups, 0);
    if (start !== undefined) return { start, rule: "name" };
    throw fail(`its name gives ${Object.values(groups).join("-")}, which is no date`);
  }
  if (given !== undefined) return { start: truncate(given, rule.grain), rule: "--period" };
  const tried = [
    ...(rule.fromColumn
      ? [`no value of ${rule.fromColumn.column} matches ${rule.fromColumn.pattern.source}`]
      : []),
    ...(rule.fromName ? [`its name does not match ${rule.fromName.source}`] : []),
  ];
  throw fail(tried.join("; "));
}

/**
 * The first day of a period as typed: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
 *
 * @throws AquiferError `bad-period`
 */
export function parsePeriod(text: string): string {
  const groups = /^(?<year>\d{4})(?:-(?<month>\d{2})(?:-(?<day>\d{2}))?)?$/.exec(text)?.groups;
  const start =
    groups && periodStart("day", { ...groups, month: groups["month"] ?? "1", day: groups["day"] ?? "1" }, 0);
  if (start !== undefined) return start;
  throw new AquiferError(`--period ${JSON.stringify(text)} is no period`, {
    code: "bad-period",
    hint: "Write YYYY, YYYY-MM or YYYY-MM-DD.",
    exitCode: exitCodes.usage,
  });
}

/** The first day of the period that holds a date, `shift` months later; undefined when the parts are no date. */
export function periodStart(grain: PeriodGrain, parts: DateParts, shift: number): string | undefined {
  const digits = parts["year"] ?? "";
  const year = Number(digits.length === 2 ? `20${digits}` : digits);
  const month = parts["month"] === undefined ? 1 : monthNumber(parts["month"]);
  const day = Number(parts["day"] ?? 1);
  if (month === undefined || !/^(\d{2}|\d{4})$/.test(digits)) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  // From the first of the month on, so that the 31st does not skip a shorter one.
  if (shift !== 0) date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + shift);
  return truncate(date.toISOString().slice(0, 10), grain);
}

function truncate(date: string, grain: PeriodGrain): string {
  return grain === "day" ? date : grain === "month" ? `${date.slice(0, 7)}-01` : `${date.slice(0, 4)}-01-01`;
}

/** How the months begin in English and in Indonesian, also as they are shortened. */
const monthBeginnings = [
  ["jan"],
  ["feb", "peb"],
  ["mar"],
  ["apr"],
  ["may", "mei"],
  ["jun"],
  ["jul"],
  ["aug", "agu", "ags"],
  ["sep"],
  ["oct", "okt"],
  ["nov", "nop"],
  ["dec", "des"],
];

/** 1 to 12 of a number or a name; undefined when it is neither. */
export function monthNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= 12 ? Number(text) : undefined;
  const index = monthBeginnings.findIndex((each) => each.includes(text.slice(0, 3).toLowerCase()));
  return index === -1 ? undefined : index + 1;
}

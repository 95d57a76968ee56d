import { AquiferError, exitCodes } from "../base/errors.js";
import { posix } from "node:path";
import type { CompiledReading, PeriodGrain, SourcePeriod } from "../project/period-rule.js";
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
 * @param counted how many rows have each period, for each column of the rule, see `PeriodCounter`
 * @param given `--period`, see `parsePeriod`
 * @throws AquiferError `no-period`
 */
export function filePeriod(
  source: Source,
  file: Pick<RawFile, "folder" | "path" | "matchPath">,
  counted: readonly ReadonlyMap<string, number>[],
  given: string | undefined,
): FilePeriod | undefined {
  const rule = source.period;
  if (!rule) return undefined;
  const silent: string[] = [];
  for (const [index, reading] of rule.columns.entries()) {
    const counts = counted[index] ?? new Map<string, number>();
    const [first, second] = [...counts].sort(([, a], [, b]) => b - a);
    if (!first) silent.push(`no value of ${reading.column} matches ${reading.written}`);
    else if (first[1] === second?.[1]) {
      silent.push(`${first[0]} and ${second[0]} each stand in ${first[1]} rows of ${reading.column}`);
    } else {
      const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return {
        start: first[0],
        rule: `${reading.column}${describeShift(reading)}: ${first[1]} of ${rows} rows`,
      };
    }
  }
  const named = periodOfName(rule, file.matchPath);
  if (named && "start" in named) return named;
  if (!named && given !== undefined) return { start: truncatePeriod(given, rule.grain), rule: "--period" };
  if (named) silent.push(`its name gives ${named.noDate}, which is no date`);
  else if (rule.names.length > 0) {
    silent.push(`its name does not match ${rule.names.map(({ written }) => written).join(", ")}`);
  }
  throw new AquiferError(`The period of ${displayName(file)} is not known: ${silent.join("; ")}`, {
    code: "no-period",
    hint: "Rename the file, or say it with --period.",
  });
}

/** The first date in a file's name, else in its path; or what looks like one and is none; undefined when nothing does. */
function periodOfName(
  { grain, names }: SourcePeriod,
  path: string,
): FilePeriod | { readonly noDate: string } | undefined {
  let noDate: string | undefined;
  for (const text of new Set([posix.basename(path), path])) {
    for (const reading of names) {
      for (const { groups, match } of reading.patterns.flatMap((pattern) => allMatches(pattern, text))) {
        const start = periodStart(grain, groups, reading.shiftMonths);
        if (start !== undefined) return { start, rule: `name${describeShift(reading)}: ${match}` };
        noDate ??= Object.values(groups).join("-");
      }
    }
  }
  return noDate === undefined ? undefined : { noDate };
}

/** Also those that overlap: `2020260102` holds 20260102 as well. */
function allMatches(pattern: RegExp, text: string): { readonly groups: DateParts; readonly match: string }[] {
  const searching = new RegExp(pattern.source, `${pattern.flags}g`);
  const matches: { groups: DateParts; match: string }[] = [];
  for (let found = searching.exec(text); found; found = searching.exec(text)) {
    matches.push({ groups: found.groups ?? {}, match: found[0] });
    searching.lastIndex = found.index + 1;
  }
  return matches;
}

function describeShift({ shiftMonths }: CompiledReading): string {
  return shiftMonths === 0 ? "" : ` ${shiftMonths > 0 ? "+" : ""}${shiftMonths} month`;
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
  const date = dateOf(parts);
  if (!date) return undefined;
  // From the first of the month on, so that the 31st does not skip a shorter one.
  if (shift !== 0) date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + shift);
  return truncatePeriod(date.toISOString().slice(0, 10), grain);
}

/** Day 0 of Excel's serial dates, as they count from March 1900 on. */
const serialEpoch = Date.UTC(1899, 11, 30);

function dateOf(parts: DateParts): Date | undefined {
  if (parts["serial"] !== undefined) return new Date(serialEpoch + Number(parts["serial"]) * 86_400_000);
  const digits = parts["year"] ?? "";
  const year = Number(digits.length === 2 ? `20${digits}` : digits);
  const month = parts["month"] === undefined ? 1 : monthNumber(parts["month"]);
  const day = Number(parts["day"] ?? 1);
  if (month === undefined || !/^(\d{2}|\d{4})$/.test(digits)) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date : undefined;
}

/** The first day of the period that holds a date. */
export function truncatePeriod(date: string, grain: PeriodGrain): string {
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

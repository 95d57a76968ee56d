import { AquiferError } from "../base/errors.js";
import type { Source } from "../project/source.js";
import { displayName, type RawFile } from "./discover-files.js";

export interface FilePeriod {
  /** First day, `YYYY-MM-DD`. */
  readonly start: string;
  /** How it was found: `name` or `--period`. */
  readonly rule: string;
}

/**
 * The period of a file, by its name, else as given on the command line; never today's date.
 *
 * @param given `--period`: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`
 * @throws AquiferError `no-period`
 */
export function filePeriod(
  source: Source,
  file: Pick<RawFile, "folder" | "path" | "matchPath">,
  given: string | undefined,
): FilePeriod | undefined {
  const rule = source.period;
  if (!rule) return undefined;
  const groups = rule.fromName.exec(file.matchPath)?.groups;
  if (groups) {
    const year = groups["year"] ?? "";
    const parts = [year.length === 2 ? `20${year}` : year, groups["month"] ?? "1", groups["day"] ?? "1"];
    const start = toDate(parts);
    if (start !== undefined) return { start, rule: "name" };
    throw noPeriod(file, `its name gives ${parts.join("-")}, which is no date`);
  }
  if (given === undefined) throw noPeriod(file, `its name does not match ${rule.fromName.source}`);
  return { start: parsePeriod(given), rule: "--period" };
}

/**
 * The first day of a period as typed.
 *
 * @throws AquiferError `bad-period`
 */
export function parsePeriod(text: string): string {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text);
  const start = match && toDate([match[1] ?? "", match[2] ?? "1", match[3] ?? "1"]);
  if (start) return start;
  throw new AquiferError(`--period ${JSON.stringify(text)} is no period`, {
    code: "bad-period",
    hint: "Write YYYY, YYYY-MM or YYYY-MM-DD.",
    exitCode: 2,
  });
}

function toDate([year = "", month = "", day = ""]: readonly string[]): string | undefined {
  const text = `${year.padStart(4, "0")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : undefined;
}

function noPeriod(file: Pick<RawFile, "folder" | "path" | "matchPath">, why: string): AquiferError {
  return new AquiferError(`The period of ${displayName(file)} is not known: ${why}`, {
    code: "no-period",
    hint: "Rename the file, or say it with --period.",
  });
}

export type PeriodGrain = "day" | "month" | "year";

/**
 * How the period of a file is known: by its content, else by its name, else by `--period`; never today's date. Of a
 * database it is known row by row, by `fromSql`.
 *
 * Both patterns name the parts of a date as groups `year`, `month` and `day`, as far as the grain needs them. A year of two
 * digits means 20xx; a month is a number or begins like its English or Indonesian name.
 *
 * @example { grain: "month", fromName: /_(?<month>\d\d)(?<year>\d\d)_/ }
 */
export interface PeriodRule {
  readonly grain: PeriodGrain;
  /** Matched against the path below `raw/<system>/`. */
  readonly fromName?: RegExp;
  /** The period that most rows of the file have; two that are equally frequent are an error. */
  readonly fromColumn?: {
    readonly column: string;
    /** @example /^(?<day>\d{1,2})[-/.](?<month>\d{1,2})[-/.](?<year>\d{4})/ */
    readonly pattern: RegExp;
    /** Added to what the column says. */
    readonly shiftMonths?: number;
  };
  /**
   * Of a database: SQL over the relation's columns that gives each row's date, or its time stamp. Time stamps with a time
   * zone are taken in UTC. Rows for which it is NULL belong to no period and are kept as such.
   *
   * @example "make_date(year, month, 1)"
   */
  readonly fromSql?: string;
}

/** What is wrong with a rule; undefined when nothing is. */
export function periodRuleProblem(
  rule: PeriodRule,
  columns: readonly string[],
  ofDatabase: boolean,
): string | undefined {
  const needed = { day: ["year", "month", "day"], month: ["year", "month"], year: ["year"] }[rule.grain];
  const { fromName, fromColumn, fromSql } = rule;
  if (ofDatabase) {
    if (fromName || fromColumn) return "period of a database is told by fromSql alone";
    return (fromSql ?? "") === "" ? "period has no fromSql" : undefined;
  }
  if (fromSql !== undefined) return "period.fromSql is for a source that reads a database";
  if (!fromName && !fromColumn) return "period has neither fromName nor fromColumn";
  for (const [name, pattern] of [
    ["fromName", fromName],
    ["fromColumn.pattern", fromColumn?.pattern],
  ] as const) {
    if (!pattern) continue;
    const missing = needed.find((group) => !pattern.source.includes(`(?<${group}>`));
    if (missing !== undefined) return `period.${name} has no group "${missing}", which a ${rule.grain} needs`;
    if (pattern.global || pattern.sticky)
      return `period.${name} has a flag g or y, which remembers where it was`;
  }
  if (fromColumn && !columns.includes(fromColumn.column)) {
    return `period.fromColumn names "${fromColumn.column}", which is no column of it`;
  }
  return undefined;
}

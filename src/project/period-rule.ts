import { dateExpression, type DatePattern } from "./date-form.js";

export type PeriodGrain = "day" | "month" | "year";

/** Ways in which a date may be written, tried in this order, and what is added to it. */
export interface DateReading {
  readonly pattern: DatePattern | readonly DatePattern[];
  /** Added to what is read. */
  readonly shiftMonths?: number;
}

/**
 * How the period of a file is known: by its content, else by its name, else by `--period`; never today's date. Of a
 * database it is known row by row, by `fromSql`.
 *
 * Where several columns, readings or patterns are given, the first one that yields a date counts. A year of two digits means
 * 20xx; a month is a number or begins like its English or Indonesian name.
 *
 * @example
 * {
 *   grain: "month",
 *   fromColumn: { column: "read_on", pattern: ["D-M-Y", "YYYY-M-D", "SERIAL"], shiftMonths: 1 },
 *   fromName: ["YYYYMM", /_(?<month>\d\d)(?<year>\d\d)_/],
 * }
 */
export interface PeriodRule {
  readonly grain: PeriodGrain;
  /** Looked for anywhere in the file's name, then in its path below `raw/<system>/`. */
  readonly fromName?: DatePattern | DateReading | readonly (DatePattern | DateReading)[];
  /** The period that most rows of the file have. Two that are equally frequent say nothing. */
  readonly fromColumn?: ColumnReading | readonly ColumnReading[];
  /**
   * Of a database: SQL over the relation's columns that gives each row's date, or its time stamp. Time stamps with a time
   * zone are taken in UTC. Rows for which it is NULL belong to no period and are kept as such.
   *
   * @example "make_date(year, month, 1)"
   */
  readonly fromSql?: string;
}

export interface ColumnReading extends DateReading {
  readonly column: string;
}

/** A period rule with every form compiled and every default filled in. */
export interface SourcePeriod {
  readonly grain: PeriodGrain;
  readonly names: readonly CompiledReading[];
  readonly columns: readonly (CompiledReading & { readonly column: string })[];
  /** Of a database. */
  readonly fromSql: string | undefined;
}

export interface CompiledReading {
  readonly patterns: readonly RegExp[];
  /** The patterns as they were given, for messages. */
  readonly written: string;
  readonly shiftMonths: number;
}

const needed = { day: ["year", "month", "day"], month: ["year", "month"], year: ["year"] } as const;

/**
 * Compiles a rule.
 *
 * @param columns of the source
 * @param ofDatabase the source reads a database, not files
 * @param fail called with what is wrong with the rule
 */
export function sourcePeriod(
  rule: PeriodRule,
  columns: readonly string[],
  ofDatabase: boolean,
  fail: (problem: string) => Error,
): SourcePeriod {
  const { grain, fromName, fromColumn, fromSql } = rule;
  if (ofDatabase) {
    if (fromName !== undefined || fromColumn !== undefined)
      throw fail("period of a database is told by fromSql alone");
    if ((fromSql ?? "") === "") throw fail("period has no fromSql");
    return { grain, names: [], columns: [], fromSql };
  }
  if (fromSql !== undefined) throw fail("period.fromSql is for a source that reads a database");
  if (fromName === undefined && fromColumn === undefined)
    throw fail("period has neither fromName nor fromColumn");
  const compile = (option: string, reading: DateReading, isValue: boolean): CompiledReading => {
    const given = [reading.pattern].flat();
    const patterns = given.map((pattern): RegExp => {
      const expression = dateExpression(pattern);
      if (!expression) throw fail(`period.${option} ${JSON.stringify(pattern)} is no form of a date`);
      const has = (group: string): boolean => expression.source.includes(`(?<${group}>`);
      const missing = has("serial") ? undefined : needed[grain].find((group) => !has(group));
      if (missing !== undefined)
        throw fail(`period.${option} has no group "${missing}", which a ${grain} needs`);
      if (expression.global || expression.sticky)
        throw fail(`period.${option} has a flag g or y, which remembers where it was`);
      const isForm = typeof pattern === "string";
      return isForm && isValue ? new RegExp(`^${expression.source}`, expression.flags) : expression;
    });
    const written = given.map((pattern) => (typeof pattern === "string" ? pattern : pattern.source));
    return { patterns, written: written.join(", "), shiftMonths: reading.shiftMonths ?? 0 };
  };
  const ofName = asList(fromName).map((each): DateReading =>
    typeof each === "string" || each instanceof RegExp ? { pattern: each } : each,
  );
  const ofColumn = asList(fromColumn);
  const unknown = ofColumn.find(({ column }) => !columns.includes(column));
  if (unknown) throw fail(`period.fromColumn names "${unknown.column}", which is no column of it`);
  return {
    grain,
    fromSql: undefined,
    names: ofName.map((reading) => compile("fromName", reading, false)),
    columns: ofColumn.map((reading) => ({
      column: reading.column,
      ...compile("fromColumn.pattern", reading, true),
    })),
  };
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

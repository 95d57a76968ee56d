import { parseDuration } from "../base/duration.js";
import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { PeriodGrain } from "../project/period-rule.js";
import type { Source } from "../project/source.js";
import { rescuedColumn } from "../project/sources.js";
import type { HeaderMatch } from "./match-header.js";

/** A column of the store and the SQL over the relation that fills it. */
export interface ExtractColumn {
  readonly name: string;
  readonly sql: string;
}

/**
 * Makes the text of values the same on every server and in every session: what is hashed is what is copied. Rows that a
 * policy hides from this role would be missing in silence: the server is told to refuse instead.
 */
export const extractSettings = `
set local datestyle = 'ISO, YMD';
set local timezone = 'UTC';
set local intervalstyle = 'postgres';
set local bytea_output = 'hex';
set local extra_float_digits = 1;
set local client_encoding = 'UTF8';
set local lc_monetary = 'C';
set local row_security = off;
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0`;

/** Applies the drift policy of a source to the columns of its relation. */
export function extractColumns(source: Source, header: HeaderMatch): ExtractColumn[] {
  const all = header.columns.map((name, index) => ({
    name,
    sql: quoteIdentifier(header.cells[index] ?? name),
  }));
  if (source.drift !== "discard" && source.drift !== "rescue") return all;
  const isDeclared = ({ name }: ExtractColumn): boolean => header.found.includes(name);
  const others = all.filter((column) => !isDeclared(column));
  const declared = all.filter(isDeclared);
  if (source.drift === "discard" || others.length === 0) return declared;
  const keys = others.map(({ name }) => quoteLiteral(name)).join(", ");
  const values = others.map(({ sql }) => `${sql}::text`).join(", ");
  return [...declared, { name: rescuedColumn.name, sql: `jsonb_object(array[${keys}], array[${values}])` }];
}

/** Which rows of a relation an extract takes: SQL of a condition. */
export type ExtractRange =
  | { readonly kind: "all" }
  /** `start` is undefined for the rows without a period. */
  | {
      readonly kind: "period";
      readonly sql: string;
      readonly grain: PeriodGrain;
      readonly start: string | undefined;
    }
  /** From a boundary on, itself included, up to another, not included. The last range takes the rows without a cursor. */
  | {
      readonly kind: "cursor";
      readonly column: string;
      readonly type: string;
      readonly from: string | undefined;
      readonly to: string | undefined;
    };

export function rangeCondition(range: ExtractRange): string {
  switch (range.kind) {
    case "all":
      return "true";
    case "period": {
      const date = `(${range.sql})`;
      if (range.start === undefined) return `(${date} is null or not isfinite(${date}))`;
      const start = `${quoteLiteral(range.start)}::date`;
      return `(${date} >= ${start} and ${date} < ${start} + interval '1 ${range.grain}')`;
    }
    case "cursor": {
      const column = quoteIdentifier(range.column);
      const bound = (value: string): string => `${quoteLiteral(value)}::${range.type}`;
      const bounds = [
        ...(range.from === undefined ? [] : [`${column} >= ${bound(range.from)}`]),
        ...(range.to === undefined ? [] : [`${column} < ${bound(range.to)}`]),
      ];
      const within = bounds.length === 0 ? "true" : bounds.join(" and ");
      return range.to === undefined && bounds.length > 0 ? `(${within} or ${column} is null)` : `(${within})`;
    }
  }
}

/**
 * A query: for each period (or once) how many rows there are, their bytes, and the sum of a 64-bit hash over each row's text.
 * The sum does not depend on the order, and a row more or less, or a value changed, changes it.
 */
export function contentQuery(
  relation: RelationName,
  columns: readonly ExtractColumn[],
  condition: string,
  period?: { readonly sql: string; readonly grain: PeriodGrain },
): string {
  const date = period && `(${period.sql})`;
  const start =
    period && date !== undefined
      ? `case when isfinite(${date}) then date_trunc('${period.grain}', ${date})::date end`
      : "null::date";
  const list = columns.map(({ sql }) => sql).join(", ");
  // Without the offset the planner would make the row's text once for each use of it.
  return `
select start::text as start, count(*)::text as rows, coalesce(sum(octet_length(line)), 0)::text as bytes,
  coalesce(sum(hashtextextended(line, 0)), 0)::text as hash
from (
  select ${start} as start, row(${list})::text collate "C" as line from ${quoteRelation(relation)} where ${condition} offset 0
) as extract
group by start order by start`;
}

/** `copy ... to stdout`: the rows behind their two numbers, each value as the server writes it. */
export function extractCopy(
  relation: RelationName,
  columns: readonly ExtractColumn[],
  condition: string,
  fileId: string,
): string {
  const list = columns.map(({ sql }) => sql).join(", ");
  return `copy (select ${fileId}, row_number() over (), ${list} from ${quoteRelation(relation)} where ${condition}) to stdout`;
}

/** The type of a period's SQL; also finds what is wrong with it, without reading a row. */
export function periodTypeQuery(relation: RelationName, sql: string): string {
  return `select pg_typeof((${sql}))::text as type from (values (1)) as one left join ${quoteRelation(relation)} as relation on false`;
}

/** Types are named without what restricts them: `numeric`, not `numeric(10,2)`, to which a boundary would be rounded. */
const numberTypes = ["smallint", "integer", "bigint", "numeric"];
const timeTypes = ["date", "timestamp without time zone", "timestamp with time zone"];

/** Whether the type of a column can be a cursor's, with this lag. Undefined, or what is wrong. */
export function cursorProblem(type: string, lag: string | number | undefined): string | undefined {
  const isNumber = numberTypes.includes(type);
  const isTime = timeTypes.includes(type);
  if (!isNumber && !isTime) return `its type is ${type}; a cursor is a time, a date or a number`;
  if (isNumber && typeof lag === "string") return `its type is ${type}, so its lag is a number, not "${lag}"`;
  if (isTime && typeof lag === "number") return `its type is ${type}, so its lag is a duration such as "2h"`;
  return undefined;
}

/**
 * A query of one row: the boundary before which rows are settled, the lag before the highest cursor, never before the last
 * boundary. A time in the future does not count: it would settle what is still to come.
 */
export function boundaryQuery(
  relation: RelationName,
  cursor: { readonly column: string; readonly type: string; readonly lag: string | number | undefined },
  last: string | undefined,
): string {
  const { type, lag = 0 } = cursor;
  const column = quoteIdentifier(cursor.column);
  // Not a number, and infinite, are more than any boundary: such rows stay in the last range.
  const finite = type === "numeric" ? ` filter (where ${column}::text not in ('NaN', 'Infinity'))` : "";
  const highest = `max(${column})${finite}`;
  const before = numberTypes.includes(type)
    ? `${highest} - ${String(lag)}::numeric`
    : // Of nothing and a moment the moment is the least: an empty relation settles nothing.
      `case when ${highest} is not null then least(${highest}, now()::${type}) - interval '${typeof lag === "string" ? parseDuration(lag) : 0} milliseconds' end`;
  const whole = type === "numeric" || timeTypes.includes(type) ? `(${before})` : `floor(${before})`;
  const boundary =
    last === undefined ? `${whole}::${type}` : `greatest(${whole}::${type}, ${quoteLiteral(last)}::${type})`;
  return `select (${boundary})::text as boundary from ${quoteRelation(relation)}`;
}

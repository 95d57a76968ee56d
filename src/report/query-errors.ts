import { AquiferError } from "../base/errors.js";
import { formatRelation, quoteIdentifier, type RelationName } from "../base/identifiers.js";
import { nearestName } from "../base/nearest-name.js";
import { excerpt, type SourceLocation } from "../base/source-location.js";
import type { ReportQuery } from "../project/report.js";
import type { RenderedSql } from "../project/report-sql.js";
import type { Queryable } from "../warehouse/warehouse.js";
import type { WarehouseError } from "../warehouse/warehouse-error.js";
import type { LoadedReport } from "./load-reports.js";

/** A query of a report. */
export interface QueryPlace {
  readonly loaded: LoadedReport;
  readonly name: string;
  readonly query: ReportQuery;
}

/** A declared column that the query does not return. */
export async function columnMissing(
  session: Queryable,
  place: QueryPlace,
  rendered: RenderedSql,
  error: WarehouseError,
): Promise<AquiferError> {
  const returned = await returnedColumns(session, rendered);
  const column = Object.keys(place.query.columns).find((each) => !returned.includes(each)) ?? "";
  const near = nearestName(column, returned);
  return queryError(place, `does not return the column "${column}" that the report declares`, {
    code: "report-column",
    hint: `It returns ${returned.join(", ")}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
    cause: error,
    ...placeOf(place.loaded, place.loaded.source.search(new RegExp(`\\b${escapeRegExp(column)}["']?\\s*:`))),
  });
}

/** A `shape` that failed, or whose table lacks a declared column. */
export function shapeFailed(place: QueryPlace, problem: string, hint: string, cause?: unknown): AquiferError {
  const at = place.loaded.source.search(/\bshape\s*[:(]/);
  return queryError(place, problem, { code: "report-shape", hint, cause, ...placeOf(place.loaded, at) });
}

/** A query that the server refused. */
export async function queryFailed(
  session: Queryable,
  place: QueryPlace,
  rendered: RenderedSql,
  relations: readonly RelationName[],
  position: number | undefined,
  error: WarehouseError,
): Promise<AquiferError> {
  const { sqlState, message, detail, hint } = error.server;
  const at = position === undefined ? undefined : inSource(place.loaded.source, rendered, position);
  return queryError(place, `failed: ${message}`, {
    code: `sql-${sqlState ?? "unknown"}`,
    details: detail === undefined ? [] : [`detail: ${detail}`],
    cause: error,
    hint: (await suggestion(session, relations, error)) ?? hint,
    ...placeOf(place.loaded, at ?? -1),
  });
}

/** A value that is not what the report declares. */
export function valueRefused(
  place: QueryPlace,
  column: string,
  row: number,
  value: string,
  hint: string,
): AquiferError {
  return queryError(place, `returned ${value} in column "${column}", row ${row + 1}`, {
    code: "report-value",
    hint,
  });
}

function queryError(
  { loaded, name }: QueryPlace,
  what: string,
  options: {
    readonly code: string;
    readonly hint?: string | undefined;
    readonly details?: readonly string[];
    readonly cause?: unknown;
    readonly location?: SourceLocation;
    readonly excerpt?: string;
  },
): AquiferError {
  const { hint, ...rest } = options;
  return new AquiferError(`query "${name}" ${what}`, {
    location: { file: loaded.file },
    ...rest,
    ...(hint === undefined ? {} : { hint }),
  });
}

async function suggestion(
  session: Queryable,
  relations: readonly RelationName[],
  error: WarehouseError,
): Promise<string | undefined> {
  const { sqlState, message } = error.server;
  const named = /"([^"]+)"|column (\S+) does not exist/.exec(message);
  const name = (named?.[1] ?? named?.[2] ?? "").split(".").at(-1) ?? "";
  if (sqlState === "42703") {
    const columns = await columnsOf(session, relations);
    const near = nearestName(
      name,
      columns.map(({ column }) => column),
    );
    const found = columns.find(({ column }) => column === near);
    const list = columns.map(({ column }) => column).join(", ");
    return found === undefined
      ? `${relations.map(formatRelation).join(", ")} has the columns ${list}.`
      : `The nearest column is "${found.column}" of ${found.relation}.`;
  }
  if (sqlState === "42P01") {
    const existing = await session.query<{ name: string }>(
      `select format('%s.%s', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where relkind in ('r', 'p', 'v', 'm', 'f') and nspname not like 'pg\\_%' and nspname <> 'information_schema'`,
    );
    const names = existing.rows.map((row) => row.name);
    const absent = relations.map(formatRelation).find((each) => !names.includes(each));
    const near = absent === undefined ? undefined : nearestName(absent, names);
    return `Run the models first: dataform run.${near === undefined ? "" : ` Or did you mean ${near}?`}`;
  }
  return undefined;
}

async function columnsOf(
  session: Queryable,
  relations: readonly RelationName[],
): Promise<{ relation: string; column: string }[]> {
  const answer = await session.query<{ relation: string; column: string }>(
    `select format('%s.%s', nspname, relname) as relation, attname as "column"
     from pg_attribute join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace
     where attnum > 0 and not attisdropped and format('%s.%s', nspname, relname) = any($1)
     order by attrelid, attnum`,
    [relations.map(formatRelation)],
  );
  return [...answer.rows];
}

async function returnedColumns(session: Queryable, rendered: RenderedSql): Promise<string[]> {
  const view = quoteIdentifier("returned");
  // Values cannot stand in a view; their types do not matter for its column names.
  const text = rendered.values.reduce<string>(
    (sql, _, index) => sql.replaceAll(`$${rendered.values.length - index}`, "null"),
    rendered.text,
  );
  await session.query(`create temporary view ${view} as ${text.replace(/;\s*$/, "")}`);
  const answer = await session.query<{ column: string }>(
    `select attname as "column" from pg_attribute where attrelid = 'pg_temp.returned'::regclass and attnum > 0 order by attnum`,
  );
  return answer.rows.map(({ column }) => column);
}

/** Index in the report's file of a position in the statement (code points from 1); undefined inside a hole. */
function inSource(source: string, rendered: RenderedSql, position: number): number | undefined {
  const offset = Array.from(rendered.text)
    .slice(0, position - 1)
    .join("").length;
  const piece = rendered.pieces.findLast(({ start, part }) => start <= offset && part !== "");
  if (piece === undefined) return undefined;
  const at = source.indexOf(piece.part);
  return at === -1 ? undefined : at + Math.min(offset - piece.start, piece.part.length);
}

function placeOf(loaded: LoadedReport, index: number): { location: SourceLocation; excerpt?: string } {
  if (index < 0) return { location: { file: loaded.file } };
  const before = loaded.source.slice(0, index).split("\n");
  const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
  return { location: { file: loaded.file, line, column }, excerpt: excerpt(loaded.source, line, column) };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

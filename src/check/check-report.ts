import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import { excerpt } from "../base/source-location.js";
import { lineColumnAt, utf16Offset } from "../base/text-position.js";
import { nearestName } from "../base/nearest-name.js";
import { findSnippet } from "../project/find-text.js";
import type { Report } from "../project/report.js";
import { refsOf, renderSql, type ReportRef, type SqlPiece, type SqlValue } from "../project/report-sql.js";
import type { Queryable, Row } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { ChangedQueries } from "./changed-queries.js";
import { isUnjudgeable, type CheckContext } from "./check-context.js";
import type { Finding } from "./finding.js";
import type { ModelColumn } from "./warehouse-model.js";

export interface CheckedReport {
  readonly name: string;
  /** Path relative to the project root, and its text. */
  readonly file: string;
  readonly source: string;
  readonly report: Report;
}

export interface ReportJudgement {
  readonly findings: readonly Finding[];
  /** What each query returns; those that were refused or not judged are absent. */
  readonly queries: Readonly<Record<string, readonly ModelColumn[]>>;
}

/**
 * Tries the queries of a report on the empty tables: each must run and return the columns that the report declares.
 *
 * @param context says what could not be built: a query that reads it is not judged
 * @param changed knows the queries that need not be tried again
 */
export async function checkReport(
  session: Queryable,
  checked: CheckedReport,
  relationOf: (ref: ReportRef) => RelationName,
  { broken, lacking }: Pick<CheckContext, "broken" | "lacking">,
  changed: ChangedQueries,
): Promise<ReportJudgement> {
  const findings: Finding[] = [];
  const queries: Record<string, readonly ModelColumn[]> = {};
  for (const [name, query] of Object.entries(checked.report.data)) {
    const refs = refsOf(query.sql)
      .map(relationOf)
      .map((each) => `${each.schema}.${each.name}`);
    if (refs.some((key) => broken.has(key))) continue;
    const { text, values, pieces } = renderSql(query.sql, (ref) => quoteRelation(relationOf(ref)));
    const before = "select * from (\n";
    const subject = `report ${checked.name}, query ${name}`;
    const wanted = query.shape === undefined ? Object.keys(query.columns) : [];
    const judged = { key: `${checked.name}: ${name}`, text, values, refs, columns: wanted };
    const returned = await changed.judge(judged, async () => {
      try {
        const columns = await tryQuery(session, `${before}${text}\n) as rows limit 0`, text, values);
        const produced = columns.map((column) => column.name);
        const lost = wanted.filter((column) => !produced.includes(column));
        for (const column of lost) findings.push(absent(checked, subject, column, produced));
        return { columns, isClean: lost.length === 0 };
      } catch (error) {
        if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
        if (!isUnjudgeable(error, lacking))
          findings.push(refusal(checked, subject, error, { before: before.length, pieces }));
        return { isClean: false };
      }
    });
    if (returned !== undefined) queries[name] = returned;
  }
  return { findings, queries };
}

/** Runs a query as a report does, with parameters, and says what it returns. */
async function tryQuery(
  session: Queryable,
  statement: string,
  text: string,
  values: readonly SqlValue[],
): Promise<ModelColumn[]> {
  const literals = values.map((value) => (value === null ? "null" : quoteLiteral(String(value))));
  await session.query(statement, values);
  await session.query("drop table if exists pg_temp.aquifer_report");
  await session.query(
    `create temp table aquifer_report as\n${text.replace(/\$(\d+)/g, (_, index: string) => literals[Number(index) - 1] ?? "null")}\nwith no data`,
  );
  const { rows } = await session.query<ModelColumn & Row>(
    `select attname as name, format_type(atttypid, atttypmod) as type
     from pg_attribute where attrelid = 'pg_temp.aquifer_report'::regclass and attnum > 0 order by attnum`,
  );
  return rows.map((row) => ({ name: row.name, type: row.type }));
}

function absent(
  checked: CheckedReport,
  subject: string,
  column: string,
  produced: readonly string[],
): Finding {
  const near = nearestName(column, produced);
  return {
    severity: "error",
    code: "report-column",
    message: `${subject}: the report reads the column "${column}", which the query does not return`,
    subject,
    location: { file: checked.file },
    details: [],
    hint: near === undefined ? `It returns ${produced.join(", ")}.` : `Did you mean "${near}"?`,
  };
}

function refusal(
  checked: CheckedReport,
  subject: string,
  error: WarehouseError,
  sent: { readonly before: number; readonly pieces: readonly SqlPiece[] },
): Finding {
  const { server, statement = "" } = error;
  const offset =
    server.position === undefined
      ? undefined
      : utf16Offset(statement, server.position - 1, "code points") - sent.before;
  const piece =
    offset === undefined
      ? undefined
      : sent.pieces.findLast((each) => each.start <= offset && offset <= each.start + each.part.length);
  const found =
    piece && offset !== undefined ? findSnippet(checked.source, piece.part, offset - piece.start) : undefined;
  const place = found === undefined ? undefined : lineColumnAt(checked.source, found);
  return {
    severity: "error",
    code: error.code,
    message: `${subject}: ${server.message}`,
    subject,
    location: { file: checked.file, ...place },
    ...(place ? { excerpt: excerpt(checked.source, place.line, place.column) } : {}),
    details: server.detail === undefined ? [] : [`detail: ${server.detail}`],
    ...(server.hint === undefined ? {} : { hint: server.hint }),
  };
}

import { quoteIdentifier, quoteRelation, formatRelation, type RelationName } from "../base/identifiers.js";
import type { ColumnType, QueryColumn, ReportRow, Value } from "../project/report.js";
import type { ReportRelations } from "../project/report-relations.js";
import { refsOf, renderSql } from "../project/report-sql.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { columnMissing, queryFailed, valueRefused, type QueryPlace } from "./query-errors.js";
import { shapeRows } from "./shape-rows.js";
import type { LoadedReport } from "./load-reports.js";

/** A report's rows, and what could not be read. */
export interface ReadReport {
  readonly rows: Readonly<Record<string, readonly ReportRow[]>>;
  /** Relations of optional queries that do not exist. */
  readonly missing: readonly string[];
  /** Relations by query, as people write them. */
  readonly relations: Readonly<Record<string, readonly string[]>>;
  /** The warehouse's comments by column name. */
  readonly definitions: Readonly<Record<string, string>>;
  readonly readAt: Date;
}

export interface ReadOptions {
  /** Where a `ref` leads in this warehouse. */
  readonly relationOf: ReportRelations;
  readonly now: () => Date;
  /** Cancels the statement that runs. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the queries of a report, one after the other on one connection that cannot write, and checks that they return
 * what the report declares.
 *
 * @throws AquiferError naming the report's file, the query, and the line and column in it
 */
export async function readReport(
  warehouse: Warehouse,
  report: LoadedReport,
  options: ReadOptions,
): Promise<ReadReport> {
  return warehouse.withSession((session) => {
    const cancel = (): void => void warehouse.cancel(session.backendPid).catch(() => undefined);
    options.signal?.addEventListener("abort", cancel);
    return session
      .transaction(async (transaction) => {
        await transaction.query("set transaction read only");
        return readAll(transaction, report, options);
      })
      .finally(() => options.signal?.removeEventListener("abort", cancel));
  });
}

async function readAll(session: Queryable, loaded: LoadedReport, options: ReadOptions): Promise<ReadReport> {
  const rows: Record<string, readonly ReportRow[]> = {};
  const relations: Record<string, readonly string[]> = {};
  const missing = new Set<string>();
  const read: RelationName[] = [];
  for (const [name, query] of Object.entries(loaded.report.data)) {
    const targets = refsOf(query.sql).map(options.relationOf);
    relations[name] = targets.map(formatRelation);
    const absent = query.optional === true ? await absentRelations(session, targets) : [];
    if (absent.length > 0) {
      for (const relation of absent) missing.add(formatRelation(relation));
      rows[name] = [];
      continue;
    }
    read.push(...targets);
    rows[name] = await readQuery(session, { loaded, name, query }, options);
  }
  return {
    rows,
    relations,
    missing: [...missing],
    definitions: await comments(session, read),
    readAt: options.now(),
  };
}

async function readQuery(session: Queryable, place: QueryPlace, options: ReadOptions): Promise<ReportRow[]> {
  const { query, loaded } = place;
  const rendered = renderSql(query.sql, (each) => quoteRelation(options.relationOf(each)));
  // Selecting the declared columns from the query lets the server itself say which one is missing, with no row read.
  const declared = Object.entries(query.columns).map(
    ([column, { type }]) => `${quoteIdentifier(column)}${cast[type]}`,
  );
  const prefix = `select ${query.shape === undefined ? declared.join(", ") : "*"} from (\n`;
  const statement = `${prefix}${rendered.text.replace(/;\s*$/, "")}\n) as query /* report ${loaded.name.replaceAll("*/", "")} */`;
  try {
    const answer = await session.query(statement, rendered.values);
    const columns = Object.entries(query.columns);
    const rows = query.shape === undefined ? answer.rows : await shapeRows(place, query.shape, answer.rows);
    return rows.map((row, index) =>
      Object.fromEntries(
        columns.map(([column, spec]) => [column, typed(row[column], column, spec, index, place)]),
      ),
    );
  } catch (thrown) {
    if (!(thrown instanceof WarehouseError) || thrown.isConnectionLoss) throw thrown;
    const position =
      thrown.server.position === undefined ? undefined : thrown.server.position - Array.from(prefix).length;
    // The failed statement has ended the transaction: what it could have named is looked up after it.
    await session.query("rollback");
    await session.query("begin");
    if (thrown.server.sqlState === "42703" && position !== undefined && position <= 0) {
      throw await columnMissing(session, place, rendered, thrown);
    }
    throw await queryFailed(
      session,
      place,
      rendered,
      refsOf(query.sql).map(options.relationOf),
      position,
      thrown,
    );
  }
}

/** What the server turns a column into; the rest is checked as it arrives. */
const cast: Record<ColumnType, string> = {
  text: "::text",
  integer: "",
  number: "::float8",
  boolean: "",
  date: "::date",
  timestamp: " at time zone 'UTC'",
};

function typed(value: unknown, column: string, spec: QueryColumn, row: number, place: QueryPlace): Value {
  if (value === null || value === undefined) {
    if (spec.nullable === true) return null;
    throw valueRefused(
      place,
      column,
      row,
      "NULL",
      "Give the column `nullable: true`, or leave such rows out in the query.",
    );
  }
  const refuse = (): never => {
    throw valueRefused(
      place,
      column,
      row,
      JSON.stringify(value),
      `The report declares the column as ${spec.type}.`,
    );
  };
  switch (spec.type) {
    case "text":
      return typeof value === "string" ? value : refuse();
    case "integer": {
      const number = typeof value === "number" || typeof value === "string" ? Number(value) : NaN;
      return Number.isSafeInteger(number) ? number : refuse();
    }
    case "number": {
      const number = typeof value === "number" || typeof value === "string" ? Number(value) : NaN;
      return Number.isFinite(number) ? number : refuse();
    }
    case "boolean":
      return typeof value === "boolean" ? value : refuse();
    case "date":
    case "timestamp": {
      const iso = typeof value === "string" ? value.replace(" ", "T") : "";
      const date = new Date(spec.type === "timestamp" ? `${iso}Z` : iso);
      return Number.isNaN(date.getTime()) ? refuse() : date;
    }
  }
}

async function absentRelations(
  session: Queryable,
  relations: readonly RelationName[],
): Promise<RelationName[]> {
  const absent: RelationName[] = [];
  for (const relation of relations) {
    const answer = await session.query<{ present: boolean }>(
      "select to_regclass($1) is not null as present",
      [quoteRelation(relation)],
    );
    if (answer.rows[0]?.present !== true) absent.push(relation);
  }
  return absent;
}

async function comments(
  session: Queryable,
  relations: readonly RelationName[],
): Promise<Record<string, string>> {
  const answer = await session.query<{ column: string; comment: string }>(
    `select attname as "column", col_description(attrelid, attnum) as comment
     from unnest($1::text[]) as relation
     join pg_attribute on attrelid = to_regclass(relation)
     where attnum > 0 and col_description(attrelid, attnum) is not null`,
    [relations.map(quoteRelation)],
  );
  return Object.fromEntries(answer.rows.map(({ column, comment }) => [column, comment]));
}

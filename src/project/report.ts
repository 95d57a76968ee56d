import type * as arquero from "arquero";
import type { PlotOptions } from "@observablehq/plot";
import type { SqlTemplate } from "./report-sql.js";

/** How a value is written, in the report's locale. Rates are fractions: `percent` writes 0.5238 as 52.38%. */
export type ValueFormat =
  | { readonly as: "number"; readonly digits?: number; readonly compact?: boolean }
  | { readonly as: "percent"; readonly digits?: number }
  | {
      readonly as: "currency";
      /** ISO 4217, such as `IDR`. */
      readonly currency: string;
      readonly digits?: number;
      readonly compact?: boolean;
    }
  | { readonly as: "date" | "month" | "year" | "timestamp" };

export type LocaleName = "en" | "id-ID";

/** What a column of rows is called and means: the header of its table and download, and its definition. */
export interface Field {
  readonly label: string;
  readonly format?: ValueFormat;
  /** What the figure means; for a query's column, the comment of the warehouse column of that name where absent. */
  readonly definition?: string;
  /** Shown beside the label: `m³`, `IDR`. */
  readonly unit?: string;
}

export type ColumnType = "text" | "integer" | "number" | "boolean" | "date" | "timestamp";

/** One column of a query, as the report expects it: checked when the query runs. */
export interface QueryColumn extends Field {
  readonly type: ColumnType;
  /** A NULL in any other column is an error. */
  readonly nullable?: boolean;
}

/** What a cell of a report may hold. Dates and timestamps are UTC. */
export type Value = string | number | boolean | Date | null;
export type ReportRow = Readonly<Record<string, Value>>;

interface ValueOfType {
  text: string;
  integer: number;
  number: number;
  boolean: boolean;
  date: Date;
  timestamp: Date;
}

type ValueOf<C extends QueryColumn> = C extends { readonly nullable: true }
  ? ValueOfType[C["type"]] | null
  : ValueOfType[C["type"]];

/** What a `shape` works with: arquero's functions (https://idl.uw.edu/arquero/api/). */
export type Arquero = typeof arquero;

/** A named query of a report. */
export interface ReportQuery {
  readonly sql: SqlTemplate;
  /** The columns that the report reads, by their names in the result. Others are not embedded in the page. */
  readonly columns: Readonly<Record<string, QueryColumn>>;
  /**
   * Reshapes what the SQL returned, with arquero, where SQL would be clumsy (pivots, fills, rolling windows over gaps);
   * `columns` then describe its result. Runs where the report is built, never in the page.
   *
   * @example shape: (table, { op }) => table.groupby("region").pivot("month", "amount", { fill: 0 })
   */
  readonly shape?: (table: arquero.ColumnTable, aq: Arquero) => arquero.ColumnTable;
  /** False: the page's filters leave this query alone. Otherwise it must have every filter's column. */
  readonly filtered?: boolean;
  /** True: while a table it reads does not exist, the page says so and shows the rest. */
  readonly optional?: boolean;
}

export type ReportQueries = Readonly<Record<string, ReportQuery>>;

/**
 * What the queries of each report return: report, query, column, PostgreSQL's type. Filled by the project's
 * `types/warehouse.d.ts`, which `dataform check` writes.
 */
export interface WarehouseQueries {
  readonly [unnamed: symbol]: never;
}

/** How a report may read a column of a type of PostgreSQL; any way where the type is none of the plain ones. */
type ReadableAs<T> = T extends "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision"
  ? "text" | "integer" | "number"
  : T extends `numeric(${number},${number})`
    ? "text" | "integer" | "number"
    : T extends "boolean"
      ? "text" | "boolean"
      : T extends "date" | `timestamp${string} time zone`
        ? "text" | "date" | "timestamp"
        : T extends "text" | "character varying" | `character varying(${number})`
          ? "text" | "integer" | "number" | "date"
          : ColumnType;

/** The columns that a query may declare, by what it returns; what it does not return is refused with these words. */
type ConformingColumns<Columns, Returned> = {
  readonly [Column in keyof Columns]: Column extends keyof Returned
    ? { readonly type: ReadableAs<Returned[Column]> }
    : `the query does not return ${Column & string}`;
};

/**
 * The queries of the report named `Name`, as the warehouse answers them. A query with a `shape`, and a report that
 * `types/warehouse.d.ts` does not hold yet, are taken as they are.
 */
type ConformingQueries<Name extends string, Q extends ReportQueries> = Name extends keyof WarehouseQueries
  ? {
      readonly [Query in keyof Q]: Q[Query] extends { readonly shape: unknown }
        ? Q[Query]
        : Query extends keyof WarehouseQueries[Name]
          ? { readonly columns: ConformingColumns<Q[Query]["columns"], WarehouseQueries[Name][Query]> }
          : Q[Query];
    }
  : Q;

/** The rows of a report's queries, typed by their columns. */
export type ReportData<Q extends ReportQueries> = {
  readonly [Name in keyof Q]: readonly {
    readonly [Column in keyof Q[Name]["columns"]]: ValueOf<Q[Name]["columns"][Column]>;
  }[];
};

/** A filter on the column of its name, in every query of the report. */
export interface ReportFilter {
  readonly label: string;
  /** `choice`: any of the values found. `range`: from one of the values found to another. */
  readonly kind?: "choice" | "range";
  /** Values in the order they are offered; those not named follow, sorted. */
  readonly order?: readonly string[];
}

/** A figure on a card. */
export interface Kpi {
  readonly kind: "kpi";
  readonly label: string;
  /** Null where it cannot be said. */
  readonly value: number | null;
  readonly format: ValueFormat;
  readonly unit?: string;
  /** What is counted, in one sentence. */
  readonly definition: string;
  /** The same figure of an earlier period. */
  readonly previous?: {
    readonly value: number | null;
    readonly period: string;
    /** Which direction is welcome; none where neither is. */
    readonly better?: "up" | "down";
  };
  /** The figure over time, oldest first; null where a period is missing. */
  readonly trend?: readonly (number | null)[];
}

/** What a chart is drawn for. Colours are CSS expressions that follow the page's theme. */
export interface ChartContext {
  /** Pixels. */
  readonly width: number;
  readonly theme: ChartTheme;
  readonly locale: LocaleName;
  format(value: Value, format?: ValueFormat): string;
  /** The label of a column of the chart's rows. */
  label(column: string): string;
  /** The format of a column of the chart's rows. */
  fieldFormat(column: string): ValueFormat | undefined;
  /** A value of a column, in the column's format. */
  formatted(column: string, value: Value): string;
}

export interface ChartTheme {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  /** The one highlight. */
  readonly accent: string;
  /** What is not highlighted. */
  readonly grey: string;
  /** Fainter than grey: unknown, or the period that still runs. */
  readonly faint: string;
  /** Text on `accent`. */
  readonly onAccent: string;
  /** Text on `grey` and `faint`. */
  readonly onGrey: string;
  /** Okabe and Ito's colours, in an order that keeps 3:1 against the surface. */
  readonly series: readonly string[];
}

/** Draws rows: a pure function, called on the server and again in the browser. */
export type Draw<R> = (rows: readonly R[], context: ChartContext) => PlotOptions;

export interface ChartSpec<R> {
  /** The finding or the measure, in plain words. */
  readonly title: string;
  /** Unit and period. */
  readonly subtitle?: string;
  /** Where the figures are from. */
  readonly source?: string;
  /** What is drawn: also the table behind the chart, and its download. */
  readonly rows: readonly R[];
  /** The columns of the rows, in the order of the table. */
  readonly fields: { readonly [Column in keyof R & string]?: Field };
  readonly draw: Draw<R>;
  /** What a reader who cannot see the chart should know; said from the rows where absent. */
  readonly alternative?: string;
  readonly width?: "half" | "full";
}

export interface Chart extends Omit<ChartSpec<ReportRow>, "fields"> {
  readonly kind: "chart";
  readonly fields: Readonly<Record<string, Field>>;
}

export interface TableSpec<R> {
  readonly title: string;
  readonly subtitle?: string;
  readonly source?: string;
  readonly rows: readonly R[];
  readonly fields: { readonly [Column in keyof R & string]?: Field };
  /** A last row, of sums for example. */
  readonly totals?: Partial<R>;
  readonly search?: boolean;
  /** Rows per page; 25 unless said. */
  readonly pageSize?: number;
  readonly width?: "half" | "full";
}

export interface DataTable extends Omit<TableSpec<ReportRow>, "fields" | "totals"> {
  readonly kind: "table";
  readonly fields: Readonly<Record<string, Field>>;
  readonly totals?: ReportRow;
}

export interface Text {
  readonly kind: "text";
  readonly text: string;
}

export type Item = Kpi | Chart | DataTable | Text;

export interface Section {
  readonly title: string;
  readonly description?: string;
  readonly items: readonly Item[];
}

export interface BodyContext {
  readonly locale: LocaleName;
  readonly format: (value: Value, format?: ValueFormat) => string;
}

export interface ReportSpec<Q extends ReportQueries> {
  readonly title: string;
  /** One sentence: what question the report answers, and for whom. */
  readonly description: string;
  readonly locale?: LocaleName;
  readonly data: Q;
  /** By column name. */
  readonly filters?: Readonly<Record<string, ReportFilter>>;
  /** The page, from the rows that the filters leave: a pure function, called on the server and again in the browser. */
  readonly body: (data: ReportData<Q>, context: BodyContext) => readonly Section[];
}

/** A report as the framework holds it. */
export interface Report {
  readonly kind: "report";
  /** Where it says its own name, for the types of its queries: that of its file. */
  readonly name?: string;
  readonly title: string;
  readonly description: string;
  readonly locale: LocaleName;
  readonly data: ReportQueries;
  readonly filters: Readonly<Record<string, ReportFilter>>;
  readonly body: (
    data: Readonly<Record<string, readonly ReportRow[]>>,
    context: BodyContext,
  ) => readonly Section[];
}

/**
 * Declares a report: the default export of `reports/<system>/<name>.ts`, built into
 * `build/reports/<system>/<name>.html`. The file runs on the server and, bundled, in the page, so it imports nothing of
 * Node.
 *
 * @example
 * export default defineReport({
 *   title: "Orders by region",
 *   description: "How many orders each region took, for the sales team.",
 *   data: {
 *     orders: {
 *       sql: sql`select region, count(*) as orders from ${ref("gold", "orders")} group by region`,
 *       columns: { region: { type: "text", label: "Region" }, orders: { type: "integer", label: "Orders" } },
 *     },
 *   },
 *   body: ({ orders }) => [
 *     {
 *       title: "Orders",
 *       items: [
 *         kpi({ label: "Orders", value: total(orders, "orders"), format: { as: "number" }, definition: "All orders." }),
 *       ],
 *     },
 *   ],
 * });
 */
export function defineReport<const Q extends ReportQueries>(spec: ReportSpec<Q>): Report;
/**
 * The same for a report that says its name, that of its file below `reports/`: then TypeScript compares the columns that
 * it declares with `types/warehouse.d.ts`, and a misspelt one does not compile.
 *
 * @example export default defineReport("sales/orders", { title: "Orders by region", ... });
 */
export function defineReport<const Name extends string, const Q extends ReportQueries>(
  name: Name,
  spec: ReportSpec<Q> & { readonly data: ConformingQueries<Name, NoInfer<Q>> },
): Report;
export function defineReport<Q extends ReportQueries>(
  ...given: readonly [ReportSpec<Q>] | readonly [string, ReportSpec<Q>]
): Report {
  const [name, spec] = given.length === 1 ? [undefined, given[0]] : given;
  const body = spec.body as unknown as Report["body"];
  return {
    kind: "report",
    locale: "en",
    filters: {},
    ...spec,
    ...(name === undefined ? {} : { name }),
    body,
  };
}

/** A card with one figure. */
export function kpi(spec: Omit<Kpi, "kind">): Kpi {
  return { kind: "kpi", ...spec };
}

/** A chart, with the table of its data behind it. */
export function chart<R extends object>(spec: ChartSpec<R>): Chart {
  return { kind: "chart", ...(spec as unknown as Omit<Chart, "kind">) };
}

/** A table that can be sorted, searched and downloaded. */
export function table<R extends object>(spec: TableSpec<R>): DataTable {
  return { kind: "table", ...(spec as unknown as Omit<DataTable, "kind">) };
}

/** Paragraphs, separated by blank lines. */
export function text(words: string): Text {
  return { kind: "text", text: words };
}

import type { ColumnType, ReportRow, Value } from "../project/report.js";

/**
 * A query's rows as they travel in a page: column by column, texts as numbers into a list of distinct texts, dates as
 * days and timestamps as milliseconds since 1970. Plain JSON, which compresses to a fraction of the rows.
 */
export interface EncodedQuery {
  readonly length: number;
  readonly columns: Readonly<Record<string, EncodedColumn>>;
}

export interface EncodedColumn {
  readonly type: ColumnType;
  /** Of a text column: its distinct values, in order of appearance. */
  readonly texts?: readonly string[];
  readonly values: readonly (number | boolean | null)[];
}

const dayLength = 86_400_000;

/** Rows to columns. */
export function encodeRows(
  rows: readonly ReportRow[],
  columns: Readonly<Record<string, { readonly type: ColumnType }>>,
): EncodedQuery {
  return {
    length: rows.length,
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, { type }]) => [name, encodeColumn(rows, name, type)]),
    ),
  };
}

/** Columns to rows: what `encodeRows` was given. */
export function decodeRows(encoded: EncodedQuery): ReportRow[] {
  const columns = Object.entries(encoded.columns).map(([name, column]) => [name, decoder(column)] as const);
  return Array.from({ length: encoded.length }, (_, index) => {
    const row: Record<string, Value> = {};
    for (const [name, read] of columns) row[name] = read(index);
    return row;
  });
}

function encodeColumn(rows: readonly ReportRow[], name: string, type: ColumnType): EncodedColumn {
  if (type !== "text") return { type, values: rows.map((row) => encodeValue(row[name] ?? null, type)) };
  const indexes = new Map<string, number>();
  const values = rows.map((row) => {
    const value = row[name] ?? null;
    if (typeof value !== "string") return null;
    const index = indexes.get(value) ?? indexes.size;
    indexes.set(value, index);
    return index;
  });
  return { type, texts: [...indexes.keys()], values };
}

function encodeValue(value: Value, type: ColumnType): number | boolean | null {
  if (value instanceof Date) return type === "date" ? value.getTime() / dayLength : value.getTime();
  return typeof value === "string" ? null : value;
}

function decoder(column: EncodedColumn): (index: number) => Value {
  const { values, texts } = column;
  if (texts) return (index) => texts[Number(values[index] ?? -1)] ?? null;
  if (column.type === "date" || column.type === "timestamp") {
    const scale = column.type === "date" ? dayLength : 1;
    return (index) => {
      const value = values[index] ?? null;
      return value === null ? null : new Date(Number(value) * scale);
    };
  }
  return (index) => values[index] ?? null;
}

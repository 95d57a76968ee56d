import type { Source } from "../project/source.js";
import { rescuedColumn } from "../project/sources.js";
import type { HeaderMatch } from "./match-header.js";
import { storedColumns } from "./stored-columns.js";

/** A column of a Parquet file. */
export interface ParquetColumn {
  readonly name: string;
  /** As DuckDB reads it, such as `DECIMAL(10,2)` or `STRUCT(a INTEGER)`. */
  readonly type: string;
}

/** SQL: the rows of a Parquet file with columns c0, c1, ... by their place, whatever their names are. */
export function parquetRows(path: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  return `${readParquet(path)} as t(${names.join(", ")})`;
}

/** SQL: a Parquet file; neither a `*` nor a `year=2026` in its path means anything. */
export function readParquet(path: string): string {
  const literal = quoteText(path.replace(/[*?[]/g, "[$&]"));
  return `read_parquet(${literal}, hive_partitioning = false)`;
}

/**
 * SQL: a column's values as the text that stands in bronze, which PostgreSQL casts back to the same values.
 *
 * @param type as DuckDB names it
 * @example textOf("c0", "BLOB") // '\x' || lower(hex(c0))
 */
export function textOf(column: string, type: string): string {
  if (type === "VARCHAR") return `replace(${column}, chr(0), '')`;
  if (type === "BLOB") return `'\\x' || lower(hex(${column}))`;
  if (type === "FLOAT" || type === "DOUBLE") {
    return `case when isnan(${column}) then 'NaN' when isinf(${column}) then if(${column} > 0, 'Infinity', '-Infinity') else ${column}::varchar end`;
  }
  if (!isNested(type)) return `${column}::varchar`;
  const json = `to_json(${column})::varchar`;
  const withTextNumbers = type.replace(/"(?:[^"]|"")*"|\b(?:FLOAT|DOUBLE)\b/g, (word) =>
    word.startsWith('"') ? word : "VARCHAR",
  );
  if (withTextNumbers === type) return json;
  // JSON has no NaN and no infinity: where they stand, the column's floating numbers become texts.
  const outsideOfTexts = `regexp_replace(${json}, '"(?:\\\\.|[^"\\\\])*"', '', 'g')`;
  return `case when regexp_matches(${outsideOfTexts}, 'NaN|Infinity') then to_json(${column}::${withTextNumbers})::varchar else ${json} end`;
}

function isNested(type: string): boolean {
  return /\]$|^(STRUCT|MAP|UNION)\(/.test(type);
}

/** SQL: for each stored column of a source the text of it, by the source's drift policy. */
export function storedTexts(source: Source, header: HeaderMatch, types: readonly string[]): string[] {
  const texts = textsOf(types);
  const { names } = storedColumns(source, header);
  return names.map((name) => {
    if (name !== rescuedColumn.name) return texts[header.columns.indexOf(name)] ?? "null";
    return jsonObject(
      header.added.map((added) => [added, texts[header.columns.indexOf(added)] ?? "null"] as const),
    );
  });
}

/** SQL: a whole row as a JSON object of texts, by the file's own names. */
export function rowAsJson(header: HeaderMatch, types: readonly string[]): string {
  return jsonObject(textsOf(types).map((text, index) => [header.cells[index] ?? "", text] as const));
}

function textsOf(types: readonly string[]): string[] {
  return types.map((type, index) => textOf(`c${index}`, type));
}

function jsonObject(entries: readonly (readonly [name: string, text: string])[]): string {
  return `json_object(${entries.map(([name, text]) => `${quoteText(name)}, ${text}`).join(", ")})::varchar`;
}

/** DuckDB's literal: a backslash is a character like any other. */
function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

import { parseDuration } from "../base/duration.js";
import { AquiferError, asError } from "../base/errors.js";
import { snakeCase } from "../base/snake-case.js";
import { databaseOrigin, type DatabaseOptions, type DatabaseOrigin } from "./database-source.js";
import { kafkaOrigin, type KafkaOptions, type KafkaOrigin } from "./kafka-source.js";
import { nameColumns, type NameColumns } from "./name-columns.js";
import { sourcePeriod, type PeriodRule, type SourcePeriod } from "./period-rule.js";
import { recognizedColumns, type ColumnRecognition } from "./recognition.js";
import { toColumns, type ColumnOptions, type SourceColumn } from "./source-column.js";
import { checkForm } from "./source-form.js";
import { failure, refuseMemory, refuseUnknown, type Failure } from "./source-failure.js";

/** `1000` rows, or a share of the rows read: `"1%"`. */
export type RejectLimit = number | `${number}%`;

/** What a new file means for what was loaded before. */
export type ReloadPolicy =
  /** It adds to the others; a file of the same name replaces its earlier version. */
  | "append"
  /** It replaces the file of the same period. */
  | "replace_period"
  /** It replaces everything before: only the latest file is current. */
  | "snapshot"
  /** A second file of the same name (or period, where there is a period rule) with other content is an error. */
  | "refuse";

/** What happens when a file's columns differ from the declared ones. */
export type DriftPolicy =
  /** An undeclared column becomes a new text column. */
  | "evolve"
  /** An undeclared column is an error. */
  | "freeze"
  /** Undeclared columns go into one column more, `_rescued jsonb`. */
  | "rescue"
  /** Undeclared columns are left out; the ledger names them. */
  | "discard";

/** What the files of a source may be. What a file is, its content tells, not its name. */
export const sourceFormats = ["table", "delimited", "spreadsheet", "ndjson", "json", "parquet"] as const;
export type SourceFormat = (typeof sourceFormats)[number];

export type SheetChoice = string | readonly string[] | RegExp;

export interface SourceOptions {
  /** `<system>` or `<system>/<type>`: the files lie in `raw/<system>/`. */
  readonly name: string;
  readonly description?: string;
  /** The table in schema `bronze`. Default: the name with `_` for `/`. */
  readonly table?: string;
  /**
   * Globs below `raw/<system>/`, whatever the case; regular expressions of the name without folders. A source reads either
   * files, a `database` or `kafka`.
   */
  readonly files?: string | RegExp | readonly (string | RegExp)[];
  /** Another PostgreSQL that the rows are copied from. */
  readonly database?: DatabaseOptions;
  /** A topic whose messages become rows, each exactly once. */
  readonly kafka?: KafkaOptions;
  /** How columns tell this source; with it, also a file whose name no source knows. */
  readonly recognize?: ColumnRecognition;
  /**
   * Named groups of these, found in the name without folders, become columns that models read: group `city` is `_city`.
   *
   * @example /^(?<operator>[^_]+)_(?<city>[^_]+)_/
   */
  readonly nameColumns?: RegExp | readonly RegExp[];
  /**
   * `table`: delimited text or a spreadsheet (.xlsx, .xls), as each file comes; `delimited` or `spreadsheet`: only that;
   * `ndjson`: a JSON object on each line; `json`: a document, which is an array of objects, objects one after another, or
   * holds such an array `at` a place; `parquet`: by its own schema. Nested values arrive as JSON text.
   * Default: `table`.
   */
  readonly format?: SourceFormat;
  /** The columns in the order of a file without header, by their name in bronze. */
  readonly columns: Readonly<Record<string, ColumnOptions>>;
  /**
   * Whether the first line names the columns. `optional`: it does when its cells are the columns' names.
   * Default: `required`.
   */
  readonly header?: "required" | "none" | "optional";
  /** One character. Default: found among comma, semicolon, pipe and tab by the declared columns. */
  readonly delimiter?: string;
  /**
   * Which sheets of a spreadsheet are loaded: names, where `*` and `?` stand for any characters, or a pattern. A hidden one
   * only by its full name. The rows of all of them are one file; each has the name of its sheet in column `_sheet`. Default:
   * the one sheet that has the columns.
   *
   * @example "*"
   */
  readonly sheet?: SheetChoice;
  /**
   * Where in a JSON document the array of the records stands: names of members, joined by dots.
   *
   * @example "data.items"
   */
  readonly at?: string;
  readonly period?: PeriodRule;
  /** A file is expected for every period that the system has data for; `aquifer.ingest_missing` lists those that lack. */
  readonly expected?: boolean;
  /** Columns that are never blank and, together, never stand twice in a file; the first row stays. */
  readonly key?: readonly string[];
  /** Default: `append`; of a database `snapshot`, with a period `replace_period`, with a cursor `append`. */
  readonly reload?: ReloadPolicy;
  /** Default: `evolve`. */
  readonly drift?: DriftPolicy;
  /**
   * Records at the end of a file whose line matches are no data, such as totals.
   *
   * @example /^(total|jumlah)/i
   */
  readonly footer?: RegExp;
  /** Most rejected rows of one file; one more and nothing is loaded. Default: 0. */
  readonly maxRejected?: RejectLimit;
  /** How old the newest load may be; asked by `dataform freshness`. */
  readonly freshness?: Freshness;
}

/** Ages of the newest load of a source, such as `"26h"` or `"7d"`. */
export interface Freshness {
  /** Older than this is told. */
  readonly warnAfter?: string;
  /** Older than this, or never loaded, is an error. */
  readonly errorAfter?: string;
}

/** A source with every default filled in. Plain data. */
export interface Source {
  readonly kind: "source";
  readonly name: string;
  readonly system: string;
  readonly description: string;
  readonly table: string;
  /** None where the rows come from elsewhere. */
  readonly files: readonly (string | RegExp)[];
  readonly database: DatabaseOrigin | undefined;
  readonly kafka: KafkaOrigin | undefined;
  readonly recognize: ColumnRecognition | undefined;
  readonly nameColumns: NameColumns;
  readonly format: SourceFormat;
  readonly columns: readonly SourceColumn[];
  readonly header: "required" | "none" | "optional";
  readonly delimiter: string | undefined;
  readonly sheet: SheetChoice | undefined;
  readonly at: string | undefined;
  readonly period: SourcePeriod | undefined;
  readonly expected: boolean;
  readonly key: readonly string[];
  readonly reload: ReloadPolicy;
  readonly drift: DriftPolicy;
  readonly footer: RegExp | undefined;
  readonly maxRejected: RejectLimit;
  readonly freshness: Freshness;
}

const optionNames = [
  "name",
  "description",
  "table",
  "files",
  "database",
  "kafka",
  "recognize",
  "nameColumns",
  "format",
  "columns",
  "header",
  "delimiter",
  "sheet",
  "at",
  "period",
  "expected",
  "key",
  "reload",
  "drift",
  "footer",
  "maxRejected",
  "freshness",
] as const satisfies readonly (keyof SourceOptions)[];

const choices = {
  format: sourceFormats,
  header: ["required", "none", "optional"],
  reload: ["append", "replace_period", "snapshot", "refuse"],
  drift: ["evolve", "freeze", "rescue", "discard"],
} as const;

/**
 * Declares a kind of raw file and the bronze table that it fills. Export the result from a file in `ingest/`.
 *
 * Each row arrives in `bronze.<table>` as text, with where it is from: `_file_id`, `_row` (1 for the first record after
 * the header, rejected ones counted), `_file_name`, `_file_hash`, `_period`, `_batch`, `_loaded_at`.
 *
 * @throws AquiferError `bad-source` when the declaration contradicts itself
 * @example
 * import { defineSource } from "aquifer";
 *
 * export const orders = defineSource({
 *   name: "shop/orders",
 *   files: "orders/orders_*.csv",
 *   columns: { order_id: {}, ordered_at: { header: "Date" }, amount: {} },
 *   period: { grain: "month", fromName: /orders_(?<year>\d{4})(?<month>\d{2})/ },
 *   reload: "replace_period",
 * });
 */
export function defineSource(options: SourceOptions): Source {
  const fail = failure(options.name);
  const system = systemOf(options.name);
  for (const key of Object.keys(options)) refuseUnknown(key, optionNames, "option", fail);
  for (const [key, allowed] of Object.entries(choices)) {
    const value = options[key as keyof typeof choices];
    if (value !== undefined && !(allowed as readonly string[]).includes(value)) {
      throw fail(`${key} is "${value}"`, `Use one of: ${allowed.join(", ")}.`);
    }
  }
  const database = options.database && databaseOrigin(options, options.database, fail);
  const kafka = options.kafka && kafkaOrigin(options, options.kafka, fail);
  const files = [options.files ?? []].flat();
  // Sources may also be written in plain JavaScript, where no compiler checks them.
  if (
    !database &&
    !kafka &&
    (files.length === 0 || !files.every((each) => each instanceof RegExp || isGlob(each)))
  )
    throw fail(`files is ${JSON.stringify(options.files)}`, "Give one glob or more, such as orders_*.csv.");
  for (const pattern of files) if (pattern instanceof RegExp) refuseMemory("files", pattern, fail);
  const table = options.table ?? options.name.replaceAll("/", "_");
  if (snakeCase(table) !== table) throw fail(`table is "${table}"`, "Use lower snake case.");
  if (options.delimiter !== undefined && !/^[\t !#-[\]-~]$/.test(options.delimiter)) {
    throw fail(`delimiter is ${JSON.stringify(options.delimiter)}`, "Use one character, such as ; or \\t.");
  }
  checkForm(options, fail);
  if (options.reload === "replace_period" && options.period === undefined) {
    throw fail("replaces by period, but has no period rule", "Add `period`, or use reload `append`.");
  }
  if (options.reload === "snapshot" && options.period !== undefined) {
    throw fail("a snapshot has no period", "Use reload `replace_period`: one current snapshot a period.");
  }
  if (options.footer) refuseMemory("footer", options.footer, fail);
  if (options.expected === true && options.period === undefined) {
    throw fail("is expected for every period, but has no period rule", "Add `period`.");
  }
  checkRejectLimit(options.maxRejected ?? 0, fail);
  const names = Object.keys(options.columns);
  const key = options.key ?? [];
  for (const column of [...key, ...(options.recognize ? recognizedColumns(options.recognize) : [])]) {
    refuseUnknown(column, names, "column", fail);
  }
  return {
    kind: "source",
    name: options.name,
    system,
    description: options.description ?? "",
    table,
    files,
    database,
    kafka,
    recognize: options.recognize,
    nameColumns: nameColumns([options.nameColumns ?? []].flat(), fail),
    format: options.format ?? "table",
    columns: toColumns(options.columns, key, fail),
    header: options.header ?? "required",
    delimiter: options.delimiter,
    sheet: options.sheet,
    at: options.at,
    period: options.period && sourcePeriod(options.period, names, database !== undefined, fail),
    expected: options.expected ?? false,
    key,
    reload: options.reload ?? defaultReload(database, options.period),
    drift: options.drift ?? "evolve",
    footer: options.footer,
    maxRejected: options.maxRejected ?? 0,
    freshness: checkedFreshness(options.freshness ?? {}, fail),
  };
}

function defaultReload(database: DatabaseOrigin | undefined, period: PeriodRule | undefined): ReloadPolicy {
  if (!database || database.cursor) return "append";
  return period ? "replace_period" : "snapshot";
}

function systemOf(name: unknown): string {
  if (typeof name !== "string" || !/^[a-z][a-z0-9_]*(\/[a-z][a-z0-9_]*)?$/.test(name)) {
    throw new AquiferError(`${JSON.stringify(name)} is not the name of a source`, {
      code: "bad-source",
      hint: "Name it <system> or <system>/<type>, in lower snake case.",
    });
  }
  return name.split("/")[0] ?? name;
}

function isGlob(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function checkRejectLimit(limit: RejectLimit, fail: Failure): void {
  const valid =
    typeof limit === "number"
      ? Number.isInteger(limit) && limit >= 0
      : /^\d+(\.\d+)?%$/.test(limit) && Number.parseFloat(limit) <= 100;
  if (!valid) throw fail(`maxRejected is ${JSON.stringify(limit)}`, 'Use a number of rows, or "1%".');
}

function checkedFreshness(freshness: Freshness, fail: Failure): Freshness {
  const known = ["warnAfter", "errorAfter"];
  for (const [key, age] of Object.entries(freshness) as [string, string][]) {
    refuseUnknown(key, known, "option of freshness", fail);
    try {
      parseDuration(age);
    } catch (thrown) {
      throw fail(`freshness.${key}: ${asError(thrown).message}`, "Write a number and a unit: 26h, 7d.");
    }
  }
  return freshness;
}

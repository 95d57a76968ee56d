import { createInterface } from "node:readline";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { describeError } from "../base/errors.js";
import type { Row, Warehouse } from "../warehouse/warehouse.js";
import type { Effects } from "../base/effects.js";

const help = `Statements end with a semicolon.
\\d       list tables and views
\\d NAME  columns of one of them
\\q       quit
`;

const relations = `select n.nspname as schema, c.relname as name,
  case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
    when 'm' then 'materialized view' when 'f' then 'foreign table' end as kind
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
order by 1, 2`;

const columns = `select attname as column, format_type(atttypid, atttypmod) as type,
  case when attnotnull then 'not null' else '' end as nullable
from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`;

/**
 * A small prompt for machines without psql: reads statements from `input` until its end or `\q`, prints aligned tables.
 * Returns the number of statements that failed.
 */
export async function runSqlPrompt(
  warehouse: Warehouse,
  input: NodeJS.ReadStream,
  effects: Effects,
): Promise<number> {
  const { stdout, stderr } = effects;
  const reader = createInterface({ input, crlfDelay: Infinity });
  const ask = (text: string): void => {
    if (input.isTTY) stdout.write(text);
  };
  let failures = 0;
  let statement = "";
  if (input.isTTY) stdout.write(help);
  ask(`${warehouse.target.database}=> `);
  for await (const line of reader) {
    const command = statement.trim() === "" ? line.trim() : "";
    if (command === "\\q") break;
    if (command.startsWith("\\")) {
      const [name, argument] = command.split(/\s+/, 2);
      if (name !== "\\d") stdout.write(help);
      else
        failures += await answer(
          warehouse,
          effects,
          argument ? columns : relations,
          argument ? [argument] : [],
        );
    } else {
      statement += `${line}\n`;
      if (line.trimEnd().endsWith(";")) {
        failures += await answer(warehouse, effects, statement);
        statement = "";
      }
    }
    ask(statement === "" ? `${warehouse.target.database}=> ` : `${warehouse.target.database}-> `);
  }
  if (statement.trim() !== "") failures += await answer(warehouse, effects, statement);
  reader.close();
  if (failures > 0 && !input.isTTY) stderr.write(`${failures} failed\n`);
  return failures;
}

/** Runs and prints one statement; 1 when it failed. */
async function answer(
  warehouse: Warehouse,
  effects: Effects,
  text: string,
  values?: readonly unknown[],
): Promise<number> {
  try {
    const { rows, rowCount } = await warehouse.query(text, values);
    effects.stdout.write(`${alignedTable(rows)}(${rowCount} row${rowCount === 1 ? "" : "s"})\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof WarehouseError)) throw error;
    effects.stderr.write(`${describeError(error)}\n`);
    return 1;
  }
}

/** Columns padded to their widest value, numbers to the right, NULL empty. */
export function alignedTable(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return "";
  const text = (value: unknown): string =>
    value === null || value === undefined
      ? ""
      : typeof value === "object"
        ? JSON.stringify(value)
        : `${value as string | number | boolean}`;
  const cells = rows.map((row) => names.map((name) => text(row[name]).replaceAll("\n", "↵")));
  const widths = names.map((name, index) =>
    cells.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), name.length),
  );
  const isNumber = names.map((_, index) => cells.every((row) => /^(-?\d+(\.\d+)?)?$/.test(row[index] ?? "")));
  const line = (row: readonly string[]): string =>
    ` ${row.map((cell, index) => (isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0))).join(" | ")}`.trimEnd();
  const rule = widths.map((width) => "-".repeat(width + 2)).join("+");
  return `${[line(names), rule, ...cells.map(line)].join("\n")}\n`;
}

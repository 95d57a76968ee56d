import type { Field, ReportRow, Value } from "../project/report.js";

/**
 * Rows as CSV (RFC 4180, UTF-8 with a byte order mark so that Excel reads it as such): numbers with a decimal point and
 * dates in ISO form, whatever the page's locale. A text that a spreadsheet would run as a formula is written behind an
 * apostrophe (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function toCsv(rows: readonly ReportRow[], fields: Readonly<Record<string, Field>>): string {
  const names = Object.keys(fields);
  const lines = [
    names.map((name) => cell(headerOf(name, fields))),
    ...rows.map((row) => names.map((name) => cell(row[name] ?? null))),
  ];
  return `\uFEFF${lines.map((line) => `${line.join(",")}\r\n`).join("")}`;
}

/** `Usage (m³)`. */
export function headerOf(name: string, fields: Readonly<Record<string, Field>>): string {
  const field = fields[name];
  const label = field?.label ?? name;
  return field?.unit === undefined ? label : `${label} (${field.unit})`;
}

/** A text as a spreadsheet may hold it without running it. */
export function neutralised(value: string): string {
  return /^[\s\0]*[=+\-@|%]|^[\t\r\n]/.test(value) ? `'${value}` : value;
}

/** `2024-01-31`, or with the time where it is not midnight: `2024-01-31T08:30:00Z`. */
export function isoText(date: Date): string {
  const iso = date.toISOString();
  return iso.endsWith("T00:00:00.000Z") ? iso.slice(0, 10) : iso.replace(".000Z", "Z");
}

function cell(value: Value): string {
  if (value === null) return "";
  const written =
    typeof value === "string" ? neutralised(value) : value instanceof Date ? isoText(value) : String(value);
  return /[",\r\n]/.test(written) || written !== written.trim()
    ? `"${written.replaceAll('"', '""')}"`
    : written;
}

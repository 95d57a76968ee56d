/** A place in a file of the user's project. Lines and columns count from 1; columns are UTF-16 units, as editors show them. */
export interface SourceLocation {
  /** Path relative to the project root, with forward slashes. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `definitions/a.sqlx:3:14`, or less where less is known. */
export function formatLocation(location: SourceLocation): string {
  return [location.file, location.line, location.column].filter((part) => part !== undefined).join(":");
}

/**
 * The line that a location points at, with one line before it and a caret below it.
 *
 * @example
 *   2 | select customer_id,
 *   3 |   frm orders
 *     |   ^
 */
export function excerpt(text: string, line: number, column?: number): string {
  const lines = text.split(/\r\n|\r|\n/);
  const width = String(line).length;
  const show = (number: number): string => `${String(number).padStart(width)} | ${lines[number - 1] ?? ""}`;
  const shown = line > 1 ? [show(line - 1), show(line)] : [show(line)];
  if (column !== undefined) {
    const before = (lines[line - 1] ?? "").slice(0, column - 1).replace(/[^\t]/g, " ");
    shown.push(`${" ".repeat(width)} | ${before}^`);
  }
  return shown.join("\n");
}

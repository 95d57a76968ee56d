import { jsonFields } from "./json-fields.js";
import { JsonScanner } from "./json-scanner.js";
import { LineScanner } from "./line-scanner.js";
import { recordFields } from "./record-fields.js";
import type { TextShape } from "./recognize-text.js";
import { RecordScanner, type RecordSink } from "./record-scanner.js";
import { SheetScanner } from "./workbook/sheet-text.js";

/** A scanner for the records of a shape. */
export function scannerOf(
  shape: TextShape,
  sink: RecordSink,
  from: {
    readonly line?: number;
    readonly offset?: number;
    readonly onKeys?: (keys: Iterable<string>) => void;
  } = {},
): RecordScanner | LineScanner | JsonScanner {
  if (shape.format === "spreadsheet") return new SheetScanner(shape, sink);
  if (shape.format === "json") return new JsonScanner(shape.at, sink, from.onKeys);
  if (shape.format !== "ndjson") return new RecordScanner(shape, sink, from.line, from.offset);
  const countFields = (line: Buffer): number => {
    const fields = jsonFields(line.toString());
    if (fields) from.onKeys?.(fields.keys());
    return fields ? 1 : 0;
  };
  return new LineScanner(sink, countFields, from.line, from.offset);
}

/** True where each record is a JSON object. */
export function isJson({ format }: Pick<TextShape, "format">): boolean {
  return format === "ndjson" || format === "json";
}

/** How many fields a good record of this shape reports: JSON is good or not. */
export function expectedFields(shape: TextShape): number {
  return isJson(shape) ? 1 : shape.header.columns.length;
}

/** The values of a good record, in the order of the header. */
export function valuesOf(shape: TextShape, record: Buffer): (Buffer | null)[] {
  if (!isJson(shape)) return recordFields(record, shape.delimiter);
  const fields = jsonFields(record.toString());
  return shape.header.cells.map((cell) => {
    const value = fields?.get(cell) ?? null;
    return value === null ? null : Buffer.from(value.replaceAll("\0", ""));
  });
}

/** What is wrong with a record that has another number of fields. */
export function describeFlaw(shape: TextShape, fields: number): string {
  if (isJson(shape)) return `expected a JSON object${shape.format === "ndjson" ? " on one line" : ""}`;
  const expected = shape.header.columns.length;
  return `expected ${expected} field${expected === 1 ? "" : "s"}, found ${fields}`;
}

import type { InspectedFile } from "./plan-file.js";
import { locateParquetRows } from "./parquet-file.js";
import { readText } from "./open-text.js";
import { scannerOf } from "./record-format.js";
import { keptRaw } from "./inspect-records.js";

export interface LocatedRow {
  readonly line: number;
  readonly raw: string;
}

/** The lines on which rows of a file stand, by reading it once more: wanted for rejects only, so seldom. */
export async function locateRows(
  file: InspectedFile,
  wanted: ReadonlySet<number>,
): Promise<ReadonlyMap<number, LocatedRow>> {
  if (file.shape.format === "parquet") return locateParquetRows(file.file, file.shape, wanted);
  const located = new Map<number, LocatedRow>();
  let row = 0;
  const scanner = scannerOf(file.shape, (buffer, start, end, _fields, line) => {
    if (line <= file.shape.headerLine) return;
    row++;
    if (wanted.has(row)) located.set(row, { line, raw: keptRaw(buffer.subarray(start, end)) });
  });
  for await (const chunk of readText(file.file, file.inspection.encoding, file.start.skip))
    scanner.push(chunk);
  scanner.end();
  return located;
}

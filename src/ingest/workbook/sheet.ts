/** What a workbook's file is, by its first bytes. */
export type WorkbookForm =
  /** Office Open XML: a zip archive. */
  | "xlsx"
  /** BIFF, inside of a compound file or bare. */
  | "xls"
  /** An HTML page or XML 2003 document, which many programs name .xls. */
  | "markup";

/** Most that a workbook may take: it is read on a machine that has other work. */
export interface WorkbookLimits {
  readonly bytes: number;
  readonly cells: number;
  readonly seconds: number;
  readonly heapMiB: number;
}

export const workbookLimits: WorkbookLimits = {
  bytes: 256 * 1024 * 1024,
  cells: 50_000_000,
  seconds: 600,
  heapMiB: 1024,
};

/** A row that has a value, with the text of each cell; blank ones are null. */
export interface SheetRow {
  /** The sheet's own number, from 1. */
  readonly row: number;
  readonly cells: readonly (string | null)[];
}

/** A cell whose value is not known. */
export interface CellFlaw {
  readonly row: number;
  /** As a spreadsheet names it: C5. */
  readonly cell: string;
  readonly problem: string;
}

/** Cells that are shown as one; the value stands in the first. Numbers from 1 for rows, from 0 for columns. */
export interface MergedCells {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly column: number;
}

/** A sheet of a workbook and where its rows lie as text, see `SheetWriter`. */
export interface SheetSummary {
  readonly name: string;
  readonly isHidden: boolean;
  /** The first rows that have a value. */
  readonly head: readonly SheetRow[];
  /** For each column the last row that has a value; 0 for none. */
  readonly lastRows: readonly number[];
  readonly flaws: readonly CellFlaw[];
  /** Offsets in the scratch file. */
  readonly start: number;
  readonly end: number;
}

/** Takes what a reader finds in one sheet, rows in ascending order. */
export interface SheetSink {
  row(row: SheetRow): void;
  flaw(flaw: CellFlaw): void;
  merged(cells: MergedCells): void;
}

/** @example columnLetters(27) // "AB" */
export function columnLetters(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : columnLetters(Math.floor(column / 26) - 1) + letter;
}

/** The column of a cell's name, from 0; undefined when it names none. */
export function columnOf(cell: string): number | undefined {
  let column = 0;
  let position = 0;
  for (; position < cell.length; position++) {
    const digit = cell.charCodeAt(position) - 64;
    if (digit < 1 || digit > 26) break;
    column = column * 26 + digit;
  }
  return position === 0 || position > 3 || column > 16_384 ? undefined : column - 1;
}

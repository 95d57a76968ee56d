import type { SampleCell, SampleItem } from "aquifer";
import { sloppyLine } from "../parts/csv-line.js";

/** A file of rows, before it is known how they are written. */
export interface PamTable {
  readonly path: string;
  /** The source that it is one of, without the system. */
  readonly source: string;
  /** Columns of bronze, in the order of the file. */
  readonly columns: readonly string[];
  /** The header as it stands there. */
  readonly header: readonly string[];
  readonly rows: () => Iterable<readonly SampleCell[]>;
  readonly layout: SheetLayout | TextLayout;
}

interface Surroundings {
  /** Lines above the header. */
  readonly titles?: readonly string[];
  /** Whether a line of totals stands below the rows. */
  readonly hasTotal?: boolean;
}

export interface SheetLayout extends Surroundings {
  readonly kind: "sheet";
}

export interface TextLayout extends Surroundings {
  readonly kind: "text";
  readonly delimiter: string;
  readonly encoding?: "utf-8" | "latin1";
  readonly hasMark?: boolean;
  readonly hasCrlf?: boolean;
  /** NUL bytes before the first value of so many rows, from the first on. */
  readonly nuls?: number;
  /** Whether rows with too many or too few fields are among them. */
  readonly hasRagged?: boolean;
}

/** A list of more rows is written as text: the library that writes a sheet holds it whole. */
export const mostSheetRows = 20_000;
/** Its old form takes a quarter of a megabyte a row while it is written. */
const mostOldRows = 1000;

/** The ending of a sheet's name: the old form, unless it has too many rows for it. */
export function oldEnding(rows: number): "xls" | "xlsx" {
  return rows <= mostOldRows ? "xls" : "xlsx";
}

/** Of a text so many rows, one has a field too many or too few: fewer than ingest may reject. */
const rowsPerRagged = 200;

export function isRagged({ layout }: PamTable, row: number): boolean {
  return layout.kind === "text" && layout.hasRagged === true && row % rowsPerRagged === 150;
}

export function written(table: PamTable): SampleItem {
  const { path, layout } = table;
  return layout.kind === "sheet"
    ? { path, sheets: [{ name: "Data", rows: sheetRows(table, layout) }, notes] }
    : { path, content: layout.encoding === "latin1" ? inLatin1(lines(table, layout)) : lines(table, layout) };
}

/** Workbooks of the office have a second sheet with words about the first. */
const notes = { name: "Keterangan", rows: [["Sumber: sistem billing"], ["Data contoh"]] };

function* sheetRows(
  table: PamTable,
  { titles = [], hasTotal }: SheetLayout,
): Generator<readonly SampleCell[]> {
  for (const title of titles) yield [title];
  yield table.header;
  yield* table.rows();
  if (hasTotal === true) yield ["TOTAL"];
}

function* lines(table: PamTable, layout: TextLayout): Generator<string> {
  const { titles = [], delimiter, nuls = 0 } = layout;
  const end = (line: string): string => (layout.hasCrlf === true ? `${line.slice(0, -1)}\r\n` : line);
  if (layout.hasMark === true) yield "\uFEFF";
  for (const title of titles) yield end(`${title}\n`);
  yield end(sloppyLine(table.header, delimiter));
  let row = 0;
  for (const cells of table.rows()) {
    const texts = cells.map(cellText);
    if (isRagged(table, row))
      texts.splice(texts.length - 1, 1, ...(row % (2 * rowsPerRagged) === 150 ? [] : ["x", "y"]));
    yield (row < nuls ? "\0" : "") + end(sloppyLine(texts, delimiter));
    row++;
  }
  if (layout.hasTotal === true)
    yield end(sloppyLine(["TOTAL", ...table.header.slice(1).map(() => "")], delimiter));
}

/** What a cell is in a text. */
function cellText(cell: SampleCell): string | null {
  return cell === null ? null : cell instanceof Date ? cell.toISOString().slice(0, 10) : String(cell);
}

/** All letters of the sample are in Latin-1. */
function* inLatin1(texts: Iterable<string>): Generator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, "latin1");
}

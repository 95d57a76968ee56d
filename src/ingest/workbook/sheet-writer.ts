import { writeSync } from "node:fs";
import type { CellFlaw, MergedCells, SheetRow, SheetSink, SheetSummary } from "./sheet.js";

/** Rows in which a header may stand, titles above it. */
const headRows = 10;
const keptFlaws = 100;
const blockCharacters = 256 * 1024;

/**
 * Writes the rows of sheets into a scratch file: a row is `<row>,<cell>,<cell>...` and a line feed, as PostgreSQL's CSV has
 * it. A row without any text that is not empty is none.
 */
export class SheetWriter {
  private pending: string[] = [];
  private length = 0;

  /** @param position offset in the file to write at */
  constructor(
    private readonly fd: number,
    private position: number,
    private readonly maxCells: number,
  ) {}

  private cells = 0;

  /** A sink for the next sheet; `end` tells what it held. */
  begin(name: string, isHidden: boolean): SheetSink & { end(): SheetSummary } {
    const start = this.position;
    const head: { row: number; cells: (string | null)[] }[] = [];
    const lastRows: number[] = [];
    const flaws: CellFlaw[] = [];
    const merges: MergedCells[] = [];
    let last = 0;
    return {
      row: ({ row, cells }: SheetRow) => {
        if (row <= last)
          throw new Error(`row ${row} of sheet ${JSON.stringify(name)} stands after row ${last}`);
        last = row;
        if (cells.every((text) => (text ?? "") === "")) return;
        const width = cells.length;
        this.cells += width;
        if (this.cells > this.maxCells) throw new TooManyCells();
        let line = String(row);
        for (let column = 0; column < width; column++) {
          const text = cells[column] ?? null;
          line += text === null ? "," : `,${quoteField(text)}`;
          if (text !== null && text !== "") lastRows[column] = row;
        }
        if (head.length < headRows) head.push({ row, cells: [...cells] });
        this.write(`${line}\n`);
      },
      flaw: (flaw) => {
        if (flaws.length < keptFlaws) flaws.push(flaw);
      },
      merged: (merge) => void merges.push(merge),
      end: () => {
        this.flush();
        for (const merge of merges) fillDown(head, merge);
        const filled = Array.from(lastRows, (row) => row ?? 0);
        return { name, isHidden, head, lastRows: filled, flaws, start, end: this.position };
      },
    };
  }

  private write(line: string): void {
    this.pending.push(line);
    this.length += line.length;
    if (this.length >= blockCharacters) this.flush();
  }

  private flush(): void {
    const block = Buffer.from(this.pending.join(""));
    this.pending = [];
    this.length = 0;
    for (let written = 0; written < block.length;) {
      written += writeSync(this.fd, block, written, block.length - written, this.position + written);
    }
    this.position += block.length;
  }
}

/** The limit on cells is reached. */
export class TooManyCells extends Error {}

/** A field that PostgreSQL's CSV reads as this text. */
export function quoteField(text: string): string {
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The name of a column may reach over several rows of a header: it names the column in each of them. */
function fillDown(head: readonly { row: number; cells: (string | null)[] }[], merge: MergedCells): void {
  const first = head.find(({ row }) => row === merge.firstRow);
  const value = first?.cells[merge.column] ?? null;
  if (value === null) return;
  for (const { row, cells } of head) {
    if (row <= merge.firstRow || row > merge.lastRow) continue;
    while (cells.length <= merge.column) cells.push(null);
    cells[merge.column] ??= value;
  }
}

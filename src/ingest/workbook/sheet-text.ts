import type { TextShape } from "../recognize-text.js";
import { footerStart, footerWindow } from "../footer.js";
import { recordFields } from "../record-fields.js";
import { RecordScanner, type RecordSink } from "../record-scanner.js";
import type { ScratchFile } from "../scratch-file.js";
import { quoteField } from "./sheet-writer.js";

/** A sheet whose rows are loaded. */
export interface ChosenSheet {
  readonly name: string;
  /** Row of the header; 0 when there is none. */
  readonly headerLine: number;
  /** For each column of the shape where it stands in the sheet; `name`: the sheet's own name. */
  readonly fields: readonly (number | "name" | undefined)[];
  /** Offsets in the scratch file. */
  readonly start: number;
  readonly end: number;
}

const comma = 44;

/**
 * The rows of sheets below their headers as one text: a record is the row's number in its sheet and then a field for each
 * column.
 *
 * @param footer rows at the end of a sheet that match are left out
 */
export async function* sheetText(
  scratch: ScratchFile,
  sheets: readonly ChosenSheet[],
  footer: RegExp | undefined,
): AsyncGenerator<Buffer> {
  for (const sheet of sheets) {
    const ready: Buffer[] = [];
    /** The last rows, which may be its footer. */
    const held: { text: string; record: Buffer }[] = [];
    const place = placer(sheet);
    const scanner = new RecordScanner({ delimiter: comma, crOnly: false }, (buffer, start, end) => {
      const record = buffer.subarray(start, end);
      if (Number.parseInt(record.toString("latin1", 0, 8), 10) <= sheet.headerLine) return;
      if (!footer) return void ready.push(place(record));
      held.push({ text: record.toString("utf8", record.indexOf(comma) + 1), record: place(record) });
      if (held.length > footerWindow) ready.push(...held.splice(0, 1).map((each) => each.record));
    });
    for await (const chunk of scratch.read(sheet.start, sheet.end)) {
      scanner.push(chunk);
      if (ready.length > 0) yield Buffer.concat(ready.splice(0));
    }
    scanner.end();
    const kept = footer ? held.slice(0, footerStart(held, footer)) : [];
    yield Buffer.concat([...ready, ...kept.map(({ record }) => record)]);
  }
}

/** Puts the cells of a sheet's rows where the columns of the shape are. */
function placer({ fields, name }: ChosenSheet): (record: Buffer) => Buffer {
  return (record) => {
    const [row, ...cells] = recordFields(record, comma);
    const texts = fields.map((field) => {
      const value = field === "name" ? name : field === undefined ? null : (cells[field]?.toString() ?? null);
      return value === null ? "" : quoteField(value);
    });
    return Buffer.from(`${(row ?? "").toString()},${texts.join(",")}\n`);
  };
}

/** Splits what `sheetText` makes into records; their line is the row in the sheet. */
export class SheetScanner extends RecordScanner {
  constructor(shape: Pick<TextShape, "delimiter" | "crOnly">, sink: RecordSink) {
    let lengths = new Int32Array();
    super(shape, (buffer, start, end, fields, _line, irregular) => {
      // The row's number is no field of the record.
      lengths.copyWithin(0, 1, fields);
      let row = 0;
      let position = start;
      for (; buffer[position] !== comma; position++) row = row * 10 + (buffer[position] as number) - 48;
      sink(buffer, position + 1, end, fields - 1, row, irregular);
    });
    lengths = this.lengths;
  }
}

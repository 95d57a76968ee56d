import { writeRecord } from "./record-fields.js";
import type { StoredColumns } from "./stored-columns.js";
import { describeFlaw, expectedFields, scannerOf, valuesOf } from "./record-format.js";
import type { TextShape } from "./recognize-text.js";
import { rejectOf } from "./inspect-text.js";
import type { Reject } from "../history/ingest-ledger.js";

/** A part of a file's text: all of it, or what one of several streams takes. */
export interface RecordRange {
  /** The text as UTF-8. */
  readonly text: AsyncIterable<Buffer>;
  /** Records before the first one. */
  readonly rowsBefore: number;
  readonly firstLine: number;
  /** Records on lines up to this one are no data. */
  readonly headerLine: number;
  /** Rows after this one are no data. */
  readonly lastRow: number;
}

const blockBytes = 256 * 1024;

/**
 * The text of records as `copy (_file_id, _row, ...) from stdin (format csv)` takes it: each record's own bytes after the
 * two numbers. No value is made of them; a record that PostgreSQL would read otherwise is written anew.
 *
 * @param convert changes the fields of each record; none: the record's own bytes are taken
 * @param onReject told of each record that has not the expected number of fields, which is left out
 */
export async function* copyText(
  range: RecordRange,
  shape: TextShape,
  fileId: string,
  convert: StoredColumns["convert"],
  onReject: (reject: Reject) => void,
): AsyncGenerator<Buffer> {
  const delimiter = String.fromCharCode(shape.delimiter);
  const prefix = new RowPrefix(`${fileId}${delimiter}`, delimiter, range.rowsBefore);
  const blocks: Buffer[] = [];
  let block = Buffer.allocUnsafe(blockBytes);
  let used = 0;
  const reserve = (bytes: number): void => {
    if (used + bytes <= block.length) return;
    blocks.push(block.subarray(0, used));
    block = Buffer.allocUnsafe(Math.max(blockBytes, bytes));
    used = 0;
  };
  let row = range.rowsBefore;
  const expected = expectedFields(shape);
  const scanner = scannerOf(
    shape,
    (buffer, start, end, fields, line, irregular) => {
      if (line <= range.headerLine) return;
      if (++row > range.lastRow) return;
      prefix.increment();
      if (fields !== expected) {
        onReject(rejectOf(row, line, describeFlaw(shape, fields), buffer.subarray(start, end)));
        return;
      }
      const anew = irregular || convert !== undefined;
      const record = anew ? rewrite(buffer.subarray(start, end), shape, convert) : buffer;
      const from = anew ? 0 : start;
      const to = anew ? record.length : end;
      reserve(prefix.length + to - from + 1);
      used = prefix.copy(block, used);
      record.copy(block, used, from, to);
      used += to - from;
      block[used++] = 10;
    },
    { line: range.firstLine },
  );
  for await (const chunk of range.text) {
    scanner.push(chunk);
    yield* blocks.splice(0);
  }
  scanner.end();
  yield* blocks.splice(0);
  if (used > 0) yield block.subarray(0, used);
}

function rewrite(record: Buffer, shape: TextShape, convert: StoredColumns["convert"]): Buffer {
  const fields = valuesOf(shape, record);
  return writeRecord(convert ? convert(fields) : fields, shape.delimiter);
}

/** `<file id>,<row>,` as bytes, counted up in place: making a string for each record would cost more than the rest. */
class RowPrefix {
  private readonly bytes: Buffer;
  /** Where the row's last digit stands. */
  private readonly last: number;
  private readonly first: number;
  private start: number;

  constructor(
    private readonly head: string,
    tail: string,
    row: number,
  ) {
    const digits = String(row);
    const room = 16;
    this.bytes = Buffer.from(`${" ".repeat(head.length + room - digits.length)}${digits}${tail}`);
    this.last = head.length + room - 1;
    this.first = this.last - digits.length + 1;
    this.start = this.placeHead(this.first);
  }

  get length(): number {
    return this.bytes.length - this.start;
  }

  increment(): void {
    let position = this.last;
    while (this.bytes[position] === 57 && position >= this.start + this.head.length)
      this.bytes[position--] = 48;
    if (position < this.start + this.head.length) {
      this.bytes[position] = 49;
      this.start = this.placeHead(position);
    } else {
      this.bytes[position] = (this.bytes[position] as number) + 1;
    }
  }

  /** Writes it at `offset`; the offset after it. */
  copy(target: Buffer, offset: number): number {
    const { bytes } = this;
    for (let position = this.start; position < bytes.length; position++)
      target[offset++] = bytes[position] as number;
    return offset;
  }

  private placeHead(firstDigit: number): number {
    this.bytes.write(this.head, firstDigit - this.head.length, "latin1");
    return firstDigit - this.head.length;
  }
}

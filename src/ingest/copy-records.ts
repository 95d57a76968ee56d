import { writeRecord } from "./record-fields.js";
import type { StoredColumns } from "./stored-columns.js";
import { describeFlaw, expectedFields, scannerOf, valuesOf } from "./record-format.js";
import type { TextShape } from "./recognize-text.js";
import { rejectOf } from "./inspect-records.js";
import { RecordScanner } from "./record-scanner.js";
import type { Reject } from "../history/ingest-records.js";

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

/** How records are written. */
export interface CopyFormat {
  /** Written before each record with the record's number; undefined where the server numbers the rows. */
  readonly fileId: string | undefined;
  /** Changes the fields of each record; undefined: the record's own bytes are taken. */
  readonly convert: StoredColumns["convert"];
  /** For each column the bytes of all texts in it, and one for each that is not NULL, are added here. */
  readonly lengths: Float64Array;
  /** Told of each record that has not the expected number of fields, which is left out. */
  readonly onReject: (reject: Reject) => void;
}

const LF = 10;

/**
 * The text of records as `copy ... from stdin (format csv)` takes it: each record's own bytes, runs of them copied at once,
 * or with the two numbers before each. No value is made of them; a record that PostgreSQL would read otherwise is written
 * anew.
 */
export async function* copyText(
  range: RecordRange,
  shape: TextShape,
  format: CopyFormat,
): AsyncGenerator<Buffer> {
  const { convert, lengths } = format;
  const delimiter = String.fromCharCode(shape.delimiter);
  const prefix =
    format.fileId === undefined
      ? undefined
      : new RowPrefix(`${format.fileId}${delimiter}`, delimiter, range.rowsBefore);
  const out = new BlockWriter();
  let row = range.rowsBefore;
  const expected = expectedFields(shape);
  const scanner = scannerOf(
    shape,
    (buffer, start, end, fields, line, irregular) => {
      if (line <= range.headerLine) return;
      if (++row > range.lastRow) return;
      prefix?.increment();
      if (fields !== expected) {
        const raw = buffer.subarray(start, end);
        format.onReject(rejectOf(row, line, describeFlaw(shape, fields), raw));
        return;
      }
      prefix?.writeTo(out);
      if (irregular || convert !== undefined) {
        const values = valuesOf(shape, buffer.subarray(start, end));
        const stored = convert ? convert(values) : values;
        for (const [index, value] of stored.entries()) if (value) add(lengths, index, value.length);
        const record = writeRecord(stored, shape.delimiter);
        out.write(record, 0, record.length);
        out.writeByte(LF);
        return;
      }
      for (let index = 0; index < expected; index++) add(lengths, index, fieldLengths[index] as number);
      // Of a record that ends with LF the next one's bytes follow at once: they are copied together.
      const isLine = buffer[end] === LF;
      out.write(buffer, start, isLine ? end + 1 : end);
      if (!isLine) out.writeByte(LF);
    },
    { line: range.firstLine },
  );
  const fieldLengths = scanner instanceof RecordScanner ? scanner.lengths : new Int32Array();
  for await (const chunk of range.text) {
    scanner.push(chunk);
    yield* out.takeFull();
  }
  scanner.end();
  yield* out.takeAll();
}

/** Adds the length of a text, and one for the text itself; -1 stands for NULL. */
function add(sums: Float64Array, index: number, length: number): void {
  sums[index] = (sums[index] as number) + length + 1;
}

/** Collects pieces of buffers in blocks; what follows its predecessor in the same buffer is copied together with it. */
class BlockWriter {
  private static readonly blockBytes = 64 * 1024;
  private readonly full: Buffer[] = [];
  private block = Buffer.allocUnsafe(BlockWriter.blockBytes);
  private used = 0;
  private run: Buffer = Buffer.alloc(0);
  private runStart = 0;
  private runEnd = 0;

  write(source: Buffer, start: number, end: number): void {
    if (source !== this.run || start !== this.runEnd) {
      this.endRun();
      this.run = source;
      this.runStart = start;
    }
    this.runEnd = end;
  }

  writeByte(byte: number): void {
    this.endRun();
    this.reserve(1);
    this.block[this.used++] = byte;
  }

  /** Short pieces, byte by byte: a call to copy them would cost more. */
  writeShort(source: Buffer, start: number, end: number): void {
    this.endRun();
    this.reserve(end - start);
    const { block } = this;
    let { used } = this;
    for (let position = start; position < end; position++) block[used++] = source[position] as number;
    this.used = used;
  }

  /** The blocks that are full; the pieces written so far may change afterwards. */
  takeFull(): Buffer[] {
    this.endRun();
    return this.full.splice(0);
  }

  takeAll(): Buffer[] {
    this.endRun();
    const last = this.block.subarray(0, this.used);
    return [...this.full.splice(0), ...(this.used > 0 ? [last] : [])];
  }

  private endRun(): void {
    const { run, runStart, runEnd } = this;
    if (runEnd > runStart) {
      this.reserve(runEnd - runStart);
      run.copy(this.block, this.used, runStart, runEnd);
      this.used += runEnd - runStart;
    }
    this.runStart = this.runEnd = 0;
    this.run = this.block;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.block.length) return;
    this.full.push(this.block.subarray(0, this.used));
    this.block = Buffer.allocUnsafe(Math.max(BlockWriter.blockBytes, bytes));
    this.used = 0;
  }
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

  writeTo(out: BlockWriter): void {
    out.writeShort(this.bytes, this.start, this.bytes.length);
  }

  private placeHead(firstDigit: number): number {
    this.bytes.write(this.head, firstDigit - this.head.length, "latin1");
    return firstDigit - this.head.length;
  }
}

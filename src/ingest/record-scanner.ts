import { AquiferError } from "../base/errors.js";

/** How records and fields end. The quote is always `"`, doubled inside a quoted field. */
export interface Dialect {
  /** One ASCII byte. */
  readonly delimiter: number;
  /** Records end with a lone CR (a file without any LF); otherwise with LF or CRLF, mixed as they come. */
  readonly crOnly: boolean;
}

/** Longest record in bytes: more is no delimited text, or a quote that is never closed. */
export const maxRecordBytes = 16 * 1024 * 1024;

/** Told of each record; `start` and `end` enclose it without its line end. Valid only during the call. */
export type RecordSink = (
  buffer: Buffer,
  start: number,
  end: number,
  /** Number of fields. */
  fields: number,
  /** Line of the file on which it begins, from 1. */
  line: number,
  /** True when `copy ... (format csv)` would read the bytes otherwise than we do: they must be written anew. */
  irregular: boolean,
) => void;

const LF = 10;
const CR = 13;
const QUOTE = 34;

/**
 * Splits the bytes of delimited text (UTF-8, or any encoding that has ASCII as it is) into records without making a
 * value of them. Blank lines are no records.
 *
 * The grammar is RFC 4180, and this where a file breaks it, so that every line has one meaning: a quote inside an unquoted
 * field is text; a quote inside a quoted field that neither is doubled nor ends the field is text; a field that opens with a
 * quote but, with such a quote or at the end of the file, does not close on its line, is an unquoted one. So a stray quote never
 * swallows the lines after it.
 */
export class RecordScanner {
  private carried: Buffer = Buffer.alloc(0);
  private readonly special = new Uint8Array(256);
  private nextStart = 0;
  private recordEnd = 0;
  private fields = 0;
  private newlines = 0;
  private irregular = false;

  /**
   * @param line the line of the file that the first byte belongs to
   * @param offset the offset of the first byte, for `consumed`
   */
  constructor(
    private readonly dialect: Dialect,
    private readonly sink: RecordSink,
    private line = 1,
    private offset = 0,
  ) {
    for (const byte of [LF, CR, QUOTE, dialect.delimiter]) this.special[byte] = 1;
  }

  /** Offset of the first byte that belongs to no complete record yet. */
  get consumed(): number {
    return this.offset;
  }

  /** The line on which the record at `consumed` begins. */
  get nextLine(): number {
    return this.line;
  }

  push(chunk: Buffer): void {
    this.scan(this.carried.length === 0 ? chunk : Buffer.concat([this.carried, chunk]), false);
  }

  end(): void {
    this.scan(this.carried, true);
  }

  private scan(buffer: Buffer, final: boolean): void {
    let start = 0;
    while (start < buffer.length && this.scanRecord(buffer, start, final)) {
      if (this.recordEnd > start) {
        this.sink(buffer, start, this.recordEnd, this.fields, this.line, this.irregular);
      }
      this.line += this.newlines;
      start = this.nextStart;
    }
    this.offset += start;
    this.carried = Buffer.from(buffer.subarray(start));
    if (this.carried.length > maxRecordBytes) {
      throw new AquiferError(`line ${this.line} is longer than ${maxRecordBytes / 1024 / 1024} MiB`, {
        code: "record-too-long",
        hint: "This is no delimited text, or its delimiter or quotes are broken.",
      });
    }
  }

  /** Finds the end of the record at `start`; false when the buffer ends before it. */
  private scanRecord(buffer: Buffer, start: number, final: boolean): boolean {
    const { special } = this;
    const { delimiter, crOnly } = this.dialect;
    const { length } = buffer;
    let position = start;
    let fieldStart = start;
    let fields = 1;
    let irregular = false;
    this.newlines = 1;
    for (;;) {
      while (position < length && special[buffer[position] as number] === 0) position++;
      if (position === length) {
        if (!final) return false;
        this.recordEnd = this.nextStart = length;
        break;
      }
      const byte = buffer[position];
      if (byte === delimiter) {
        fields++;
        fieldStart = ++position;
      } else if (byte === LF) {
        this.recordEnd = position;
        this.nextStart = position + 1;
        break;
      } else if (byte === CR) {
        if (position + 1 === length && !final) return false;
        const isEnd = crOnly || position + 1 === length || buffer[position + 1] === LF;
        if (isEnd) {
          this.recordEnd = position;
          this.nextStart = position + (buffer[position + 1] === LF ? 2 : 1);
          break;
        }
        irregular = true;
        position++;
      } else if (position !== fieldStart) {
        irregular = true;
        position++;
      } else {
        const quoted = closingQuote(buffer, position, delimiter, final);
        if (quoted === undefined) return false;
        irregular ||= quoted.irregular;
        if (quoted.end === -1) position++;
        else {
          position = quoted.end + 1;
          this.newlines += quoted.newlines;
        }
      }
    }
    this.fields = fields;
    this.irregular = irregular;
    return true;
  }
}

interface ClosingQuote {
  /** Where the closing quote stands; -1 when the field is not a quoted one after all. */
  readonly end: number;
  readonly newlines: number;
  readonly irregular: boolean;
}

const unquoted: ClosingQuote = { end: -1, newlines: 0, irregular: true };

/**
 * The end of the quoted field whose opening quote stands at `open`; undefined when the buffer ends before it.
 *
 * @param final nothing follows the buffer
 */
export function closingQuote(
  buffer: Buffer,
  open: number,
  delimiter: number,
  final: boolean,
): ClosingQuote | undefined {
  const { length } = buffer;
  let newlines = 0;
  let irregular = false;
  for (let position = open + 1; position < length; position++) {
    const byte = buffer[position];
    if (byte === LF) newlines++;
    if (byte !== QUOTE) continue;
    if (position + 1 === length) return final ? { end: position, newlines, irregular } : undefined;
    const next = buffer[position + 1];
    if (next === QUOTE) position++;
    else {
      const closes = next === delimiter || next === LF || next === CR;
      irregular ||= !closes;
      if (irregular && newlines > 0) return unquoted;
      if (closes) return { end: position, newlines, irregular };
    }
  }
  return final || length - open > maxRecordBytes / 2 ? unquoted : undefined;
}

import { AquiferError } from "../base/errors.js";
import { everyByte, isLittleEndian, wordsOf, zeroBytes, type Words } from "./byte-words.js";

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

/** What was met in a text beside fields and delimiters, as bits. */
export const traits = { lf: 1, crlf: 2, cr: 4, blankLine: 8, quote: 16, backslash: 32 } as const;

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;

/** No table of PostgreSQL has more columns. */
const mostFields = 1664;

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
  private ending = 0;
  /** All `traits` that were met since somebody set this to 0. */
  met = 0;
  /** Bytes of each field's text in the record that the sink is told of, -1 for NULL; not of an irregular one. */
  readonly lengths = new Int32Array(mostFields);

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
    const { crOnly } = this.dialect;
    const { length } = buffer;
    const words = wordsOf(buffer);
    let start = 0;
    let quote = buffer.indexOf(QUOTE);
    for (;;) {
      if (quote !== -1 && quote < start) quote = buffer.indexOf(QUOTE, start);
      if (!crOnly && isLittleEndian)
        start = this.scanUnquoted(buffer, words, start, quote === -1 ? length : quote);
      if (start === length || !this.scanRecord(buffer, start, final)) break;
      if (this.recordEnd > start) {
        this.sink(buffer, start, this.recordEnd, this.fields, this.line, this.irregular);
        this.met |= this.ending;
      } else {
        this.met |= traits.blankLine;
      }
      if (quote !== -1 && quote < this.nextStart) this.met |= traits.quote;
      this.line += this.newlines;
      start = this.nextStart;
    }
    if (buffer.includes(BACKSLASH)) this.met |= traits.backslash;
    this.offset += start;
    this.carried = Buffer.from(buffer.subarray(start));
    if (this.carried.length > maxRecordBytes) {
      throw new AquiferError(`line ${this.line} is longer than ${maxRecordBytes / 1024 / 1024} MiB`, {
        code: "record-too-long",
        hint: "This is no delimited text, or its delimiter or quotes are broken.",
      });
    }
  }

  /**
   * The complete records of a part of a buffer that has no quotes, as `scanRecord` finds them, with a fifth of its work: four
   * bytes are looked at together, and most have nothing in them that matters.
   *
   * @returns where the first record that is not complete begins
   */
  private scanUnquoted(buffer: Buffer, { words, lead, last }: Words, from: number, to: number): number {
    const { lengths } = this;
    const { delimiter } = this.dialect;
    const [delimiters, newlines, returns] = [delimiter, LF, CR].map((byte) => byte * everyByte) as Triple;
    let start = from;
    let fieldStart = from;
    let fields = 0;
    let irregular = false;
    const first = (lead + from) >> 2;
    for (let index = first, at = 4 * first - lead; at < to; index++, at += 4) {
      const word = index < words.length ? (words[index] as number) : last;
      const isDelimiter = zeroBytes(word ^ delimiters);
      const isReturn = zeroBytes(word ^ returns);
      let special = isDelimiter | isReturn | zeroBytes(word ^ newlines);
      if (at < from) special &= -1 << (8 * (from - at));
      if (at + 4 > to) special &= -1 >>> (8 * (at + 4 - to));
      while (special !== 0) {
        const bit = special & -special;
        special ^= bit;
        const position = at + ((31 - Math.clz32(bit)) >> 3);
        if ((isDelimiter & bit) !== 0) {
          lengths[fields++] = position - fieldStart || -1;
          fieldStart = position + 1;
        } else if ((isReturn & bit) !== 0) {
          irregular ||= buffer[position + 1] !== LF;
        } else {
          const end = position > start && buffer[position - 1] === CR ? position - 1 : position;
          if (end > start) {
            lengths[fields++] = end - fieldStart || -1;
            this.sink(buffer, start, end, fields, this.line, irregular);
            this.met |= end === position ? traits.lf : traits.crlf;
          } else {
            this.met |= traits.blankLine;
          }
          this.line++;
          start = fieldStart = position + 1;
          fields = 0;
          irregular = false;
        }
      }
    }
    return start;
  }

  /** Finds the end of the record at `start`; false when the buffer ends before it. */
  private scanRecord(buffer: Buffer, start: number, final: boolean): boolean {
    const { special, lengths } = this;
    const { delimiter, crOnly } = this.dialect;
    const { length } = buffer;
    let position = start;
    let fieldStart = start;
    /** Of the quotes around the field and the first ones of doubled quotes: they are not of its text. */
    let quotes = 0;
    let fields = 1;
    let irregular = false;
    this.newlines = 1;
    this.ending = 0;
    for (;;) {
      while (position < length && special[buffer[position] as number] === 0) position++;
      if (position === length) {
        if (!final) return false;
        this.recordEnd = this.nextStart = length;
        break;
      }
      const byte = buffer[position];
      if (byte === delimiter) {
        lengths[fields - 1] = position === fieldStart ? -1 : position - fieldStart - quotes;
        fields++;
        fieldStart = ++position;
        quotes = 0;
      } else if (byte === LF) {
        this.recordEnd = position;
        this.nextStart = position + 1;
        this.ending = traits.lf;
        break;
      } else if (byte === CR) {
        if (position + 1 === length && !final) return false;
        const isEnd = crOnly || position + 1 === length || buffer[position + 1] === LF;
        if (isEnd) {
          this.recordEnd = position;
          const isPair = buffer[position + 1] === LF;
          this.nextStart = position + (isPair ? 2 : 1);
          this.ending = isPair ? traits.crlf : traits.cr;
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
          quotes = 2 + quoted.doubled;
          this.newlines += quoted.newlines;
        }
      }
    }
    lengths[fields - 1] = this.recordEnd === fieldStart ? -1 : this.recordEnd - fieldStart - quotes;
    this.fields = fields;
    this.irregular = irregular;
    return true;
  }
}

type Triple = [number, number, number];

interface ClosingQuote {
  /** Where the closing quote stands; -1 when the field is not a quoted one after all. */
  readonly end: number;
  readonly newlines: number;
  /** How many quotes in it are doubled. */
  readonly doubled: number;
  readonly irregular: boolean;
}

const unquoted: ClosingQuote = { end: -1, newlines: 0, doubled: 0, irregular: true };

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
  let doubled = 0;
  let irregular = false;
  for (let position = open + 1; position < length; position++) {
    const byte = buffer[position];
    if (byte === LF) newlines++;
    if (byte !== QUOTE) continue;
    if (position + 1 === length) {
      if (!final) return undefined;
      return irregular && newlines > 0 ? unquoted : { end: position, newlines, doubled, irregular };
    }
    const next = buffer[position + 1];
    if (next === QUOTE) {
      position++;
      doubled++;
    } else {
      const closes = next === delimiter || next === LF || next === CR;
      irregular ||= !closes;
      if (irregular && newlines > 0) return unquoted;
      if (closes) return { end: position, newlines, doubled, irregular };
    }
  }
  return final || length - open > maxRecordBytes / 2 ? unquoted : undefined;
}

import {
  RecordInspection,
  type Checkpoint,
  type RecordFindings,
  type RecordRules,
  type Verbatim,
} from "./inspect-records.js";
import { maxRecordBytes } from "./record-scanner.js";
import { PeriodCounter } from "./period-counter.js";
import type { TextShape } from "./recognize-text.js";
import { TextRanges } from "./text-ranges.js";
import { nothingProven, ValueProof } from "./value-proof.js";

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Follows a large text of whose values nothing is wanted while a copy of it goes on. In the server's text format, which knows
 * neither quotes nor, where there is no backslash, anything else of its own, `copy` refuses what is no record of the right number
 * of fields, blank lines, NUL, what is not UTF-8, and line ends of two kinds. So it is enough to see that no quote and no
 * backslash is there, and to count lines: a copy that has taken as many rows has proven the rest.
 */
export class FollowedText {
  /** For those who copy it. */
  readonly ranges: TextRanges;
  private readonly first: RecordInspection;
  private readonly periods: PeriodCounter;
  private verbatim: Verbatim | undefined;
  private readonly checkpoints: Checkpoint[] = [];
  /** Where the last piece ended. */
  private offset: number;
  private lastByte: number | undefined;
  /** Whether lines end with CRLF. */
  private hasReturns = false;
  private last: Checkpoint = { offset: 0, rows: 0, line: 0 };

  /**
   * @param bytes of the file
   * @param skip bytes before the text
   */
  constructor(bytes: number, shape: TextShape, skip: number, rules: RecordRules) {
    this.ranges = new TextRanges(bytes);
    this.offset = skip;
    this.first = new RecordInspection(shape, rules, skip);
    this.periods = new PeriodCounter(rules.period, shape.header.columns);
  }

  /** Whether nothing is wanted of values. */
  static suits(shape: TextShape, { footer, period, columns, key }: RecordRules): boolean {
    const order = shape.header.columns;
    const isJudged = new ValueProof(columns, order, key).wanted || new PeriodCounter(period, order).wanted;
    return footer === undefined && !isJudged && !shape.crOnly;
  }

  /** Whether its first records were what a copy can take. */
  get hasBegun(): boolean {
    return this.verbatim !== undefined;
  }

  /** Bytes from the first record on. */
  get length(): number {
    return this.offset - (this.verbatim?.from ?? this.offset);
  }

  /** Records, as far as was seen. */
  get rows(): number {
    return this.last.rows + (this.offset > this.last.offset ? 1 : 0);
  }

  /** Takes the next piece of the text; false where the records must be looked at one by one. */
  push(piece: Buffer): boolean {
    const isRegular = this.verbatim === undefined ? this.begin(piece) : this.goOn(piece);
    this.offset += piece.length;
    this.lastByte = piece.at(-1);
    return isRegular;
  }

  /** What a copy has proven that has taken all of `length` and `rows`. */
  get findings(): RecordFindings {
    return {
      ...{
        rows: this.rows,
        footerRows: 0,
        rejected: 0,
        firstRejects: [],
        irregular: 0,
        keys: [],
        nulBytes: 0,
      },
      periods: this.periods.counts,
      checkpoints: this.checkpoints,
      proven: nothingProven,
      verbatim: this.verbatim,
    };
  }

  /** Looks at the first records, one by one. */
  private begin(piece: Buffer): boolean {
    this.first.push(piece);
    const { verbatim, checkpoint } = this.first;
    if (!verbatim?.asText || !checkpoint) return false;
    if (hasQuoteOrBackslash(piece.subarray(checkpoint.offset - this.offset))) return false;
    this.hasReturns = piece[checkpoint.offset - this.offset - 2] === CR;
    this.verbatim = verbatim;
    this.ranges.begin(verbatim);
    this.reach(checkpoint);
    return true;
  }

  private goOn(piece: Buffer): boolean {
    if (hasQuoteOrBackslash(piece)) return false;
    const lineEnd = piece.lastIndexOf(LF);
    if (lineEnd === -1) return this.offset + piece.length - this.last.offset <= maxRecordBytes;
    // Each range is a copy of its own, which knows the line ends of no other.
    const before = lineEnd === 0 ? this.lastByte : piece[lineEnd - 1];
    if ((before === CR) !== this.hasReturns) return false;
    const offset = this.offset + lineEnd + 1;
    const lines = countLines(piece);
    this.reach({ offset, rows: this.last.rows + lines, line: this.last.line + lines });
    return true;
  }

  private reach(place: Checkpoint): void {
    this.last = place;
    this.checkpoints.push(place);
    this.ranges.reach(place);
  }
}

function countLines(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(LF); at !== -1; at = text.indexOf(LF, at + 1)) lines++;
  return lines;
}

function hasQuoteOrBackslash(bytes: Buffer): boolean {
  return bytes.includes(QUOTE) || bytes.includes(BACKSLASH);
}

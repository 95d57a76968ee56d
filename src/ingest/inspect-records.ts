import type { Reject } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import { footerStart, footerWindow } from "./footer.js";
import { PeriodCounter } from "./period-counter.js";
import type { TextShape } from "./recognize-text.js";
import { describeFlaw, expectedFields, scannerOf, valuesOf } from "./record-format.js";
import { RecordScanner, traits } from "./record-scanner.js";
import { withoutNul } from "./text-encoding.js";
import { ValueProof, type ProvenColumns } from "./value-proof.js";

/** A place where a record begins: where one of several streams may start. */
export interface Checkpoint {
  /** Offset in the raw file. */
  readonly offset: number;
  /** Records before it. */
  readonly rows: number;
  readonly line: number;
}

/** What the records of a text tell. */
export interface RecordFindings {
  /** Records after the header, without the footer. */
  readonly rows: number;
  /** Records of the footer. */
  readonly footerRows: number;
  readonly rejected: number;
  /** The first rejects, for the message. */
  readonly firstRejects: readonly Reject[];
  /** Records that are written anew, since PostgreSQL would read their bytes otherwise. */
  readonly irregular: number;
  /** All keys of the objects, where records are JSON. */
  readonly keys: readonly string[];
  /** How many rows have each period, for each column of the source's rule. */
  readonly periods: readonly ReadonlyMap<string, number>[];
  readonly nulBytes: number;
  /** One for each piece of text that was pushed. */
  readonly checkpoints: readonly Checkpoint[];
  readonly proven: ProvenColumns;
  /** Whether the bytes may go to `copy` as they are, as far as records tell. */
  readonly verbatim: Verbatim | undefined;
}

/**
 * From the first record on `copy` cannot but find the same fields as we do: there are no quotes, no blank lines and only one
 * kind of line end.
 */
export interface Verbatim {
  /** Offset of the first record in the raw file. */
  readonly from: number;
  /** There are no backslashes either, so that the server's text format, which costs it less, reads the same. */
  readonly asText: boolean;
}

/** What of a source its records are judged by. */
export type RecordRules = Pick<Source, "footer" | "period" | "columns" | "key">;

const shownRejects = 5;

/** What `copy`'s text format takes as delimiter: none of these. */
const noTextDelimiter = /[.a-z0-9]/;

/** Looks at each record of a text, which is pushed piece by piece as UTF-8 or in an encoding that has ASCII as it is. */
export class RecordInspection {
  private readonly scanner: ReturnType<typeof scannerOf>;
  private readonly keys = new Set<string>();
  private readonly last: LastRecord[] = [];
  private readonly firstRejects: Reject[] = [];
  private readonly checkpoints: Checkpoint[] = [];
  private readonly periods: PeriodCounter;
  private readonly proof: ValueProof;
  private rows = 0;
  private rejected = 0;
  private irregular = 0;
  private nulBytes = 0;
  private from = 0;

  /**
   * @param skip bytes of the file before the text
   */
  constructor(
    private readonly shape: TextShape,
    private readonly rules: RecordRules,
    skip: number,
  ) {
    const expected = expectedFields(shape);
    this.periods = new PeriodCounter(rules.period, shape.header.columns);
    this.proof = new ValueProof(rules.columns, shape.header.columns, rules.key);
    const { periods, proof } = this;
    const { footer } = rules;
    const scanner = scannerOf(
      shape,
      (buffer, start, end, fields, line, irregular) => {
        if (line <= shape.headerLine) return;
        if (++this.rows === 1 && scanner instanceof RecordScanner) {
          this.from = scanner.consumed + start;
          scanner.met = 0;
        }
        if (irregular && shape.format === "delimited") this.irregular++;
        const isRagged = fields !== expected;
        if (footer) this.keepLast({ text: buffer.toString("utf8", start, end), irregular, isRagged });
        if (isRagged) {
          this.reject(line, fields, buffer.subarray(start, end));
          return;
        }
        if (irregular || !lengths) proof.giveUp();
        else if (proof.wanted) proof.addRow(buffer, start, end, lengths);
        if (periods.wanted) periods.addRow(valuesOf(shape, buffer.subarray(start, end)));
      },
      { offset: skip, onKeys: (found) => [...found].forEach((key) => this.keys.add(key)) },
    );
    const lengths = scanner instanceof RecordScanner ? scanner.lengths : undefined;
    this.scanner = scanner;
  }

  /** @throws AquiferError `record-too-long` */
  push(chunk: Buffer): void {
    const text = withoutNul(chunk);
    this.nulBytes += chunk.length - text.length;
    this.scanner.push(text);
    this.checkpoints.push({ offset: this.scanner.consumed, rows: this.rows, line: this.scanner.nextLine });
  }

  /** @throws AquiferError `record-too-long` */
  end(): RecordFindings {
    this.scanner.end();
    const { footer } = this.rules;
    const footers = footer ? this.last.slice(footerStart(this.last, footer)) : [];
    const rows = this.rows - footers.length;
    return {
      rows,
      footerRows: footers.length,
      rejected: this.rejected - footers.filter(({ isRagged }) => isRagged).length,
      firstRejects: this.firstRejects.filter(({ row }) => row <= rows),
      irregular: this.irregular - footers.filter(({ irregular }) => irregular).length,
      keys: [...this.keys],
      periods: this.periods.counts,
      nulBytes: this.nulBytes,
      checkpoints: this.checkpoints,
      proven: this.proof.proven,
      verbatim: footers.length === 0 ? this.verbatim : undefined,
    };
  }

  /** Where the last piece that was pushed has left off. */
  get checkpoint(): Checkpoint | undefined {
    return this.checkpoints.at(-1);
  }

  /** What all records so far have in common. */
  get verbatim(): Verbatim | undefined {
    const { scanner, shape, from, rows } = this;
    const isRegular = this.rejected + this.irregular + this.nulBytes === 0;
    if (!isRegular || rows === 0 || !(scanner instanceof RecordScanner)) return undefined;
    const { lf, crlf, cr, backslash } = traits;
    const others = scanner.met & ~backslash;
    if (others !== lf && others !== crlf && others !== cr) return undefined;
    const delimiter = String.fromCharCode(shape.delimiter);
    return { from, asText: scanner.met === others && !noTextDelimiter.test(delimiter) };
  }

  private keepLast(record: LastRecord): void {
    this.last.push(record);
    if (this.last.length > footerWindow) this.last.shift();
  }

  private reject(line: number, fields: number, record: Buffer): void {
    this.rejected++;
    if (this.firstRejects.length < shownRejects)
      this.firstRejects.push(rejectOf(this.rows, line, describeFlaw(this.shape, fields), record));
  }
}

interface LastRecord {
  readonly text: string;
  readonly irregular: boolean;
  readonly isRagged: boolean;
}

/** Longest part of a rejected record that is kept. */
export const keptRawBytes = 8192;

/** The reject of a record. */
export function rejectOf(row: number, line: number, error: string, record: Buffer): Reject {
  return { row, line, column: undefined, error, raw: keptRaw(record) };
}

/** The part of a record that is kept with its reject. */
export function keptRaw(record: Buffer): string {
  return record.subarray(0, keptRawBytes).toString();
}

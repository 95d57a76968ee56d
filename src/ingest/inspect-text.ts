import { createHash } from "node:crypto";
import type { Reject } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import { footerStart, footerWindow } from "./footer.js";
import { displayName, type RawFile } from "./discover-files.js";
import { proveAside } from "./prove-values.js";
import type { ProofAnswer } from "./value-proof-worker.js";
import { PeriodCounter } from "./period-counter.js";
import { readContent } from "./unpack.js";
import type { TextShape } from "./recognize-text.js";
import { describeFlaw, expectedFields, scannerOf, valuesOf } from "./record-format.js";
import { RecordScanner, traits } from "./record-scanner.js";
import { nothingProven, ValueProof, type ProvenColumns } from "./value-proof.js";
import { toUtf8, Utf8Check, withoutNul, type Encoding, type EncodingStart } from "./text-encoding.js";

/** A place where a record begins: where one of several streams may start. */
export interface Checkpoint {
  /** Offset in the raw file. */
  readonly offset: number;
  /** Records before it. */
  readonly rows: number;
  readonly line: number;
}

/** Everything that one pass over a text file tells. */
export interface TextInspection {
  /** SHA-256 of the content, unpacked, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  readonly encoding: Encoding;
  /** The bytes that ruled UTF-8 out. */
  readonly encodingEvidence: string | undefined;
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
  /** Empty unless the raw bytes can be read from the middle. */
  readonly checkpoints: readonly Checkpoint[];
  /** Whether the bytes may go to `copy` as they are. */
  readonly verbatim: Verbatim | undefined;
  readonly proven: ProvenColumns;
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

const shownRejects = 5;

/**
 * Reads a text file once: hash, encoding, records, and which of them cannot be loaded.
 *
 * @param onBytes told of the bytes read, for progress
 */
export async function inspectText(
  file: RawFile,
  shape: TextShape,
  start: EncodingStart,
  source: Pick<Source, "footer" | "period" | "columns" | "key">,
  onBytes: (bytes: number) => void,
): Promise<TextInspection> {
  const hash = createHash("sha256");
  const utf8 = new Utf8Check();
  const recode = start.encoding === undefined ? undefined : toUtf8(start.encoding);
  const checkpoints: Checkpoint[] = [];
  const firstRejects: Reject[] = [];
  let [bytes, rows, rejected, irregularRows, nulBytes] = [0, 0, 0, 0, 0];
  const expected = expectedFields(shape);
  const keys = new Set<string>();
  const last: LastRecord[] = [];
  const { footer } = source;
  const periods = new PeriodCounter(source.period, shape.header.columns);
  const aside = proveAside(file, shape, start, source);
  const proof = new ValueProof(aside ? [] : source.columns, shape.header.columns, source.key);
  let firstRecord = 0;
  const scanner = scannerOf(
    shape,
    (buffer, from, to, fields, line, irregular) => {
      if (line <= shape.headerLine) return;
      if (++rows === 1 && scanner instanceof RecordScanner) {
        firstRecord = scanner.consumed + from;
        scanner.met = 0;
      }
      if (irregular && shape.format === "delimited") irregularRows++;
      const isRagged = fields !== expected;
      if (footer) {
        last.push({ text: buffer.toString("utf8", from, to), irregular, isRagged });
        if (last.length > footerWindow) last.shift();
      }
      if (!isRagged) {
        if (irregular || !lengths) proof.giveUp();
        else if (proof.wanted) proof.addRow(buffer, from, to, lengths);
        if (periods.wanted) periods.addRow(valuesOf(shape, buffer.subarray(from, to)));
        return;
      }
      rejected++;
      if (firstRejects.length < shownRejects) {
        firstRejects.push(rejectOf(rows, line, describeFlaw(shape, fields), buffer.subarray(from, to)));
      }
    },
    { offset: start.skip, onKeys: (found) => [...found].forEach((key) => keys.add(key)) },
  );
  const lengths = scanner instanceof RecordScanner ? scanner.lengths : undefined;
  let asideAnswer: ProofAnswer | undefined;
  try {
    for await (const chunk of readContent(file, displayName(file))) {
      hash.update(chunk);
      const content = bytes === 0 ? chunk.subarray(start.skip) : chunk;
      bytes += chunk.length;
      if (start.encoding === undefined || start.encoding === "utf-8") utf8.push(content);
      const recoded = recode ? recode(content, false) : content;
      const text = withoutNul(recoded);
      nulBytes += recoded.length - text.length;
      scanner.push(text);
      checkpoints.push({ offset: scanner.consumed, rows, line: scanner.nextLine });
      onBytes(chunk.length);
    }
    if (recode) scanner.push(recode(Buffer.alloc(0), true));
    scanner.end();
    utf8.end();
    asideAnswer = await aside?.answer(() => onBytes(0));
  } finally {
    await aside?.stop();
  }
  // Of a file that the thread did not read to its end nothing is proven.
  const proven = asideAnswer?.rows === rows ? asideAnswer.proven : proof.proven;
  const footers = footer ? last.slice(footerStart(last, footer)) : [];
  rows -= footers.length;
  rejected -= footers.filter(({ isRagged }) => isRagged).length;
  irregularRows -= footers.filter(({ irregular }) => irregular).length;
  const encoding = start.encoding ?? (utf8.invalid ? "windows-1252" : "utf-8");
  const isRaw = encoding === "utf-8" && nulBytes === 0 && file.packing === undefined;
  const isRegular = isRaw && rejected + irregularRows + footers.length === 0;
  const wasRead = start.encoding !== undefined || encoding === "utf-8";
  return {
    hash: hash.digest("hex"),
    bytes,
    encoding,
    encodingEvidence:
      start.encoding === undefined && utf8.invalid
        ? `bytes ${utf8.invalid.bytes} at offset ${utf8.invalid.offset + start.skip} are not UTF-8`
        : undefined,
    rows,
    footerRows: footers.length,
    rejected,
    firstRejects: firstRejects.filter(({ row }) => row <= rows),
    irregular: irregularRows,
    keys: [...keys],
    periods: periods.counts,
    nulBytes,
    checkpoints: isRaw && shape.format !== "json" ? checkpoints : [],
    verbatim:
      isRegular && scanner instanceof RecordScanner ? verbatimOf(scanner.met, firstRecord, shape) : undefined,
    // Text that turned out to be in another encoding was judged as what it is not.
    proven: wasRead ? proven : nothingProven,
  };
}

/** What `copy`'s text format takes as delimiter: none of these. */
const noTextDelimiter = /[.a-z0-9]/;

function verbatimOf(met: number, from: number, { delimiter }: TextShape): Verbatim | undefined {
  const { lf, crlf, cr, backslash } = traits;
  const others = met & ~backslash;
  if (others !== lf && others !== crlf && others !== cr) return undefined;
  return { from, asText: met === others && !noTextDelimiter.test(String.fromCharCode(delimiter)) };
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

import type { Source, SourceFormat } from "../project/source.js";
import { describeMatch, headerlessMatch, matchHeader, type HeaderMatch } from "./match-header.js";
import { recognizeJson } from "./recognize-json.js";
import { recordFields } from "./record-fields.js";
import { RecordScanner } from "./record-scanner.js";
import type { ChosenSheet } from "./workbook/sheet-text.js";

/** A line of the file's start with the line it begins on. */
interface StartRecord {
  readonly line: number;
  readonly bytes: Buffer;
}

/** What a file is. */
export type FileFormat = Exclude<SourceFormat, "table">;

/** How a file's start reads as a source: what must be known before its records are. */
export interface TextShape {
  readonly format: FileFormat;
  /** Of the file, and of what is sent to PostgreSQL. */
  readonly delimiter: number;
  readonly crOnly: boolean;
  /** Line of the header; 0 when there is none. Records on lines up to it are no data. */
  readonly headerLine: number;
  readonly header: HeaderMatch;
  /** Of each column, where the file itself tells them. */
  readonly types?: readonly string[];
  /** Whose rows are taken, where the file is a spreadsheet. */
  readonly sheets?: readonly ChosenSheet[];
  /** Where in a JSON document the records stand. */
  readonly at?: string;
}

/** A shape that fits, or why none does. */
export type Recognition =
  | { readonly fits: true; readonly shape: TextShape; readonly explanation: string }
  | { readonly fits: false; readonly explanation: string };

/** A header stands on one of the first records: titles and notes may stand above it. */
const headerWindow = 10;

const sniffedDelimiters = [",", ";", "|", "\t"];

/**
 * Finds delimiter and header of a file by the declared columns of a source.
 *
 * @param head the first bytes as UTF-8, without byte order mark, cut anywhere
 * @param isWhole the head is the whole file
 */
export function recognizeText(source: Source, head: Buffer, isWhole: boolean): Recognition {
  if (source.format === "ndjson" || source.format === "json") return recognizeJson(source, head, isWhole);
  if (source.format === "spreadsheet") return { fits: false, explanation: "it is no spreadsheet" };
  const crOnly = head.includes(13) && !head.includes(10);
  const candidates = (source.delimiter === undefined ? sniffedDelimiters : [source.delimiter]).map(
    (delimiter) => {
      const byte = delimiter.charCodeAt(0);
      const records = startRecords(head, byte, crOnly, isWhole);
      const { line, match } = bestHeader(source, records, byte);
      return { delimiter, byte, records, line, match };
    },
  );
  const best = candidates.reduce((a, b) => (quality(b.match) > quality(a.match) ? b : a));
  if (source.header !== "none" && best.match.missing.length === 0) {
    const shape: TextShape = {
      format: "delimited",
      delimiter: best.byte,
      crOnly,
      headerLine: best.line,
      header: best.match,
    };
    return { fits: true, shape, explanation: `header on line ${best.line}: ${describeMatch(best.match)}` };
  }
  if (source.header === "required") return { fits: false, explanation: explainMissing(best) };
  // Half a header is no row of data: better to ask than to load column names as values.
  if (source.header === "optional" && best.line > 0 && best.match.found.length * 2 >= source.columns.length) {
    return { fits: false, explanation: explainMissing(best) };
  }
  const expected = source.columns.length;
  const fitting = candidates.find(
    ({ records, byte }) =>
      records[0] !== undefined && recordFields(records[0].bytes, byte).length === expected,
  );
  if (!fitting) {
    const counts = candidates.map(({ delimiter, byte, records }) => {
      const fields = records[0] === undefined ? 0 : recordFields(records[0].bytes, byte).length;
      return `${fields} by ${name(delimiter)}`;
    });
    return {
      fits: false,
      explanation: `no header, and line 1 has ${counts.join(", ")} fields where ${expected} columns are declared`,
    };
  }
  const shape: TextShape = {
    format: "delimited",
    delimiter: fitting.byte,
    crOnly,
    headerLine: 0,
    header: headerlessMatch(source),
  };
  return { fits: true, shape, explanation: `no header; ${expected} fields on line 1 as declared` };
}

interface Candidate {
  readonly delimiter: string;
  readonly line: number;
  readonly match: HeaderMatch;
}

function explainMissing({ delimiter, line, match }: Candidate): string {
  if (match.found.length === 0) {
    return `none of the first ${headerWindow} lines names its columns (${match.missing.join(", ")})`;
  }
  return `line ${line}, delimited by ${name(delimiter)}, lacks ${match.missing.join(", ")}; it has ${match.cells.map((cell) => JSON.stringify(cell)).join(", ")}`;
}

function bestHeader(
  source: Source,
  records: readonly StartRecord[],
  delimiter: number,
): { line: number; match: HeaderMatch } {
  let best = { line: 0, match: matchHeader(source, []) };
  for (const { line, bytes } of records) {
    const cells = recordFields(bytes, delimiter).map((field) => (field ?? "").toString());
    const match = matchHeader(source, cells);
    if (quality(match) > quality(best.match)) best = { line, match };
  }
  return best;
}

/** Complete first; then more found; then fewer that are not declared. */
function quality(match: HeaderMatch): number {
  return (match.missing.length === 0 ? 1e9 : 0) + match.found.length * 1e4 - match.added.length;
}

function startRecords(head: Buffer, delimiter: number, crOnly: boolean, isWhole: boolean): StartRecord[] {
  const records: StartRecord[] = [];
  const scanner = new RecordScanner({ delimiter, crOnly }, (buffer, start, end, _fields, line) => {
    if (records.length < headerWindow)
      records.push({ line, bytes: Buffer.from(buffer.subarray(start, end)) });
  });
  scanner.push(head);
  if (isWhole) scanner.end();
  return records;
}

function name(delimiter: string): string {
  const names: Record<string, string> = { ",": "comma", ";": "semicolon", "|": "pipe", "\t": "tab" };
  return names[delimiter] ?? JSON.stringify(delimiter);
}

import { gzipSync } from "node:zlib";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { zipFile } from "./zip-file.js";

/** A file that a careless loader would get wrong. */
export interface CorpusEntry {
  /** The sentence of the specification that it covers. */
  readonly sentence: string;
  readonly name?: string;
  readonly content: string | Buffer;
  /** Over a source of the columns a and b in `*.csv`. */
  readonly source?: Partial<SourceOptions>;
  /** All rows of all columns of the table, in the order of `_row`, or the code and a part of the error. */
  readonly expected: readonly (readonly unknown[])[] | { readonly error: string; readonly words: string };
  /** Expected in the ledger. */
  readonly ledger?: Readonly<Record<string, unknown>>;
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
const utf16be = (text: string): Buffer => utf16(text).swap16();
const bom = "\uFEFF";
const anyFile: Partial<SourceOptions> = { files: "*" };
const ab = [["1", "2"]];

/** The hostile files; each covers a trap of its own. */
export const corpus: readonly CorpusEntry[] = [
  // Line ends
  { sentence: "LF ends a record", content: "a,b\n1,2\n", expected: ab, ledger: { method: "bytes" } },
  { sentence: "CRLF ends a record", content: "a,b\r\n1,2\r\n", expected: ab, ledger: { method: "bytes" } },
  { sentence: "a lone CR ends a record where no LF is", content: "a,b\r1,2\r", expected: ab },
  {
    sentence: "LF and CRLF are mixed",
    content: "a,b\r\n1,2\n3,4\r\n",
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
  },
  {
    sentence: "a lone CR inside a line is text",
    content: "a,b\n1\rx,2\n",
    expected: [["1\rx", "2"]],
    ledger: { method: "repaired", rows_repaired: "1" },
  },
  { sentence: "the last record has no line end", content: "a,b\n1,2", expected: ab },
  {
    sentence: "blank lines are no records",
    content: "a,b\n\n1,2\n\r\n\n3,4\n\n",
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
  },
  { sentence: "blank lines stand before the header", content: "\n\na,b\n1,2\n", expected: ab },
  {
    sentence: "a file of a header alone has no rows",
    content: "a,b\n",
    expected: [],
    ledger: { rows_read: "0" },
  },
  // Quotes
  {
    sentence: "quoted fields hold delimiters",
    content: 'a,b\n"1,x",2\n',
    expected: [["1,x", "2"]],
    ledger: { method: "bytes" },
  },
  {
    sentence: "quoted fields hold line ends as they are",
    content: 'a,b\n"1\r\nx\ny",2\n',
    expected: [["1\r\nx\ny", "2"]],
  },
  {
    sentence: "doubled quotes are one",
    content: 'a,b\n"1 ""x""",2\n',
    expected: [['1 "x"', "2"]],
    ledger: { method: "bytes" },
  },
  {
    sentence: "inch marks in unquoted fields are text",
    content: 'a,b\n5" dan 6" pipa,2\n',
    expected: [['5" dan 6" pipa', "2"]],
    ledger: { method: "repaired" },
  },
  {
    sentence: "a lone quote in a quoted field is text",
    content: 'a,b\n"5" pipa",2\n',
    expected: [['5" pipa', "2"]],
  },
  {
    sentence: "a quote that never closes does not swallow the file",
    content: 'a,b\n"1,2\n3,4\n',
    expected: [
      ['"1', "2"],
      ["3", "4"],
    ],
  },
  { sentence: "blanks before a quote make it text", content: 'a,b\n 1, "2"\n', expected: [[" 1", ' "2"']] },
  { sentence: "empty is NULL, quoted empty is an empty text", content: 'a,b\n,""\n', expected: [[null, ""]] },
  { sentence: "blanks are kept", content: "a,b\n  1 ,\t2\n", expected: [["  1 ", "\t2"]] },
  { sentence: "the word NULL and \\N are text", content: "a,b\nNULL,\\N\n", expected: [["NULL", "\\N"]] },
  {
    sentence: "a line of \\. is data, not the end",
    content: "a\n1\n\\.\n2\n",
    source: { columns: { a: {} } },
    expected: [["1"], ["\\."], ["2"]],
  },
  {
    sentence: "a quoted line of \\. is data",
    content: 'a,b\n"x\n\\.\ny",2\n',
    expected: [["x\n\\.\ny", "2"]],
  },
  { sentence: "backslashes escape nothing", content: "a,b\n\\n,\\\\\n", expected: [["\\n", "\\\\"]] },
  // Columns
  {
    sentence: "a missing field is a reject",
    content: "a,b\n1\n3,4\n",
    source: { maxRejected: 1 },
    expected: [["3", "4"]],
    ledger: { rows_rejected: "1" },
  },
  {
    sentence: "a field too many is a reject",
    content: "a,b\n1,2,3\n3,4\n",
    source: { maxRejected: "50%" },
    expected: [["3", "4"]],
  },
  {
    sentence: "one reject more than allowed fails the file",
    content: "a,b\n1\n2\n3,4\n",
    source: { maxRejected: 1 },
    expected: { error: "too-many-rejects", words: "line 2: expected 2 fields, found 1" },
  },
  { sentence: "header case, blanks and punctuation do not count", content: " A ,(B)\n1,2\n", expected: ab },
  { sentence: "accents in headers do not count", content: "á,b\n1,2\n", expected: ab },
  { sentence: "non-breaking blanks in headers do not count", content: "a\u00a0,b\n1,2\n", expected: ab },
  { sentence: "quoted headers name columns", content: '"a","b"\n1,2\n', expected: ab },
  { sentence: "a header over two lines names a column", content: '"a\n",b\n1,2\n', expected: ab },
  { sentence: "columns come in another order", content: "b,a\n2,1\n", expected: ab },
  {
    sentence: "another spelling of a header is known",
    content: "Amount,b\n1,2\n",
    source: { columns: { a: { header: "AMOUNT" }, b: {} } },
    expected: ab,
  },
  {
    sentence: "an optional column is absent",
    content: "a\n1\n",
    source: { columns: { a: {}, b: { optional: true } } },
    expected: [["1", null]],
    ledger: { columns_missing: "{b}" },
  },
  {
    sentence: "a required column is absent",
    content: "a,c\n1,2\n",
    expected: { error: "wrong-columns", words: "lacks b" },
  },
  {
    sentence: "an undeclared column becomes a text column",
    content: "a,b,C D\n1,2,3\n",
    expected: [["1", "2", "3"]],
    ledger: { columns_added: "{c_d}" },
  },
  {
    sentence: "a frozen source refuses undeclared columns",
    content: "a,b,c\n1,2,3\n",
    source: { drift: "freeze" },
    expected: { error: "schema-drift", words: "not declared: c" },
  },
  {
    sentence: "duplicate headers are numbered",
    content: "a,b,b,b\n1,2,3,4\n",
    expected: [["1", "2", "3", "4"]],
    ledger: { columns_added: "{b_2,b_3}" },
  },
  {
    sentence: "an empty header is named by its place",
    content: "a,b,\n1,2,3\n",
    expected: [["1", "2", "3"]],
    ledger: { columns_added: "{column_3}" },
  },
  {
    sentence: "a header like our own columns is no collision",
    content: "a,b,_file_id,_row\n1,2,3,4\n",
    expected: [["1", "2", "3", "4"]],
    ledger: { columns_added: "{file_id,row}" },
  },
  {
    sentence: "SQL in a header is a name",
    content: 'a,b,"x""); drop table y; --"\n1,2,3\n',
    expected: [["1", "2", "3"]],
    ledger: { columns_added: "{x_drop_table_y}" },
  },
  {
    sentence: "SQL in a value is a value",
    content: "a,b\n'); drop schema bronze cascade; --,2\n",
    expected: [["'); drop schema bronze cascade; --", "2"]],
  },
  { sentence: "a formula is a text", content: "a,b\n=1+1,@x\n", expected: [["=1+1", "@x"]] },
  {
    sentence: "a header longer than a name can be is shortened, and two stay apart",
    content: `a,b,${"long ".repeat(20)}1,${"long ".repeat(20)}2\n1,2,3,4\n`,
    expected: [["1", "2", "3", "4"]],
  },
  // Header and preamble
  {
    sentence: "titles stand above the header",
    content: "Report of January\nprinted 2026-02-01;x\n\na,b\n1,2\n",
    expected: ab,
    ledger: { dialect: { delimiter: ",", headerLine: 4 } },
  },
  {
    sentence: "the header stands on the tenth record",
    content: `${"title\n".repeat(9)}a,b\n1,2\n`,
    expected: ab,
  },
  {
    sentence: "a header below the window is not looked for",
    content: `${"title\n".repeat(10)}a,b\n1,2\n`,
    expected: { error: "wrong-columns", words: "none of the first 10 lines" },
  },
  {
    sentence: "a file without header has the declared order",
    content: "1,2\n3,4\n",
    source: { header: "none" },
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
  },
  {
    sentence: "an optional header is seen",
    content: "A,B\n1,2\n",
    source: { header: "optional" },
    expected: ab,
  },
  {
    sentence: "an optional header is absent",
    content: "1,2\n3,4\n",
    source: { header: "optional" },
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
  },
  {
    sentence: "half a header is asked about",
    content: "a,x\n1,2\n",
    source: { header: "optional" },
    expected: { error: "wrong-columns", words: "lacks b" },
  },
  {
    sentence: "a headerless file of other width is refused",
    content: "1,2,3\n",
    source: { header: "none" },
    expected: { error: "wrong-columns", words: "line 1 has 3 by comma" },
  },
  // Footers
  {
    sentence: "total rows at the end are no data",
    content: "a,b\n1,2\nTotal,2\n",
    source: { footer: /^total/i },
    expected: ab,
    ledger: { rows_read: "1" },
  },
  {
    sentence: "a footer of another width is no reject",
    content: "a,b\n1,2\nTotal rows: 1\nTotal of all,,\n",
    source: { footer: /^total/i },
    expected: ab,
    ledger: { rows_rejected: "0" },
  },
  {
    sentence: "a footer's words in the middle are data",
    content: "a,b\ntotal,1\n1,2\n",
    source: { footer: /^total/i },
    expected: [
      ["total", "1"],
      ["1", "2"],
    ],
  },
  // Drift
  {
    sentence: "a rescuing source keeps undeclared columns as JSON",
    content: 'b,x,a,Y z\n2,"q""q",1,\n',
    source: { drift: "rescue" },
    expected: [["1", "2", { x: 'q"q', y_z: null }]],
    ledger: { columns_added: "{x,y_z}" },
  },
  {
    sentence: "a rescuing source has nothing to rescue",
    content: "a,b\n1,2\n",
    source: { drift: "rescue" },
    expected: [["1", "2", null]],
  },
  {
    sentence: "a discarding source leaves undeclared columns out",
    content: "x,a,b\n9,1,2\n",
    source: { drift: "discard" },
    expected: ab,
    ledger: { columns_added: "{x}" },
  },
  // Values
  {
    sentence: "a value of another type is a reject",
    content: "a,b\n1,x\n12.7,y\n1e3,z\n,w\n 7 ,v\n",
    source: { columns: { a: { type: "integer" }, b: {} }, maxRejected: 2 },
    expected: [
      ["1", "x"],
      [null, "w"],
      [" 7 ", "v"],
    ],
    ledger: { rows_rejected: "2", rows_loaded: "3" },
  },
  {
    sentence: "one bad value more than allowed fails the file, naming its line",
    content: 'a,b\n1,"x\ny"\nten,z\n',
    source: { columns: { a: { type: "numeric" }, b: {} } },
    expected: { error: "too-many-rejects", words: "line 4, a: expected a numeric, found 'ten': \"ten,z\"" },
  },
  {
    sentence: "a number beyond its type is a reject",
    content: "a,b\n2147483648,1\n",
    source: { columns: { a: { type: "integer" }, b: {} } },
    expected: { error: "too-many-rejects", words: "found '2147483648'" },
  },
  {
    sentence: "a day that is not in the calendar is a reject",
    content: "a,b\n2025-02-29,1\n2024-02-29,2\n",
    source: { columns: { a: { type: "date" }, b: {} }, maxRejected: 1 },
    expected: [["2024-02-29", "2"]],
  },
  {
    sentence: "a date that depends on settings is a reject",
    content: "a,b\n01/02/2025,1\n",
    source: { columns: { a: { type: "date" }, b: {} } },
    expected: { error: "too-many-rejects", words: "expected a date" },
  },
  {
    sentence: "a moment in ISO form is a timestamp",
    content: "a,b\n2025-01-31T23:59:59Z,1\n2025-01-31 25:00,2\n",
    source: { columns: { a: { type: "timestamp" }, b: {} }, maxRejected: 1 },
    expected: [["2025-01-31T23:59:59Z", "1"]],
  },
  {
    sentence: "a blank where a value is required is a reject",
    content: "a,b\n  ,1\n2,2\n",
    source: { columns: { a: { required: true }, b: {} }, maxRejected: 1 },
    expected: [["2", "2"]],
  },
  {
    sentence: "a value out of the domain is a reject",
    content: "a,b\nyes,1\nYES,2\n",
    source: { columns: { a: { domain: ["yes", "no"] }, b: {} }, maxRejected: 1 },
    expected: [["yes", "1"]],
  },
  {
    sentence: "a value that does not match is a reject",
    content: "a,b\nx1,1\n1x,2\n",
    source: { columns: { a: { pattern: "^[a-z]\\d$" }, b: {} }, maxRejected: 1 },
    expected: [["x1", "1"]],
  },
  {
    sentence: "of a value that stands twice the first stays",
    content: "a,b\n1,x\n2,y\n1,z\n,v\n,w\n",
    source: { columns: { a: { unique: true }, b: {} }, maxRejected: 1 },
    expected: [
      ["1", "x"],
      ["2", "y"],
      [null, "v"],
      [null, "w"],
    ],
  },
  // Delimiters
  { sentence: "semicolons are found", content: "a;b\n1,5;2\n", expected: [["1,5", "2"]] },
  { sentence: "pipes are found", content: "a|b\n1|2\n", expected: ab },
  { sentence: "tabs are found", content: "a\tb\n1\t2\n", expected: ab },
  {
    sentence: "a declared delimiter is taken",
    content: "a^b\n1^2\n",
    source: { delimiter: "^" },
    expected: ab,
  },
  {
    sentence: "commas in values do not hide the semicolon",
    content: "a;b\n1,2,3,4;5\n",
    expected: [["1,2,3,4", "5"]],
  },
  // Encodings
  {
    sentence: "a byte order mark is no part of the header",
    content: `${bom}a,b\n1,2\n`,
    expected: ab,
    ledger: { encoding: "utf-8", method: "bytes" },
  },
  { sentence: "UTF-8 beyond the basic plane arrives", content: "a,b\n😀,é\n", expected: [["😀", "é"]] },
  {
    sentence: "Windows-1252 is known by bytes that are no UTF-8",
    content: Buffer.concat([latin1("a,b\ncaf\xe9,"), Buffer.of(0x80, 10)]),
    expected: [["café", "€"]],
    ledger: { encoding: "windows-1252", encoding_evidence: "bytes e92c800a at offset 7 are not UTF-8" },
  },
  { sentence: "a header in Windows-1252 names columns", content: latin1("\xe1,b\n1,2\n"), expected: ab },
  {
    sentence: "a cut UTF-8 character at the end is not UTF-8",
    content: Buffer.concat([Buffer.from("a,b\n1,"), Buffer.of(0xc3)]),
    expected: [["1", "Ã"]],
    ledger: { encoding: "windows-1252" },
  },
  {
    sentence: "UTF-16 with its mark, little end first",
    content: utf16(`${bom}a,b\n1,é\n`),
    expected: [["1", "é"]],
    ledger: { encoding: "utf-16le" },
  },
  {
    sentence: "UTF-16 with its mark, big end first",
    content: utf16be(`${bom}a,b\n1,é\n`),
    expected: [["1", "é"]],
    ledger: { encoding: "utf-16be" },
  },
  {
    sentence: "UTF-16 without a mark is known by its NULs",
    content: utf16("a,b\nlonger text,value\n"),
    expected: [["longer text", "value"]],
  },
  {
    sentence: "NUL bytes are taken out and counted",
    content: "a,b\n1\0\0,2\0\n",
    expected: ab,
    ledger: { nul_bytes: "3", method: "recoded" },
  },
  {
    sentence: "other control characters are kept",
    content: "a,b\n\x01,\x7f\n",
    expected: [["\x01", "\x7f"]],
  },
  // Size and emptiness
  {
    sentence: "an empty file is an error",
    content: "",
    expected: { error: "empty-file", words: "is empty" },
  },
  {
    sentence: "a file of blank lines has no header",
    content: "\n\n\n",
    expected: { error: "wrong-columns", words: "none of the first" },
  },
  {
    sentence: "a field of a megabyte arrives",
    content: `a,b\n${"x".repeat(1_000_000)},2\n`,
    expected: [["x".repeat(1_000_000), "2"]],
  },
  {
    sentence: "a line of 17 MB without end is no delimited text",
    content: `a,b\n${"x".repeat(17 * 1024 * 1024)},2\n`,
    expected: { error: "record-too-long", words: "line 2 is longer than 16 MiB" },
  },
  {
    sentence: "binary content matches nothing",
    content: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    expected: { error: "wrong-columns", words: "none of the first" },
  },
  // Packed
  { sentence: "gzip is unpacked", name: "x.csv.gz", content: gzipSync("a,b\n1,2\n"), expected: ab },
  {
    sentence: "a truncated gzip is refused",
    name: "x.csv.gz",
    content: gzipSync("a,b\n1,2\n".repeat(50)).subarray(0, 30),
    expected: { error: "bad-archive", words: "unexpected end of file" },
  },
  {
    sentence: "what is no gzip is refused",
    name: "x.csv.gz",
    content: "a,b\n1,2\n",
    expected: { error: "bad-archive", words: "cannot be unpacked" },
  },
  {
    sentence: "gzip in Windows-1252 with a mark of nothing",
    name: "x.csv.gz",
    content: gzipSync(latin1("a,b\n\xe9,2\n")),
    expected: [["é", "2"]],
  },
  {
    sentence: "gzip keeps its byte order mark out of the header",
    name: "x.csv.gz",
    content: gzipSync(`${bom}a,b\n1,2\n`),
    expected: ab,
  },
  {
    sentence: "a gzip bomb is refused",
    name: "x.csv.gz",
    content: gzipSync(Buffer.alloc(100 * 1024 * 1024, "1,2\n")),
    source: { header: "none" },
    expected: { error: "archive-bomb", words: "250 times" },
  },
  {
    sentence: "each member of a zip is a file",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n", "2.csv": "a,b\n3,4\n" }),
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
  },
  {
    sentence: "a stored member of a zip is read",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n" }, { stored: true }),
    expected: ab,
  },
  {
    sentence: "folders and hidden members of a zip are left out",
    name: "x.zip",
    content: zipFile({ "d/": "", "__MACOSX/._1.csv": "x", ".hidden": "x", "1.csv": "a,b\n1,2\n" }),
    expected: ab,
  },
  {
    sentence: "a member that leads out of the archive is refused",
    name: "x.zip",
    content: zipFile({ "../1.csv": "a,b\n1,2\n" }),
    expected: { error: "bad-archive", words: "leads out of the archive" },
  },
  {
    sentence: "an absolute member is refused",
    name: "x.zip",
    content: zipFile({ "/etc/1.csv": "a,b\n1,2\n" }),
    expected: { error: "bad-archive", words: "leads out of the archive" },
  },
  {
    sentence: "a damaged member is refused",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n" }, { crc: 1 }),
    expected: { error: "bad-archive", words: "its checksum is another" },
  },
  {
    sentence: "an encrypted member is refused",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n" }, { flags: 1 }),
    expected: { error: "bad-archive", words: "is encrypted" },
  },
  {
    sentence: "a cut zip is refused",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n" }).subarray(0, 60),
    expected: { error: "bad-archive", words: "did not arrive whole" },
  },
  {
    sentence: "a zip of nothing is refused",
    name: "x.zip",
    content: zipFile({}),
    expected: { error: "bad-archive", words: "holds no file" },
  },
  {
    sentence: "a member of no source is named",
    name: "x.zip",
    content: zipFile({ "1.csv": "a,b\n1,2\n", "notes.doc": "x" }),
    expected: { error: "unknown-file", words: "raw/shop/x.zip/notes.doc matches no source" },
  },
  // JSON lines
  {
    sentence: "each line is an object, keys in any order",
    content: '{"a":"1","b":"2"}\n\n{"b":"4","a":"3"}\r\n',
    source: { format: "ndjson" },
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
    ledger: { method: "json" },
  },
  {
    sentence: "no number loses a digit",
    content: '{"a":12345678901234567890,"b":1.10}\n',
    source: { format: "ndjson" },
    expected: [["12345678901234567890", "1.10"]],
  },
  {
    sentence: "nested values are JSON text",
    content: '{"a":{"x":[1,{"y":"}"}]},"b":[ 1 , "]" ]}\n',
    source: { format: "ndjson" },
    expected: [['{"x":[1,{"y":"}"}]}', '[ 1 , "]" ]']],
  },
  {
    sentence: "null and an absent key are NULL, an empty text is not",
    content: '{"a":null,"b":""}\n{"b":true}\n',
    source: { format: "ndjson" },
    expected: [
      [null, ""],
      [null, "true"],
    ],
  },
  {
    sentence: "escapes in JSON are read",
    content: '{"a":"x\\n\\u00e9\\"\\u0000","b":"\\ud83d\\ude00,"}\n',
    source: { format: "ndjson" },
    expected: [['x\né"', "😀,"]],
  },
  {
    sentence: "a broken line of JSON is a reject, not a row of NULLs",
    content: '{"a":1,"b":2}\n{"a":1,\n[1]\n{"a":3,"b":4}\n',
    source: { format: "ndjson", maxRejected: 2 },
    expected: [
      ["1", "2"],
      ["3", "4"],
    ],
    ledger: { rows_rejected: "2" },
  },
  {
    sentence: "a broken line of JSON fails a strict file",
    content: '{"a":1,"b":2}\nnull\n',
    source: { format: "ndjson" },
    expected: { error: "too-many-rejects", words: "line 2: expected a JSON object on one line" },
  },
  {
    sentence: "a key that comes late becomes a column",
    content: '{"a":1,"b":2}\n{"a":3,"b":4,"C c":5}\n',
    source: { format: "ndjson" },
    expected: [
      ["1", "2", null],
      ["3", "4", "5"],
    ],
    ledger: { columns_added: "{c_c}" },
  },
  {
    sentence: "a declared key that never comes is missed",
    content: '{"a":1}\n',
    source: { format: "ndjson" },
    expected: { error: "wrong-columns", words: "lacks b" },
  },
  {
    sentence: "of a key that stands twice the last one counts",
    content: '{"a":1,"b":2,"a":3}\n',
    source: { format: "ndjson" },
    expected: [["3", "2"]],
  },
  {
    sentence: "a file of one JSON array is no JSON lines",
    content: '[\n{"a":1,"b":2}\n]\n'.replace('{"a":1,"b":2}', "  1"),
    source: { format: "ndjson" },
    expected: { error: "wrong-columns", words: "none of the first lines is a JSON object" },
  },
  {
    sentence: "gzipped JSON lines are read",
    name: "x.csv.gz",
    content: gzipSync('{"a":1,"b":2}\n'),
    source: { format: "ndjson" },
    expected: ab,
  },
  // Names
  {
    sentence: "file names are matched whatever their case",
    name: "X.CSV",
    content: "a,b\n1,2\n",
    expected: ab,
  },
  {
    sentence: "file names with quotes and blanks are harmless",
    name: 'it\'s "x"; drop.csv',
    content: "a,b\n1,2\n",
    expected: ab,
  },
  {
    sentence: "hidden files are left alone",
    name: ".x.csv",
    content: "broken",
    source: anyFile,
    expected: [],
  },
];

/** The source of an entry; `name` keeps the tables of entries apart. */
export function sourceOf(entry: CorpusEntry, name: string): ReturnType<typeof defineSource> {
  return defineSource({ name, files: "*.csv", columns: { a: {}, b: {} }, ...entry.source });
}

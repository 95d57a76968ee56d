import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { copyText } from "../../src/ingest/copy-records.js";
import { recordFields, writeRecord } from "../../src/ingest/record-fields.js";
import { RecordScanner, traits, type Dialect } from "../../src/ingest/record-scanner.js";
import type { TextShape } from "../../src/ingest/recognize-text.js";
import { freshDatabase } from "../support/database.js";

const comma: Dialect = { delimiter: 44, crOnly: false };

const shape: TextShape = {
  ...comma,
  format: "delimited",
  headerLine: 0,
  header: { columns: ["a", "b"], cells: [], found: [], missing: [], added: [] },
};

interface Scanned {
  readonly fields: (string | null)[];
  readonly line: number;
  readonly irregular: boolean;
}

/** Scans a text that arrives in chunks of these lengths, the last one repeated. */
function scan(text: string, dialect = comma, chunks: readonly number[] = [1 << 20]): Scanned[] {
  const records: Scanned[] = [];
  const scanner = new RecordScanner(dialect, (buffer, start, end, count, line, irregular) => {
    const fields = recordFields(buffer.subarray(start, end), dialect.delimiter);
    expect(fields).toHaveLength(count);
    if (!irregular) {
      expect([...scanner.lengths.subarray(0, count)]).toEqual(fields.map((field) => field?.length ?? -1));
    }
    records.push({ fields: fields.map((field) => field?.toString() ?? null), line, irregular });
  });
  const bytes = Buffer.from(text);
  for (let position = 0, index = 0; position < bytes.length; index++) {
    const length = chunks[Math.min(index, chunks.length - 1)] ?? 1;
    scanner.push(bytes.subarray(position, position + length));
    position += length;
  }
  scanner.end();
  return records;
}

const fieldsOf = (text: string): (string | null)[][] => scan(text).map(({ fields }) => fields);

describe("one meaning for every line", () => {
  test.each<[what: string, text: string, expected: (string | null)[][]]>([
    [
      "LF, CRLF and a last line without end, mixed",
      "a,b\r\nc,d\ne,f",
      [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
      ],
    ],
    ["blank lines are no records", "a\n\n\r\nb\n", [["a"], ["b"]]],
    ["empty is NULL, quoted empty is not", 'a,,""\n', [["a", null, ""]]],
    ["quotes, delimiters and line ends inside quotes", '"a ""b"", c\r\nd",e\n', [['a "b", c\r\nd', "e"]]],
    ["a quote in an unquoted field is text", '5" pipe,b\n', [['5" pipe', "b"]]],
    ["a lone quote in a quoted field is text", '"5" pipe",b\n', [['5" pipe', "b"]]],
    [
      "a quote that is never closed ends with its line",
      '"a,b\nc,d\n',
      [
        ['"a', "b"],
        ["c", "d"],
      ],
    ],
    [
      "a quote that closes in a later line's quotes ends with its own",
      '"a,b\n1,"x",2\n',
      [
        ['"a', "b"],
        ["1", "x", "2"],
      ],
    ],
    ["a quote that seems to close on a later line, at the end of the file", '","a\n"\r', [['"', "a\n"]]],
    ["the same without a line's end", '","a\n"', [['"', "a\n"]]],
    ["a carriage return inside a line is text", "a\rb,c\n", [["a\rb", "c"]]],
    ["a backslash and a dot are text", "\\.\n\\,b\n", [["\\."], ["\\", "b"]]],
  ])("%s", (_what, text, expected) => {
    expect(fieldsOf(text)).toEqual(expected);
  });

  test("carriage returns alone end the lines of a file without line feeds", () => {
    expect(scan("a,b\rc,d", { delimiter: 44, crOnly: true }).map(({ fields }) => fields)).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  test("records know the line on which they begin", () => {
    expect(scan('a\n\n"b\nc"\nd\n').map(({ line }) => line)).toEqual([1, 3, 5]);
  });
});

const hostile = fc.string({
  unit: fc.constantFrom("a", '"', '""', ",", "\n", "\r\n", "\r", "\\", ".", "\\.", " ", "é", "😀"),
  maxLength: 40,
});

describe("properties", () => {
  test("what is written is read back, whatever the fields hold", () => {
    fc.assert(
      fc.property(fc.array(fc.option(hostile), { minLength: 1, maxLength: 5 }), (fields) => {
        const record = writeRecord(
          fields.map((field) => (field === null ? null : Buffer.from(field))),
          44,
        );
        const read = scan(`${record.toString()}\n`);
        expect(read).toEqual(record.length === 0 ? [] : [{ fields, line: 1, irregular: false }]);
      }),
    );
  });

  test("where the chunks are cut makes no difference", () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (text, chunks) => {
        expect(scan(text, comma, chunks)).toEqual(scan(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("PostgreSQL reads of our bytes what we read of the file, for any text", async () => {
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    await database.warehouse.query("create table loaded (file bigint, number bigint, a text, b text)");
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        await database.warehouse.query("truncate loaded");
        const range = { text: chunks(text), rowsBefore: 8, firstLine: 1, headerLine: 0, lastRow: Infinity };
        const copied = copyText(range, shape, {
          fileId: "7",
          convert: undefined,
          lengths: new Float64Array(2),
          onReject: () => undefined,
        });
        await database.warehouse.withSession(async (session) => {
          await pipeline(Readable.from(copied), session.copyFrom("copy loaded from stdin (format csv)"));
        });
        const { rows } = await database.warehouse.query<Record<string, string | null>>(
          "select * from loaded order by number",
        );
        const expected = scan(text)
          .map(({ fields }, index) => ({ fields, number: index + 9 }))
          .filter(({ fields }) => fields.length === 2)
          .map(({ fields: [a, b], number }) => ({ file: "7", number: String(number), a, b }));
        expect(rows).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });
});

async function* chunks(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

test("what is met is told of the records after somebody set it to 0, also what stands in the same chunk", () => {
  const met = (text: string): number => {
    let records = 0;
    const scanner = new RecordScanner({ delimiter: 44, crOnly: false }, () => {
      if (++records === 2) scanner.met = 0;
    });
    scanner.push(Buffer.from(text));
    scanner.end();
    return scanner.met;
  };
  expect(met('"id",b\n1,2\n3,4\n')).toBe(traits.lf);
  expect(met('id,b\n1,2\n3,"4"\n')).toBe(traits.lf | traits.quote);
  expect(met('id,b\n1,"2"\r\n3,4\r\n')).toBe(traits.crlf | traits.quote);
  expect(met("id,b\n1,2\n\n3,\\4\n")).toBe(traits.lf | traits.blankLine | traits.backslash);
});

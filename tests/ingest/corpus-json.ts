import { gzipSync } from "node:zlib";
import type { CorpusEntry } from "./corpus.js";
import { zipFile } from "./zip-file.js";

const json = { format: "json", files: "*.json" } as const;
const name = "x.json";
const ab = [["1", "2"]];

/** Hostile JSON documents; each covers a trap of its own. */
export const jsonCorpus: readonly CorpusEntry[] = (
  [
    {
      sentence: "a document is an array of objects, keys in any order",
      content: '[{"a": "1", "b": "2"},\n {"b": "4", "a": "3"}]\n',
      expected: [
        ["1", "2"],
        ["3", "4"],
      ],
      ledger: { method: "json" },
    },
    {
      sentence: "an object holds the array at a path, other members around it",
      content:
        '{"meta": {"items": [1], "n": "]}"}, "data": {"total": 1, "items": [{"a": 1, "b": 2}]}, "z": null}',
      source: { at: "data.items" },
      expected: ab,
    },
    {
      sentence: "a path that leads nowhere says what is there",
      content: '{"data": {"rows": [{"a": 1, "b": 2}]}}',
      source: { at: "data.items" },
      expected: { error: "wrong-columns", words: "it has no data.items; it has data.rows" },
    },
    {
      sentence: "a path that leads to no array is an error",
      content: '{"data": {"a": 1, "b": 2}}',
      source: { at: "data" },
      expected: { error: "wrong-columns", words: "its data is no array" },
    },
    {
      sentence: "an object around the array is told with the place of the array",
      content: '{"ok": true, "data": {"items": [{"a": 1, "b": 2}]}}',
      expected: { error: "wrong-columns", words: "an array stands at data.items" },
    },
    {
      sentence: "objects stand one after another over several lines",
      content: '{\n  "a": 1,\n  "b": 2\n}\n{\n  "a": 3,\n  "b": 4\n}',
      expected: [
        ["1", "2"],
        ["3", "4"],
      ],
    },
    {
      sentence: "numbers of a document keep every digit",
      content: '[{"a": 12345678901234567890.10, "b": 1E+2}]',
      expected: [["12345678901234567890.10", "1E+2"]],
    },
    {
      sentence: "nested arrays of objects are JSON text",
      content: '[{"a": [{"at": "2026-01-01", "note": "[}\\""}], "b": {"x": []}}]',
      expected: [['[{"at": "2026-01-01", "note": "[}\\""}]', '{"x": []}']],
    },
    {
      sentence: "brackets and quotes inside texts end nothing",
      content: '[{"a": "}],[{\\"", "b": "\\\\"}]',
      expected: [['}],[{"', "\\"]],
    },
    {
      sentence: "an element that is no object is a reject on its line",
      content: '[\n{"a": 1, "b": 2},\n7,\n[1],\nnull\n]',
      source: { maxRejected: 3 },
      expected: ab,
      ledger: { rows_rejected: "3" },
    },
    {
      sentence: "an element that is no object fails a strict file",
      content: '[\n{"a": 1, "b": 2},\n"text"\n]',
      expected: { error: "too-many-rejects", words: 'line 3: expected a JSON object: "\\"text\\""' },
    },
    {
      sentence: "a document that ends in the middle is an error with its place",
      content: '[{"a": 1, "b": 2},\n {"a": 3,',
      expected: {
        error: "bad-json",
        words: "raw/shop/x.json: line 2, column 10: expected a value, found the end of the file",
      },
    },
    {
      sentence: "a broken element is an error with line and column",
      content: '[{"a": 1, "b": 2},\n {"a": 3,\n  "b": oops}]',
      expected: { error: "bad-json", words: "line 3, column 8: expected JSON" },
    },
    {
      sentence: "a comma before the end of an array is no JSON",
      content: '[{"a": 1, "b": 2},]',
      expected: { error: "bad-json", words: 'line 1, column 19: expected a value, found "]"' },
    },
    {
      sentence: "elements without a comma between them are no JSON",
      content: '[{"a": 1, "b": 2} {"a": 3, "b": 4}]',
      expected: { error: "bad-json", words: 'column 19: expected "," or "]", found "{"' },
    },
    {
      sentence: "nothing may follow a document",
      content: '[{"a": 1, "b": 2}]\n[]',
      expected: { error: "bad-json", words: 'line 2, column 1: expected the end of the file, found "["' },
    },
    {
      sentence: "an array that stands twice is an error",
      content: '{"d": [{"a": 1, "b": 2}], "d": []}',
      source: { at: "d" },
      expected: { error: "bad-json", words: "its d stands there twice" },
    },
    {
      sentence: "an empty array has no rows",
      content: " [ ]\n",
      expected: [],
      ledger: { rows_read: "0" },
    },
    {
      sentence: "a key of a late object becomes a column",
      content: '[{"a": 1, "b": 2}, {"a": 3, "b": 4, "c": {}}]',
      expected: [
        ["1", "2", null],
        ["3", "4", "{}"],
      ],
      ledger: { columns_added: "{c}" },
    },
    {
      sentence: "a document in UTF-16 with its mark",
      content: Buffer.from('\uFEFF[{"a": "é", "b": 2}]', "utf16le"),
      expected: [["é", "2"]],
    },
    {
      sentence: "a document inside gzip",
      name: "x.json.gz",
      content: gzipSync('[{"a": 1, "b": 2}]'),
      expected: ab,
    },
    {
      sentence: "a document inside zip",
      name: "x.zip",
      content: zipFile({ "x.json": '[{"a": 1, "b": 2}]' }),
      expected: ab,
    },
    {
      sentence: "a value of more than 16 MiB is no record",
      content: `{"data": {"x": "${"x".repeat(17 * 1024 * 1024)}"}}`,
      source: { at: "rows" },
      expected: { error: "wrong-columns", words: "no JSON object is complete" },
    },
    {
      sentence: "nesting without end breaks nothing",
      content: `[{"a": ${"[".repeat(100_000)}`,
      expected: { error: "wrong-columns", words: "no JSON object is complete" },
    },
    {
      sentence: "CSV is no JSON",
      content: "a,b\n1,2\n",
      expected: { error: "wrong-columns", words: "line 1, column 1: expected a document" },
    },
    {
      sentence: "values of a document are checked by their type",
      content: '[{"a": 1, "b": 2},\n{"a": "x", "b": 3}]',
      source: { columns: { a: { type: "integer" }, b: {} }, maxRejected: 1 },
      expected: ab,
      ledger: { rows_rejected: "1" },
    },
  ] satisfies CorpusEntry[]
).map((entry: CorpusEntry) => ({ name, ...entry, source: { ...json, ...entry.source } }));

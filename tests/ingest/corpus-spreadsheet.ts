import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { CFB, utils, write } from "@e965/xlsx";
import type { CorpusEntry } from "./corpus.js";
import {
  numberCell,
  oldWorkbook,
  textCell,
  textRow,
  workbookFile,
  type SheetParts,
  type WorkbookParts,
} from "./workbook-file.js";
import { zipFile } from "./zip-file.js";

const ab = [["1", "2"]];
const header = textRow(1, "a", "b");

/** A workbook of the columns a and b, with these rows from row 2 on. */
function book(
  rows: readonly (readonly string[])[],
  options?: WorkbookParts,
  sheet?: Partial<SheetParts>,
): Buffer {
  return workbookFile([{ ...sheet, rows: [header, ...rows] }], options);
}

const plain = book([textRow(2, "1", "2")]);
const sheets = (...names: readonly string[]): SheetParts[] =>
  names.map((sheetName, index) => ({
    name: sheetName,
    rows: [header, textRow(2, String(index), sheetName)],
  }));
const formula = (reference: string, inside: string, type = ""): string =>
  `<c r="${reference}"${type === "" ? "" : ` t="${type}"`}><f>1+1</f>${inside}</c>`;

/** Hostile spreadsheets; each covers a trap of its own. */
export const spreadsheetCorpus: readonly CorpusEntry[] = (
  [
    // Numbers
    {
      sentence: "a number in scientific notation arrives with all its digits",
      content: book([[numberCell("A2", "1.23E+10"), numberCell("B2", "1.5E-7")]]),
      expected: [["12300000000", "0.00000015"]],
    },
    {
      sentence: "a whole number with a fraction of zero is a whole number",
      content: book([[numberCell("A2", "123.0"), numberCell("B2", "-4.50")]]),
      expected: [["123", "-4.5"]],
    },
    {
      sentence: "an id longer than a double keeps every digit",
      content: book([[numberCell("A2", "12345678901234567890"), numberCell("B2", "9007199254740993")]]),
      expected: [["12345678901234567890", "9007199254740993"]],
    },
    {
      sentence: "the seventeen digits of a double are the number that was typed",
      content: book([[numberCell("A2", "4.9000000000000004"), numberCell("B2", "0.30000000000000004")]]),
      expected: [["4.9", "0.30000000000000004"]],
    },
    {
      sentence: "a text of digits keeps its zeros",
      content: book([[textCell("A2", "007"), textCell("B2", "1.0")]]),
      expected: [["007", "1.0"]],
    },
    {
      sentence: "what is no number is no zero",
      content: book([[numberCell("A2", "12x"), numberCell("B2", 1)]]),
      expected: { error: "bad-cell", words: 'cell A2: it holds "12x" for a number' },
    },
    {
      sentence: "a number beyond every double is no number",
      content: book([[numberCell("A2", "1E999"), numberCell("B2", 1)]]),
      expected: { error: "bad-cell", words: "cell A2" },
    },
    // Dates
    {
      sentence: "a date of the 1900 system is ISO text",
      content: book([[numberCell("A2", 45991, 1), numberCell("B2", "45991.586805555555", 2)]], {
        formats: [14, "dd/mm/yyyy hh:mm"],
      }),
      expected: [["2025-11-30", "2025-11-30 14:05:00"]],
    },
    {
      sentence: "a date of the 1904 system is four years later",
      content: book([[numberCell("A2", 44529, 1), numberCell("B2", 0, 1)]], {
        formats: ["d-mmm-yy"],
        date1904: true,
      }),
      expected: [["2025-11-30", "1904-01-01"]],
    },
    {
      sentence: "the days around the leap day that never was",
      content: book(
        [
          [numberCell("A2", 59, 1), numberCell("B2", 60, 1)],
          [numberCell("A3", 61, 1), numberCell("B3", 1, 1)],
        ],
        { formats: ["yyyy-mm-dd"] },
      ),
      expected: [
        ["1900-02-28", "1900-02-29"],
        ["1900-03-01", "1900-01-01"],
      ],
    },
    {
      sentence: "midnight has its time where the format shows one",
      content: book([[numberCell("A2", 45991, 1), numberCell("B2", "45991.5", 2)]], { formats: [22, 14] }),
      expected: [["2025-11-30 00:00:00", "2025-11-30 12:00:00"]],
    },
    {
      sentence: "times and elapsed hours are no dates",
      content: book([[numberCell("A2", "0.25", 1), numberCell("B2", "1.5", 2)]], {
        formats: ["h:mm AM/PM", "[h]:mm:ss"],
      }),
      expected: [["06:00:00", "36:00:00"]],
    },
    {
      sentence: "money, colours and words in quotes make no date of a number",
      content: book([[numberCell("A2", 45991, 1), numberCell("B2", 45991, 2)]], {
        formats: ['[Red]"Rp dym"#,##0', "[$-421]0\\d"],
      }),
      expected: [["45991", "45991"]],
    },
    {
      sentence: "a date below its first day stays the number",
      content: book([[numberCell("A2", -1, 1), numberCell("B2", 2958466, 1)]], { formats: [14] }),
      expected: [["-1", "2958466"]],
    },
    {
      sentence: "a cell that holds ISO text for a date is taken as it is",
      content: book([['<c r="A2" t="d"><v>2025-11-30T00:00:00</v></c>', textCell("B2", "1/2/2025")]]),
      expected: [["2025-11-30T00:00:00", "1/2/2025"]],
    },
    // Texts
    {
      sentence: "runs of rich text are one text, and how it is read aloud is none",
      content: book([['<c r="A2" t="s"><v>0</v></c>', '<c r="B2" t="s"><v>1</v></c>']], {
        sharedStrings: [
          "<r><rPr><b/></rPr><t>bo</t></r><r><t xml:space='preserve'>ld </t></r><rPh sb='0' eb='1'><t>no</t></rPh>",
          "<t>a &amp; &#x4E2D; &lt;b&gt;</t>",
        ],
      }),
      expected: [["bold ", "a & 中 <b>"]],
    },
    {
      sentence: "a text that is not among the shared ones is an error naming the cell",
      content: book([['<c r="A2" t="s"><v>5</v></c>']]),
      expected: { error: "bad-cell", words: 'sheet "Sheet1", cell A2' },
    },
    {
      sentence: "line ends, quotes and delimiters in cells are text",
      content: book([[textCell("A2", 'x,"y"\nz'), textCell("B2", "_x000D_;_x005F_x0041_")]]),
      expected: [['x,"y"\nz', "\r;_x0041_"]],
    },
    {
      sentence: "NUL characters in cells are taken out and counted",
      content: book([[textCell("A2", "1_x0000_"), textCell("B2", "2")]]),
      expected: ab,
      ledger: { nul_bytes: "1" },
    },
    {
      sentence: "an apostrophe that forces text is no part of it, one that was typed is",
      content: book([[textCell("A2", "12"), textCell("B2", "'12")]], {
        parts: { "xl/x.txt": 'quotePrefix="1" marks the first' },
      }),
      expected: [["12", "'12"]],
    },
    {
      sentence: "CDATA, comments and prefixes of XML change nothing",
      content: book([
        [
          '<x:c xmlns:x="y" r="A2" t="str"><!-- <v>9</v> --><x:v><![CDATA[<1>]]></x:v></x:c>',
          textCell("B2", "2"),
        ],
      ]),
      expected: [["<1>", "2"]],
    },
    {
      sentence: "a text cell of a megabyte arrives",
      content: book([[textCell("A2", "x".repeat(1_000_000)), textCell("B2", "2")]]),
      expected: [["x".repeat(1_000_000), "2"]],
    },
    {
      sentence: "a formula that is text stays text",
      content: book([[textCell("A2", "=1+1"), textCell("B2", "@SUM(A1)")]]),
      expected: [["=1+1", "@SUM(A1)"]],
    },
    // Formulas, booleans, errors
    {
      sentence: "a formula has the value it had when the file was saved",
      content: book([[formula("A2", "<v>2</v>"), formula("B2", "<v></v>", "str")]]),
      expected: [["2", ""]],
    },
    {
      sentence: "a formula that was never calculated is an error naming the cell",
      content: book(
        [textRow(2, "1", "2"), [textCell("A3", "3"), formula("B3", "<v></v>")]],
        {},
        { name: "Data" },
      ),
      expected: { error: "bad-cell", words: 'sheet "Data", cell B3: its formula was never calculated' },
    },
    {
      sentence: "a formula above the header may lack its value",
      content: workbookFile([{ rows: [[formula("A1", "")], textRow(2, "a", "b"), textRow(3, "1", "2")] }]),
      expected: ab,
    },
    {
      sentence: "truths are words",
      content: book([['<c r="A2" t="b"><v>1</v></c>', '<c r="B2" t="b"><v>0</v></c>']]),
      expected: [["TRUE", "FALSE"]],
    },
    {
      sentence: "errors in cells are seen, and rejected where a type is asked for",
      content: book([
        ['<c r="A2" t="e"><v>#N/A</v></c>', textCell("B2", "x")],
        [numberCell("A3", 1), '<c r="B3" t="e"><v>#DIV/0!</v></c>'],
      ]),
      source: { columns: { a: { type: "integer" }, b: {} }, maxRejected: 1 },
      expected: [["1", "#DIV/0!"]],
      ledger: { rows_rejected: "1" },
    },
    // Rows and columns
    {
      sentence: "titles stand above the header of a sheet",
      content: workbookFile([
        {
          rows: [
            textRow(1, "Report", "", "", "printed 2026"),
            [],
            textRow(3, "x"),
            textRow(4, "B ", "(a)"),
            textRow(5, "2", "1"),
          ],
        },
      ]),
      expected: ab,
      ledger: { dialect: { sheets: [{ name: "Sheet1", headerLine: 4 }] } },
    },
    {
      sentence: "a header below the tenth row with a value is not looked for",
      content: workbookFile([
        {
          rows: [...Array.from({ length: 10 }, (_, row) => textRow(row + 1, "title")), textRow(11, "a", "b")],
        },
      ]),
      expected: { error: "wrong-columns", words: "none of the first 10" },
    },
    {
      sentence: "cells merged downwards name their column in the lower row of a header",
      content: workbookFile([
        {
          rows: [
            [textCell("A1", "a"), textCell("B1", "group")],
            [textCell("B2", "b"), textCell("C2", "c")],
            textRow(3, "1", "2", "3"),
          ],
          after: '<mergeCells><mergeCell ref="A1:A2"/><mergeCell ref="B1:C1"/></mergeCells>',
        },
      ]),
      expected: [["1", "2", "3"]],
    },
    {
      sentence: "formatted rows and columns without values are none",
      content: book([
        [...textRow(2, "1", "2"), '<c r="C2" s="0"/>', '<c r="ZZ2" s="0"/>'],
        ['<c r="A3" s="0"/>', '<c r="B3" t="str"><v></v></c>'],
      ]),
      expected: ab,
      ledger: { rows_read: "1", columns_added: "{}" },
    },
    {
      sentence: "blank rows in the middle are no records, and a reject has the sheet's own row number",
      content: workbookFile([{ rows: [header, textRow(2, "1", "2"), [], [], textRow(5, "x", "3")] }]),
      source: { columns: { a: { type: "integer" }, b: {} } },
      expected: { error: "too-many-rejects", words: "line 5, a: expected an integer, found 'x'" },
    },
    {
      sentence: "a column without a header but with values is kept",
      content: book([textRow(2, "1", "2", "3")]),
      expected: [["1", "2", "3"]],
      ledger: { columns_added: "{column_3}" },
    },
    {
      sentence: "cells that are left out are NULL",
      content: book([[textCell("B2", "2")], [textCell("A3", "3")]]),
      expected: [
        [null, "2"],
        ["3", null],
      ],
    },
    {
      sentence: "rows and cells without their references follow each other",
      content: workbookFile([
        {
          rows: '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>',
        },
      ]),
      expected: ab,
    },
    {
      sentence: "a cell out of its place is a broken file",
      content: book([[numberCell("B2", 2), numberCell("A2", 1)]]),
      expected: { error: "bad-workbook", words: "row 2 has a cell A2 out of its place" },
    },
    {
      sentence: "a row that stands twice is a broken file",
      content: workbookFile([
        { rows: `<row r="1">${header.join("")}</row><row r="1">${header.join("")}</row>` },
      ]),
      expected: { error: "bad-workbook", words: "row 1" },
    },
    {
      sentence: "total rows at the end of a sheet are no data",
      content: book([textRow(2, "1", "2"), textRow(3, "Total", "2"), textRow(4, "TOTAL, all", "2")]),
      source: { footer: /^"?total/i },
      expected: ab,
      ledger: { rows_read: "1" },
    },
    {
      sentence: "a sheet of a header alone has no rows",
      content: book([]),
      expected: [],
    },
    {
      sentence: "a sheet without header has the declared order",
      content: workbookFile([{ rows: [textRow(1, "1"), textRow(2, "3", "4")] }]),
      source: { header: "none" },
      expected: [
        ["1", null],
        ["3", "4"],
      ],
    },
    {
      sentence: "a rescuing source keeps undeclared columns of a sheet as JSON",
      content: workbookFile([{ rows: [textRow(1, "x", "a", "b"), textRow(2, "9", "1", "2")] }]),
      source: { drift: "rescue" },
      expected: [["1", "2", { x: "9" }]],
    },
    {
      sentence: "a frozen source refuses undeclared columns of a sheet",
      content: workbookFile([{ rows: [textRow(1, "x", "a", "b")] }]),
      source: { drift: "freeze" },
      expected: { error: "schema-drift", words: "not declared: x" },
    },
    // Sheets
    {
      sentence: "the one sheet that has the columns is taken, and the others are said",
      content: workbookFile([
        { name: "Notes", rows: [textRow(1, "made by hand")] },
        ...sheets("Data"),
        { name: "Empty", rows: [] },
      ]),
      expected: [["0", "Data"]],
      ledger: {
        classification:
          'name matches *; sheet "Data", header on line 1: all 2 columns; left out: "Notes" (none of the first 10 lines names its columns (a, b)), "Empty" (it is blank)',
      },
    },
    {
      sentence: "two sheets with the columns are refused",
      content: workbookFile(sheets("One", "Two")),
      expected: {
        error: "wrong-columns",
        words: 'several sheets have its columns: "One", "Two"; choose with `sheet`',
      },
    },
    {
      sentence: "a hidden sheet is left out and said",
      content: workbookFile([
        ...sheets("Data"),
        { name: "Old", state: "hidden", rows: [header, textRow(2, "9", "9")] },
      ]),
      expected: [["0", "Data"]],
      ledger: { classification: expect.stringContaining('left out: "Old" (it is hidden)') as unknown },
    },
    {
      sentence: "a hidden sheet is loaded when it is named",
      content: workbookFile([
        ...sheets("Data"),
        { name: "Old", state: "veryHidden", rows: [header, textRow(2, "9", "9")] },
      ]),
      source: { sheet: "old" },
      expected: [["9", "9", "Old"]],
    },
    {
      sentence: "all sheets are loaded when asked, each row with the name of its sheet",
      content: workbookFile(sheets("2024", '2025, "x"'.replaceAll('"', "&quot;"))),
      source: { sheet: "*" },
      expected: [
        ["0", "2024", "2024"],
        ["1", "2025, &quot;x&quot;", '2025, "x"'],
      ],
    },
    {
      sentence: "a sheet that is asked for and has other columns is refused",
      content: workbookFile([...sheets("2024"), { name: "2025", rows: [textRow(1, "a", "c")] }]),
      source: { sheet: "20??" },
      expected: { error: "wrong-columns", words: '"2025" (line 1, ' },
    },
    {
      sentence: "a sheet that is asked for and not there is refused",
      content: workbookFile(sheets("2024")),
      source: { sheet: ["Data"] },
      expected: { error: "wrong-columns", words: '"2024" (not asked for)' },
    },
    {
      sentence: "a sheet that is a chart has no cells",
      content: workbookFile(sheets("Data", "Chart"), {
        parts: {
          "xl/_rels/workbook.xml.rels":
            '<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="/xl/worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/chartsheet" Target="worksheets/sheet2.xml"/></Relationships>',
        },
      }),
      expected: [["0", "Data"]],
    },
    // Forms
    {
      sentence: "a workbook of Excel 97 is read",
      name: "x.xls",
      content: oldWorkbook([
        ["a", "b"],
        [12300000000, true],
        ["007", 0.1],
        [null, 45991],
      ]),
      expected: [
        ["12300000000", "TRUE"],
        ["007", "0.1"],
        [null, "45991"],
      ],
    },
    {
      sentence: "dates and the 1904 system of Excel 97 are ISO text",
      name: "x.xls",
      content: oldWorkbook(
        [
          ["a", "b"],
          ["x", 44529],
        ],
        (workbook) => {
          workbook.Workbook = { WBProps: { date1904: true } };
          const cell = (workbook.Sheets["Data"] as Record<string, { z?: string }>)["B2"];
          if (cell) cell.z = "yyyy-mm-dd";
        },
      ),
      expected: [["x", "2025-11-30"]],
    },
    {
      sentence: "a workbook of Excel 97 under the name .xlsx is what it is",
      name: "x.xlsx",
      content: oldWorkbook([
        ["a", "b"],
        [1, 2],
      ]),
      expected: ab,
    },
    {
      sentence: "a workbook under the name .csv is what it is",
      name: "x.csv",
      content: plain,
      expected: ab,
      ledger: { method: "spreadsheet" },
    },
    {
      sentence: "CSV under the name .xls is what it is",
      name: "x.xls",
      content: "a;b\r\n1;2\r\n",
      expected: ab,
      ledger: { method: "bytes" },
    },
    {
      sentence: "an HTML page under the name .xls is read as its table, ids with their zeros",
      name: "x.xls",
      content:
        '<html><head><meta charset="windows-1252"></head><body><table><tr><th>a</th><th>b</th></tr><tr><td>007</td><td>caf&eacute; &amp; 1.000,50</td></tr></table></body></html>',
      expected: [["007", "café & 1.000,50"]],
    },
    {
      sentence: "XML of Excel 2003 under the name .xls is read",
      name: "x.xls",
      content: oldWorkbook(
        [
          ["a", "b"],
          ["007", 12300000000],
        ],
        undefined,
        "xlml",
      ),
      expected: [["007", "12300000000"]],
    },
    {
      sentence: "a source of text refuses a workbook",
      content: plain,
      source: { format: "delimited" },
      expected: { error: "wrong-columns", words: "it is a spreadsheet, not delimited" },
    },
    {
      sentence: "a source of spreadsheets refuses text",
      content: "a,b\n1,2\n",
      source: { format: "spreadsheet" },
      expected: { error: "wrong-columns", words: "it is no spreadsheet" },
    },
    // Broken, packed, and made to do harm
    {
      sentence: "a workbook with a password is refused as such",
      content: encrypted(),
      expected: { error: "encrypted-workbook", words: "x.xlsx is protected by a password" },
    },
    {
      sentence: "a workbook that did not arrive whole is refused",
      content: plain.subarray(0, plain.length - 40),
      expected: { error: "bad-archive", words: "did not arrive whole" },
    },
    {
      sentence: "a workbook of Excel 97 that did not arrive whole is refused",
      name: "x.xls",
      content: oldWorkbook([["a", "b"]]).subarray(0, 700),
      expected: { error: "bad-workbook", words: "x.xls cannot be read as a workbook" },
    },
    {
      sentence: "a compound file that is no workbook is refused",
      name: "x.xls",
      content: Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(2048)]),
      expected: { error: "bad-workbook", words: "cannot be read" },
    },
    {
      sentence: "a document of Word is no workbook",
      name: "x.xlsx",
      content: zipFile({ "[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>" }),
      expected: { error: "bad-workbook", words: "an archive without an Excel workbook" },
    },
    {
      sentence: "XML that ends inside of a sheet is refused",
      content: workbookFile([{ rows: [header] }], {
        parts: { "xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1">' },
      }),
      expected: { error: "bad-workbook", words: "its XML ends inside of <c>" },
    },
    {
      sentence: "entities that a document type declares are refused",
      content: workbookFile([{ rows: [header] }], {
        parts: {
          "xl/worksheets/sheet1.xml":
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet><sheetData/></worksheet>',
        },
      }),
      expected: { error: "bad-workbook", words: "its XML has a document type" },
    },
    {
      sentence: "a damaged part of a workbook is refused",
      content: book([textRow(2, "1", "2")], { damage: { crc: 1 } }),
      expected: { error: "bad-archive", words: "its checksum is another" },
    },
    {
      sentence: "a part that leads out of the workbook is refused",
      content: book([textRow(2, "1", "2")], { parts: { "../../evil.xml": "x" } }),
      expected: { error: "bad-archive", words: "leads out of the archive" },
    },
    {
      sentence: "a workbook that unpacks to gigabytes is refused",
      content: workbookFile([{ rows: [header] }], {
        parts: {
          "xl/worksheets/sheet1.xml": Buffer.from(
            `<worksheet>${`<x y="${"z".repeat(1000)}"/>`.repeat(100_000)}</worksheet>`,
          ),
        },
      }),
      expected: { error: "archive-bomb", words: "250 times" },
    },
    {
      sentence: "macros and links to other workbooks are never read",
      content: book([textRow(2, "1", "2")], {
        parts: {
          "xl/vbaProject.bin": Buffer.alloc(16),
          "xl/externalLinks/externalLink1.xml": "<<not XML at all",
        },
      }),
      expected: ab,
    },
    {
      sentence: "a workbook inside gzip",
      name: "x.xlsx.gz",
      content: gzipSync(plain),
      expected: ab,
    },
    {
      sentence: "workbooks inside a zip are files beside each other",
      name: "x.zip",
      content: zipFile({
        "1.xlsx": plain,
        "2.xls": oldWorkbook([
          ["a", "b"],
          [3, 4],
        ]),
      }),
      expected: [
        ["1", "2"],
        ["3", "4"],
      ],
    },
    {
      sentence: "the workbook that a library writes reads as the one made by hand",
      content: written(),
      expected: [
        ["1", "x & y"],
        ["0.1", "2025-11-30"],
      ],
    },
  ] satisfies CorpusEntry[]
).map((entry: CorpusEntry) => ({ name: "x.xlsx", ...entry, source: { files: "*", ...entry.source } }));

/** The part of the library that writes compound files; it has no types. */
interface CompoundFiles {
  readonly utils: {
    cfb_new(): object;
    cfb_add(container: object, name: string, content: Buffer): void;
  };
  write(container: object, options: { type: "buffer" }): Uint8Array;
}

/** What Excel makes of a workbook with a password: a compound file with one encrypted stream. */
function encrypted(): Buffer {
  const files = CFB as CompoundFiles;
  const container = files.utils.cfb_new();
  files.utils.cfb_add(container, "EncryptionInfo", Buffer.alloc(64));
  files.utils.cfb_add(container, "EncryptedPackage", Buffer.alloc(5000, 7));
  return Buffer.from(files.write(container, { type: "buffer" }));
}

function written(): Buffer {
  const sheet = utils.aoa_to_sheet([["a", "b"], [1, "x & y"], [0.1]]);
  sheet["B3"] = { t: "n", v: 45991, z: "yyyy-mm-dd" };
  sheet["!ref"] = "A1:B3";
  const workbook = utils.book_new();
  utils.book_append_sheet(workbook, sheet, "Data");
  return Buffer.from(write(workbook, { type: "buffer", bookType: "xlsx", bookSST: true }) as Uint8Array);
}

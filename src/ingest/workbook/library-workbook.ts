import { readFileSync } from "node:fs";
import { read, type CellObject, type WorkBook, type WorkSheet } from "@e965/xlsx";
import { encodingOfStart, toUtf8 } from "../text-encoding.js";
import { meaningOfCode, numberText, plainNumber } from "./cell-text.js";
import { columnLetters, type SheetSink, type WorkbookForm } from "./sheet.js";

/**
 * Reads a workbook that is no package of Office Open XML, by the library, as a whole.
 *
 * @param begin makes the sink of a sheet
 */
export function readLibraryWorkbook(
  path: string,
  form: WorkbookForm,
  begin: (name: string, isHidden: boolean) => SheetSink & { end(): void },
): void {
  const content = readFileSync(path);
  const options = {
    dense: true,
    cellNF: true,
    cellText: false,
    cellHTML: false,
    cellFormula: false,
  } as const;
  // Of markup every value stays the text that it is; only XML tells the type of each cell.
  const workbook =
    form === "xls"
      ? read(content, { ...options, type: "buffer" })
      : read(withoutNames(decodeMarkup(content)), { ...options, type: "string", raw: true });
  for (const [index, name] of workbook.SheetNames.entries()) {
    const isHidden = (workbook.Workbook?.Sheets?.[index]?.Hidden ?? 0) !== 0;
    const sink = begin(name, isHidden);
    const sheet = workbook.Sheets[name];
    if (sheet) readSheet(workbook, sheet, sink);
    sink.end();
  }
}

function readSheet(workbook: WorkBook, sheet: WorkSheet, sink: SheetSink): void {
  const date1904 = workbook.Workbook?.WBProps?.date1904 === true;
  for (const [index, cells] of (sheet["!data"] ?? []).entries()) {
    // Rows without cells are holes.
    if (!cells) continue;
    const row = index + 1;
    const texts = Array.from(cells, (cell: CellObject | undefined, column) => {
      if (!cell) return null;
      const text = cellText(cell, date1904);
      if (text !== undefined) return text;
      const problem = `it holds ${String(cell.v)} for a number`;
      sink.flaw({ row, cell: `${columnLetters(column)}${row}`, problem });
      return null;
    });
    sink.row({ row, cells: texts });
  }
  for (const { s, e } of sheet["!merges"] ?? [])
    sink.merged({ firstRow: s.r + 1, lastRow: e.r + 1, column: s.c });
}

/** By their code, as a cell shows them. */
const errorTexts: Readonly<Record<number, string>> = {
  0x00: "#NULL!",
  0x07: "#DIV/0!",
  0x0f: "#VALUE!",
  0x17: "#REF!",
  0x1d: "#NAME?",
  0x24: "#NUM!",
  0x2a: "#N/A",
  0x2b: "#GETTING_DATA",
};

function cellText(cell: CellObject, date1904: boolean): string | null | undefined {
  switch (cell.t) {
    case "s":
      return String(cell.v ?? "");
    case "b":
      return cell.v === true ? "TRUE" : "FALSE";
    case "e":
      return errorTexts[Number(cell.v)] ?? `#ERROR ${String(cell.v)}`;
    case "n": {
      const number = plainNumber(String(cell.v));
      return number && numberText(number, meaningOfCode(String(cell.z ?? "General")), date1904);
    }
    case "d":
      return cell.v instanceof Date ? cell.v.toISOString() : String(cell.v);
    case "z":
      return null;
  }
}

/** Pages say their encoding themselves; what says none is UTF-8 where it can be, else Windows-1252. */
function decodeMarkup(content: Buffer): string {
  const { encoding, skip } = encodingOfStart(content.subarray(0, 4096));
  if (encoding !== undefined) return toUtf8(encoding)(content.subarray(skip), true).toString();
  const declared = /(?:charset|encoding)\s*=\s*["']?([\w-]+)/i.exec(content.toString("latin1", 0, 4096))?.[1];
  for (const label of [declared ?? "utf-8", "utf-8"]) {
    try {
      return new TextDecoder(label, { fatal: true }).decode(content);
    } catch {
      // Not this one.
    }
  }
  return new TextDecoder("windows-1252").decode(content);
}

/** The characters from 160 on by their names in HTML, most of which the library does not know. */
const latinNames =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml".split(
    " ",
  );

function withoutNames(text: string): string {
  return text.replace(/&(\w+);/g, (all, name: string) => {
    const place = latinNames.indexOf(name);
    return place === -1 ? all : String.fromCharCode(160 + place);
  });
}

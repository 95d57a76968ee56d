import { createHash } from "node:crypto";
import { AquiferError } from "../../base/errors.js";
import type { Source } from "../../project/source.js";
import type { Classification } from "../classify-file.js";
import { displayName, type RawFile } from "../discover-files.js";
import { inspectText, type TextInspection } from "../inspect-text.js";
import type { ScratchFile } from "../scratch-file.js";
import { readContent } from "../unpack.js";
import { readWorkbook } from "./read-workbook.js";
import type { SheetSummary, WorkbookForm } from "./sheet.js";
import { sheetText } from "./sheet-text.js";

/** What a file that begins so is, if it is a workbook. */
export function workbookForm(head: Buffer): WorkbookForm | undefined {
  if (head.length < 8) return undefined;
  if (head.subarray(0, 4).toString("latin1") === "PK\x03\x04") return "xlsx";
  if (head.subarray(0, 8).toString("hex") === "d0cf11e0a1b11ae1") return "xls";
  // A stream of BIFF 2 to 8 without its compound file begins with the record BOF.
  if (head[0] === 0x09 && [0x00, 0x02, 0x04, 0x08].includes(head[1] ?? -1) && head[3] === 0) return "xls";
  const text = head.toString(head[1] === 0 ? "utf16le" : "utf8", 0, 2048).replace(/^\uFEFF?\s*/, "");
  const isMarkup =
    /^<(!doctype html|html|head|body|table|meta|\?xml[^>]*\?>\s*(<\?mso-[^>]*\?>\s*)?<(\w+:)?(workbook|html)|workbook)\b/i;
  return isMarkup.test(text) ? "markup" : undefined;
}

/** The sheets of a workbook, none when no source that may claim it takes one. */
export async function openWorkbook(
  file: RawFile,
  form: WorkbookForm,
  candidates: readonly Source[],
  scratch: ScratchFile,
  onBytes: (bytes: number) => void,
): Promise<readonly SheetSummary[]> {
  const isTaken = candidates.some(({ format }) => format === "table" || format === "spreadsheet");
  return isTaken ? readWorkbook(file, form, scratch, () => onBytes(0)) : [];
}

/**
 * Reads the rows of the chosen sheets once.
 *
 * @returns the file as what is read of it from now on, and what was found
 * @throws AquiferError `bad-cell`
 */
export async function inspectWorkbook(
  file: RawFile,
  { shape, source }: Classification,
  summaries: readonly SheetSummary[],
  scratch: ScratchFile,
  onBytes: (bytes: number) => void,
): Promise<{ readonly file: RawFile; readonly inspection: TextInspection }> {
  const sheets = shape.sheets ?? [];
  for (const { name, headerLine } of sheets) {
    const summary = summaries.find((each) => each.name === name);
    const flaw = summary?.flaws.find(({ row }) => row >= headerLine);
    if (flaw === undefined) continue;
    throw new AquiferError(
      `${displayName(file)}: sheet ${JSON.stringify(name)}, cell ${flaw.cell}: ${flaw.problem}`,
      {
        code: "bad-cell",
        hint: "Open it in a spreadsheet program, which calculates it anew, and save it.",
      },
    );
  }
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of readContent(file, displayName(file))) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  const converted: RawFile = {
    ...file,
    bytes: sheets.reduce((sum, { start, end }) => sum + end - start, 0),
    packing: { kind: "converted", read: () => sheetText(scratch, sheets, source.footer) },
  };
  // Footers are left out already, sheet by sheet.
  const rules = { ...source, footer: undefined };
  const start = { encoding: undefined, skip: 0 };
  const inspection = await inspectText(converted, shape, start, rules, { onBytes: () => onBytes(0) });
  return { file: converted, inspection: { ...inspection, hash: hash.digest("hex"), bytes } };
}

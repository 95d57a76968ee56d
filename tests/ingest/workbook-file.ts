import { utils, write, type WorkBook } from "@e965/xlsx";
import { zipFile } from "./zip-file.js";

/** A sheet as its parts say it: what stands in `sheetData`, and after it. */
export interface SheetParts {
  readonly name?: string;
  /** Rows of cells in XML, or one text for the whole of `sheetData`. */
  readonly rows: readonly (readonly string[])[] | string;
  readonly after?: string;
  readonly state?: "hidden" | "veryHidden";
}

/** Parts beside the sheets, over the usual ones. */
export interface WorkbookParts {
  readonly sharedStrings?: readonly string[];
  /** Number formats of the styles 1, 2, ... */
  readonly formats?: readonly (string | number)[];
  readonly date1904?: boolean;
  readonly parts?: Readonly<Record<string, string | Buffer>>;
  readonly damage?: Parameters<typeof zipFile>[1];
}

const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const officeDocument = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** The parts of a workbook, made by the format's description (ECMA-376) and not by a library. */
export function workbookParts(
  sheets: readonly SheetParts[],
  options: WorkbookParts = {},
): Record<string, string | Buffer> {
  const numbered = sheets.map((sheet, index) => ({ ...sheet, number: index + 1 }));
  const formats = options.formats ?? [];
  const parts: Record<string, string | Buffer> = {
    "[Content_Types].xml": `${declaration}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
    "_rels/.rels": `${declaration}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${officeDocument}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `${declaration}<workbook xmlns="${main}" xmlns:r="${officeDocument}"><workbookPr${options.date1904 === true ? ' date1904="1"' : ""}/><sheets>${numbered
      .map(
        ({ name, number, state }) =>
          `<sheet name="${name ?? `Sheet${number}`}" sheetId="${number}"${state === undefined ? "" : ` state="${state}"`} r:id="rId${number}"/>`,
      )
      .join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${declaration}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${numbered
      .map(({ number }) => relationship(`rId${number}`, "worksheet", `worksheets/sheet${number}.xml`))
      .join(
        "",
      )}${relationship("rIdS", "styles", "styles.xml")}${relationship("rIdT", "sharedStrings", "sharedStrings.xml")}</Relationships>`,
    "xl/styles.xml": `${declaration}<styleSheet xmlns="${main}"><numFmts>${formats
      .map((code, index) =>
        typeof code === "string" ? `<numFmt numFmtId="${200 + index}" formatCode="${escapeXml(code)}"/>` : "",
      )
      .join("")}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>${formats
      .map((code, index) => `<xf numFmtId="${typeof code === "number" ? code : 200 + index}"/>`)
      .join("")}</cellXfs></styleSheet>`,
    "xl/sharedStrings.xml": `${declaration}<sst xmlns="${main}">${(options.sharedStrings ?? []).map((item) => `<si>${item}</si>`).join("")}</sst>`,
  };
  for (const { rows, after, number } of numbered) {
    const data =
      typeof rows === "string"
        ? rows
        : rows.map((cells, index) => `<row r="${index + 1}">${cells.join("")}</row>`).join("");
    parts[`xl/worksheets/sheet${number}.xml`] =
      `${declaration}<worksheet xmlns="${main}"><dimension ref="A1"/><sheetData>${data}</sheetData>${after ?? ""}</worksheet>`;
  }
  return { ...parts, ...options.parts };
}

/** A workbook of these sheets. */
export function workbookFile(sheets: readonly SheetParts[], options: WorkbookParts = {}): Buffer {
  return zipFile(workbookParts(sheets, options), options.damage);
}

function relationship(id: string, type: string, target: string): string {
  return `<Relationship Id="${id}" Type="${officeDocument}/${type}" Target="${target}"/>`;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A cell that holds a text of its own. */
export function textCell(reference: string, text: string): string {
  return `<c r="${reference}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(text)}</t></is></c>`;
}

/** A cell that holds a number, as the file spells it. */
export function numberCell(reference: string, value: string | number, style?: number): string {
  return `<c r="${reference}"${style === undefined ? "" : ` s="${style}"`}><v>${value}</v></c>`;
}

/** Cells of texts in one row, from column A on. */
export function textRow(row: number, ...texts: readonly string[]): string[] {
  return texts.map((text, index) => textCell(`${String.fromCharCode(65 + index)}${row}`, text));
}

/** A workbook in the form of Excel 97, by the library: its form cannot be made by hand. */
export function oldWorkbook(
  rows: readonly (readonly (string | number | boolean | null)[])[],
  change: (workbook: WorkBook) => void = () => undefined,
  bookType: "biff8" | "biff5" | "xlml" | "html" = "biff8",
): Buffer {
  const workbook = utils.book_new();
  utils.book_append_sheet(workbook, utils.aoa_to_sheet(rows.map((row) => [...row])), "Data");
  change(workbook);
  return Buffer.from(write(workbook, { type: "buffer", bookType }) as Uint8Array);
}

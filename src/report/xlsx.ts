import type { Field, ReportRow, Value } from "../project/report.js";
import { headerOf } from "./csv.js";
import { zip, type ZipEntry } from "./zip.js";

/**
 * Rows as an Excel workbook of one sheet (ECMA-376), small enough to be written by the page itself. Texts are texts,
 * whatever they begin with: a formula in data is shown, never run. Numbers, rates and dates keep their type and format.
 *
 * @param title the sheet's name; what Excel forbids in it is left out
 */
export function toXlsx(
  title: string,
  rows: readonly ReportRow[],
  fields: Readonly<Record<string, Field>>,
): Uint8Array {
  const names = Object.keys(fields);
  const header = names.map((name) => cell(headerOf(name, fields), styleIds.header));
  const body = rows.map((row) =>
    names.map((name) => cell(row[name] ?? null, styleOf(row[name] ?? null, fields[name]))),
  );
  const lines = [header, ...body].map((cells, index) => `<row r="${index + 1}">${cells.join("")}</row>`);
  const sheetName =
    title
      .replace(/[\\/?*[\]:\p{Cc}]/gu, " ")
      .replace(/^'+|'+$/g, "")
      .trim()
      .slice(0, 31) || "Sheet1";
  const widths = names.map((name, index) => {
    const longest = rows
      .slice(0, 1000)
      .reduce((most, row) => Math.max(most, String(row[name] ?? "").length), headerOf(name, fields).length);
    return `<col min="${index + 1}" max="${index + 1}" width="${Math.min(60, longest + 3)}" customWidth="1"/>`;
  });
  const sheet =
    `<worksheet xmlns="${main}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
    `<cols>${widths.join("")}</cols><sheetData>${lines.join("")}</sheetData></worksheet>`;
  const parts: [string, string][] = [
    [
      "[Content_Types].xml",
      `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${spreadsheet}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${spreadsheet}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${spreadsheet}.styles+xml"/></Types>`,
    ],
    ["_rels/.rels", relationships(["officeDocument", "xl/workbook.xml"])],
    [
      "xl/workbook.xml",
      `<workbook xmlns="${main}" xmlns:r="${relation}"><sheets><sheet name="${escapeXml(sheetName)}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      relationships(["worksheet", "worksheets/sheet1.xml"], ["styles", "styles.xml"]),
    ],
    ["xl/styles.xml", styleSheet],
    ["xl/worksheets/sheet1.xml", sheet],
  ];
  const encoder = new TextEncoder();
  return zip(
    parts.map(([name, text]): ZipEntry => ({
      name,
      content: encoder.encode(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${text}`),
    })),
  );
}

const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** Places in `cellXfs` below. */
const styleIds = { plain: 0, header: 1, percent: 2, date: 3, timestamp: 4, number: 5 } as const;

const styleSheet =
  `<styleSheet xmlns="${main}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>` +
  `<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
  `<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>` +
  `<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="6"><xf/><xf fontId="1" applyFont="1"/>` +
  [10, 164, 165, 4].map((format) => `<xf numFmtId="${format}" applyNumberFormat="1"/>`).join("") +
  `</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

function relationships(...targets: readonly (readonly [string, string])[]): string {
  const each = targets.map(
    ([type, target], index) =>
      `<Relationship Id="rId${index + 1}" Type="${relation}/${type}" Target="${target}"/>`,
  );
  return `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${each.join("")}</Relationships>`;
}

function styleOf(value: Value, field: Field | undefined): number {
  if (value instanceof Date) return value.getTime() % 86_400_000 === 0 ? styleIds.date : styleIds.timestamp;
  if (typeof value !== "number") return styleIds.plain;
  if (field?.format?.as === "percent") return styleIds.percent;
  return Number.isInteger(value) || field?.format?.as === "year" ? styleIds.plain : styleIds.number;
}

function cell(value: Value, style: number): string {
  const styled = style === styleIds.plain ? "" : ` s="${style}"`;
  if (value === null) return "<c/>";
  if (typeof value === "number" && Number.isFinite(value)) return `<c${styled}><v>${value}</v></c>`;
  if (typeof value === "boolean") return `<c t="b"><v>${value ? 1 : 0}</v></c>`;
  // Days since 1899-12-30, which counts the 29 February 1900 that Excel believes in.
  if (value instanceof Date) return `<c${styled}><v>${value.getTime() / 86_400_000 + 25_569}</v></c>`;
  return `<c${styled} t="inlineStr"><is><t xml:space="preserve">${escapeXml(String(value).slice(0, 32_767))}</t></is></c>`;
}

/** What XML forbids altogether is left out. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

import { numberMeaning, type NumberMeaning } from "./cell-text.js";
import { attributeOf } from "./xml-scanner.js";
import { readRelationships, type XlsxParts } from "./xlsx-parts.js";

/** What a workbook says beside the cells of its sheets. */
export interface XlsxWorkbook {
  readonly sheets: readonly XlsxSheet[];
  readonly date1904: boolean;
  readonly sharedTexts: readonly string[];
  /** What numbers mean, by the style of their cell. */
  readonly styles: readonly NumberMeaning[];
}

export interface XlsxSheet {
  readonly name: string;
  readonly isHidden: boolean;
  /** Undefined for what has no cells, such as a chart that fills a sheet. */
  readonly part: string | undefined;
}

/** Reads everything of a workbook but its cells. */
export async function readXlsxWorkbook(parts: XlsxParts): Promise<XlsxWorkbook> {
  const part = await mainPart(parts);
  const relationships = await readRelationships(parts, part);
  const sheets: XlsxSheet[] = [];
  let date1904 = false;
  await parts.scan(part, {
    open(name, attributes) {
      if (name === "workbookPr") date1904 = /^(1|true|on)$/i.test(attributeOf(attributes, "date1904") ?? "");
      if (name !== "sheet") return;
      const target = relationships.get(attributeOf(attributes, "id") ?? "");
      sheets.push({
        name: attributeOf(attributes, "name") ?? "",
        isHidden: (attributeOf(attributes, "state") ?? "visible") !== "visible",
        part: target?.type === "worksheet" ? target.part : undefined,
      });
    },
    close: () => undefined,
    text: () => undefined,
  });
  const partOf = (type: string): string | undefined =>
    [...relationships.values()].find((each) => each.type === type)?.part;
  return {
    sheets,
    date1904,
    sharedTexts: await readSharedTexts(parts, partOf("sharedStrings")),
    styles: await readStyles(parts, partOf("styles")),
  };
}

/** The workbook's own part, by the package's list of content types. */
async function mainPart(parts: XlsxParts): Promise<string> {
  const types = "[Content_Types].xml";
  let main: string | undefined;
  if (parts.has(types)) {
    await parts.scan(types, {
      open(name, attributes) {
        const type = name === "Override" ? (attributeOf(attributes, "ContentType") ?? "") : "";
        if (/(sheet|template)(\.macroEnabled)?\.main\+xml$/.test(type))
          main = attributeOf(attributes, "PartName")?.replace(/^\//, "");
      },
      close: () => undefined,
      text: () => undefined,
    });
  }
  const found = main ?? (parts.has("xl/workbook.xml") ? "xl/workbook.xml" : undefined);
  if (found === undefined) throw new Error("it is an archive without an Excel workbook (.xlsx) inside");
  return found;
}

async function readSharedTexts(parts: XlsxParts, part: string | undefined): Promise<string[]> {
  const texts: string[] = [];
  if (part === undefined) return texts;
  const rich = new RichText();
  await parts.scan(part, {
    open(name) {
      if (name === "si") rich.begin();
      else rich.open(name);
    },
    close(name) {
      if (name === "si") texts.push(rich.end());
      else rich.close(name);
    },
    text: (text) => rich.text(text),
  });
  return texts;
}

/** The text of a string item: its runs joined, without how it is read aloud. */
export class RichText {
  private value = "";
  private isText = false;
  private isPhonetic = false;

  begin(): void {
    this.value = "";
  }

  open(name: string): void {
    if (name === "rPh") this.isPhonetic = true;
    else if (name === "t") this.isText = !this.isPhonetic;
  }

  close(name: string): void {
    if (name === "rPh") this.isPhonetic = false;
    else if (name === "t") this.isText = false;
  }

  text(text: string): void {
    if (this.isText) this.value += text;
  }

  end(): string {
    return unescapeText(this.value);
  }
}

/** Characters that XML cannot hold stand as `_x000D_`, and an underscore that would begin such a word as `_x005F_`. */
export function unescapeText(text: string): string {
  if (!text.includes("_x")) return text;
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

async function readStyles(parts: XlsxParts, part: string | undefined): Promise<NumberMeaning[]> {
  const formats = new Map<number, string>();
  const ids: number[] = [];
  if (part === undefined) return [];
  let isCellFormat = false;
  await parts.scan(part, {
    open(name, attributes) {
      if (name === "numFmt")
        formats.set(Number(attributeOf(attributes, "numFmtId")), attributeOf(attributes, "formatCode") ?? "");
      else if (name === "cellXfs") isCellFormat = true;
      else if (name === "xf" && isCellFormat) ids.push(Number(attributeOf(attributes, "numFmtId") ?? 0));
    },
    close(name) {
      if (name === "cellXfs") isCellFormat = false;
    },
    text: () => undefined,
  });
  return ids.map((id) => numberMeaning(id, formats.get(id)));
}

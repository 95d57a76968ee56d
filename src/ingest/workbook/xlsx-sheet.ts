import { numberText, plainNumber } from "./cell-text.js";
import { columnLetters, columnOf, type SheetSink } from "./sheet.js";
import { attributeOf, type XmlHandler } from "./xml-scanner.js";
import { RichText, unescapeText, type XlsxWorkbook } from "./xlsx-workbook.js";

const lastRow = 1_048_576;

/** Reads the XML of one sheet into a sink. */
export class XlsxSheetReader implements XmlHandler {
  private isData = false;
  private row = 0;
  private column = -1;
  private cells: (string | null)[] = [];
  private type = "";
  private style = 0;
  private value: string | undefined;
  private isValue = false;
  private hasFormula = false;
  private readonly inline = new RichText();
  private isInline = false;

  constructor(
    private readonly workbook: XlsxWorkbook,
    private readonly sink: SheetSink,
  ) {}

  open(name: string, attributes: string): void {
    if (!this.isData) {
      if (name === "sheetData") this.isData = true;
      else if (name === "mergeCell") this.merge(attributeOf(attributes, "ref") ?? "");
      return;
    }
    switch (name) {
      case "row":
        this.row = Number(attributeOf(attributes, "r") ?? this.row + 1);
        if (!Number.isInteger(this.row) || this.row < 1 || this.row > lastRow)
          throw new Error(`a row has the number ${attributeOf(attributes, "r") ?? this.row}`);
        this.column = -1;
        this.cells = [];
        break;
      case "c":
        this.beginCell(attributes);
        break;
      case "v":
        this.isValue = true;
        this.value ??= "";
        break;
      case "f":
        this.hasFormula = true;
        break;
      case "is":
        this.isInline = true;
        this.inline.begin();
        break;
      default:
        if (this.isInline) this.inline.open(name);
    }
  }

  close(name: string): void {
    if (!this.isData) return;
    switch (name) {
      case "sheetData":
        this.isData = false;
        break;
      case "row":
        this.sink.row({ row: this.row, cells: this.cells });
        break;
      case "c":
        this.endCell();
        break;
      case "v":
        this.isValue = false;
        break;
      case "is":
        this.isInline = false;
        this.value = this.inline.end();
        break;
      default:
        if (this.isInline) this.inline.close(name);
    }
  }

  text(text: string): void {
    if (this.isValue) this.value = `${this.value ?? ""}${text}`;
    else if (this.isInline) this.inline.text(text);
  }

  private beginCell(attributes: string): void {
    const name = attributeOf(attributes, "r");
    const column = name === undefined ? this.column + 1 : columnOf(name);
    const isInPlace = column !== undefined && column > this.column;
    if (!isInPlace || (name !== undefined && name !== `${columnLetters(column)}${this.row}`)) {
      throw new Error(`row ${this.row} has a cell ${name ?? ""} out of its place`);
    }
    this.column = column;
    this.type = attributeOf(attributes, "t") ?? "n";
    this.style = Number(attributeOf(attributes, "s") ?? 0);
    this.value = undefined;
    this.hasFormula = false;
  }

  private endCell(): void {
    const text = this.cellText();
    if (text === null) return;
    while (this.cells.length < this.column) this.cells.push(null);
    this.cells.push(text);
  }

  private cellText(): string | null {
    const { value, type } = this;
    if (this.hasFormula && (value === undefined || (value === "" && type !== "str"))) {
      return this.flaw("its formula was never calculated");
    }
    if (value === undefined) return null;
    switch (type) {
      case "s": {
        const text = /^\s*\d+\s*$/.test(value) ? this.workbook.sharedTexts[Number(value)] : undefined;
        return text ?? this.flaw(`its text ${JSON.stringify(value)} is not in the workbook`);
      }
      case "str":
        return unescapeText(value);
      case "inlineStr":
      case "e":
      case "d":
        return value;
      case "b":
        return value.trim() === "1" || value.trim() === "true" ? "TRUE" : "FALSE";
      case "n": {
        if (value.trim() === "") return null;
        const number = plainNumber(value);
        if (number === undefined) return this.flaw(`it holds ${JSON.stringify(value)} for a number`);
        return numberText(number, this.workbook.styles[this.style] ?? "number", this.workbook.date1904);
      }
      default:
        return this.flaw(`its type ${JSON.stringify(type)} is not known`);
    }
  }

  private flaw(problem: string): null {
    this.sink.flaw({ row: this.row, cell: `${columnLetters(this.column)}${this.row}`, problem });
    return null;
  }

  private merge(reference: string): void {
    const match = /^\$?([A-Z]+)\$?(\d+):\$?[A-Z]+\$?(\d+)$/.exec(reference);
    const column = columnOf(match?.[1] ?? "");
    if (!match || column === undefined) return;
    this.sink.merged({ firstRow: Number(match[2]), lastRow: Number(match[3]), column });
  }
}

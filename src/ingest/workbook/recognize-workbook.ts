import type { SheetChoice, Source } from "../../project/source.js";
import { sheetColumn } from "../../project/sources.js";
import type { HeaderMatch } from "../match-header.js";
import { recognizeText, type Recognition } from "../recognize-text.js";
import type { SheetSummary } from "./sheet.js";
import type { ChosenSheet } from "./sheet-text.js";
import { quoteField } from "./sheet-writer.js";

/** A sheet that has the columns of a source. */
interface FittingSheet {
  readonly sheet: SheetSummary;
  readonly headerLine: number;
  readonly header: HeaderMatch;
  /** For each cell of the header its column in the sheet. */
  readonly places: readonly number[];
  readonly explanation: string;
}

type SheetRecognition = FittingSheet | { readonly sheet: SheetSummary; readonly why: string };

/** Whether sheets of a workbook have the columns of a source, and which. */
export function recognizeWorkbook(source: Source, sheets: readonly SheetSummary[]): Recognition {
  if (source.format !== "table" && source.format !== "spreadsheet") {
    return { fits: false, explanation: `it is a spreadsheet, not ${source.format}` };
  }
  const tried = sheets.map((sheet) => recognizeSheet(source, sheet));
  const fitting = tried.flatMap((each) => ("why" in each ? [] : [each]));
  const others = tried.flatMap((each) => ("why" in each ? [each] : []));
  const leftOut = others.map(({ sheet, why }) => `${JSON.stringify(sheet.name)} (${why})`).join(", ");
  // What is asked for by name and has something else in it is a contradiction.
  const broken = others.filter(
    ({ sheet, why }) => source.sheet !== undefined && isWanted(source.sheet, sheet) && why !== isBlank,
  );
  if (fitting.length === 0 || broken.length > 0) {
    return { fits: false, explanation: `no sheet has its columns: ${leftOut || "there is none"}` };
  }
  if (source.sheet === undefined && fitting.length > 1) {
    const names = fitting.map(({ sheet }) => JSON.stringify(sheet.name)).join(", ");
    return { fits: false, explanation: `several sheets have its columns: ${names}; choose with \`sheet\`` };
  }
  const explained = fitting.map(
    ({ sheet, explanation }) => `sheet ${JSON.stringify(sheet.name)}, ${explanation}`,
  );
  return {
    fits: true,
    shape: {
      format: "spreadsheet",
      delimiter: 44,
      crOnly: false,
      headerLine: 0,
      ...joinSheets(source, fitting),
    },
    explanation: [...explained, ...(leftOut === "" ? [] : [`left out: ${leftOut}`])].join("; "),
  };
}

const isBlank = "it is blank";

function recognizeSheet(source: Source, sheet: SheetSummary): SheetRecognition {
  const leave = (why: string): SheetRecognition => ({ sheet, why });
  if (source.sheet !== undefined && !isWanted(source.sheet, sheet)) {
    return leave(sheet.isHidden && matches(source.sheet, sheet.name) ? "it is hidden" : "not asked for");
  }
  if (source.sheet === undefined && sheet.isHidden) return leave("it is hidden");
  if (sheet.head.length === 0) return leave(isBlank);
  const recognized = recognizeText({ ...source, format: "delimited", delimiter: "," }, headText(sheet), true);
  if (!recognized.fits) return leave(recognized.explanation);
  const { headerLine, header } = recognized.shape;
  // A column without name and without values is none: a merged title may have made it, or a format.
  const places = [...header.cells.keys()].filter(
    (place) => header.cells[place] !== "" || (sheet.lastRows[place] ?? 0) > headerLine,
  );
  const only = (values: readonly string[]): string[] => places.map((place) => values[place] ?? "");
  const columns = only(header.columns);
  return {
    sheet,
    headerLine,
    places,
    header: {
      ...header,
      columns,
      cells: only(header.cells),
      added: header.added.filter((name) => columns.includes(name)),
    },
    explanation: recognized.explanation,
  };
}

/** A hidden sheet is wanted only by its full name. */
function isWanted(choice: SheetChoice, { name, isHidden }: SheetSummary): boolean {
  if (!isHidden) return matches(choice, name);
  return (
    !(choice instanceof RegExp) && [choice].flat().some((each) => each.toLowerCase() === name.toLowerCase())
  );
}

function matches(choice: SheetChoice, name: string): boolean {
  if (choice instanceof RegExp) return choice.test(name);
  return [choice].flat().some((pattern) => wildcards(pattern).test(name));
}

/** Names of sheets cannot hold the two. */
function wildcards(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\/]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "is");
}

/** The first rows as lines of text, each on the line of its number. */
function headText({ head, lastRows }: SheetSummary): Buffer {
  let text = "";
  let line = 1;
  for (const { row, cells } of head) {
    text += "\n".repeat(row - line);
    line = row;
    const width = Math.max(cells.length, lastRows.length);
    const fields = Array.from({ length: width }, (_, index) => quoteField(oneLine(cells[index] ?? "")));
    text += fields.join(",");
  }
  return Buffer.from(text);
}

/** As much of a cell as could be a name. */
function oneLine(text: string): string {
  return text.slice(0, 1000).replace(/[\r\n]+/g, " ");
}

/** The columns of several sheets as those of one file, by their names. */
function joinSheets(
  source: Source,
  fitting: readonly FittingSheet[],
): { readonly header: HeaderMatch; readonly sheets: readonly ChosenSheet[] } {
  const columns: string[] = [];
  const cells: string[] = [];
  for (const { header } of fitting) {
    for (const [index, column] of header.columns.entries()) {
      if (columns.includes(column)) continue;
      columns.push(column);
      cells.push(header.cells[index] ?? "");
    }
  }
  const all = (of: (header: HeaderMatch) => readonly string[]): string[] => [
    ...new Set(fitting.flatMap(({ header }) => of(header))),
  ];
  const withName = source.sheet === undefined ? [] : [sheetColumn.name];
  return {
    header: {
      columns: [...columns, ...withName],
      cells,
      found: [...all(({ found }) => found), ...withName],
      missing: [],
      added: all(({ added }) => added),
    },
    sheets: fitting.map(({ sheet, headerLine, header, places }) => ({
      name: sheet.name,
      headerLine,
      fields: [
        ...columns.map((column) => places[header.columns.indexOf(column)]),
        ...withName.map(() => "name" as const),
      ],
      start: sheet.start,
      end: sheet.end,
    })),
  };
}

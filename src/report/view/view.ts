/// <reference lib="dom" />
import type {
  BodyContext,
  Field,
  LocaleName,
  Report,
  Section,
  Value,
  ValueFormat,
} from "../../project/report.js";
import { element, type Attributes, type Child } from "../element.js";
import type { QueryRows } from "../filters.js";
import { formatValue } from "../format-value.js";
import { say, type Word } from "../words.js";

/** How a table is sorted, searched and paged at the moment. */
export interface TableState {
  readonly sort?: { readonly column: string; readonly descending: boolean };
  readonly search: string;
  readonly page: number;
}

/** What items are rendered with, on the server and in the page. */
export interface View {
  readonly document: Document;
  readonly locale: LocaleName;
  /** True in the page: controls that need a script are shown. */
  readonly live: boolean;
  /** Definitions of columns by name, from the warehouse's comments. */
  readonly definitions: Readonly<Record<string, string>>;
  /** Why there may be nothing to show: said in the place of an empty item. */
  readonly emptyBecause: string;
  /** Widths in pixels to draw a chart for. The server draws a wide and a narrow one, the page the one that fits. */
  chartWidths(id: string, width: "half" | "full"): readonly number[];
  tableState(id: string): TableState;
}

export interface ViewTools {
  readonly make: (name: string, attributes: Attributes, ...children: readonly Child[]) => Element;
  readonly word: (word: Word, values?: Readonly<Record<string, string>>) => string;
  readonly formatted: (value: Value, format?: ValueFormat) => string;
}

/** Short hands for one view. */
export function toolsOf(view: View): ViewTools {
  return {
    make: (name, attributes, ...children) => element(view.document, name, attributes, ...children),
    word: (word, values) => say(view.locale, word, values),
    formatted: (value, format) => formatValue(view.locale, value, format),
  };
}

/** What a column means: the report's own words, else the warehouse's. */
export function definitionOf(view: View, name: string, field: Field | undefined): string | undefined {
  return field?.definition ?? view.definitions[name];
}

/** The sections of a report for the rows given. */
export function composeBody(report: Report, rows: QueryRows): readonly Section[] {
  const context: BodyContext = {
    locale: report.locale,
    format: (value, format) => formatValue(report.locale, value, format),
  };
  return report.body(rows, context);
}

/** The id of an item, by its place in the page. */
export function itemId(section: number, item: number): string {
  return `item-${section + 1}-${item + 1}`;
}

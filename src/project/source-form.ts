import type { SourceOptions } from "./source.js";
import { refuseMemory, type Failure } from "./source-failure.js";

/** Refuses options that say nothing about files of the source's form, or say it wrongly. */
export function checkForm(options: SourceOptions, fail: Failure): void {
  for (const key of ["header", "delimiter", "footer"] as const) {
    if (options.format !== "parquet" || options[key] === undefined) continue;
    throw fail(`${key} says nothing about a Parquet file, which has no lines`, "Leave it out.");
  }
  checkSheet(options, fail);
  checkJson(options, fail);
}

function checkJson({ at, format, delimiter, header }: SourceOptions, fail: Failure): void {
  if (at !== undefined && format !== "json")
    throw fail("at says nothing without format json", "Leave it out.");
  if (at !== undefined && !at.split(".").every((name) => name !== "")) {
    throw fail(`at is ${JSON.stringify(at)}`, "Write the names that lead to the array, joined by dots.");
  }
  if (format === "json" && (delimiter !== undefined || header !== undefined)) {
    throw fail("header and delimiter say nothing about JSON", "Leave them out.");
  }
}

function checkSheet({ sheet, format, delimiter }: SourceOptions, fail: Failure): void {
  if (format === "spreadsheet" && delimiter !== undefined) {
    throw fail("delimiter says nothing about a spreadsheet", "Leave it out.");
  }
  if (sheet === undefined) return;
  if (format !== undefined && format !== "table" && format !== "spreadsheet") {
    throw fail(`sheet says nothing about ${format}`, "Leave it out, or let format be table or spreadsheet.");
  }
  if (sheet instanceof RegExp) {
    refuseMemory("sheet", sheet, fail);
    return;
  }
  const names = [sheet].flat();
  if (names.length === 0 || !names.every((name) => typeof name === "string" && name !== "")) {
    throw fail(`sheet is ${JSON.stringify(sheet)}`, 'Give a name, several, or "*" for all sheets.');
  }
}

import type { CellObject } from "@e965/xlsx";
import type { SampleCell, SampleSheet } from "../project/sample.js";

/**
 * The bytes of a workbook with these sheets; the same for the same cells.
 *
 * @param form `xls`: of Excel 97, one sheet of which holds 65,536 rows at most
 */
export async function workbookBytes(
  sheets: readonly SampleSheet[],
  form: "xlsx" | "xls" = "xlsx",
): Promise<Buffer> {
  const { utils, write } = await import("@e965/xlsx");
  const book = utils.book_new();
  for (const { name, rows } of sheets) {
    const cells = [...rows].map((row) => row.map(toCell));
    utils.book_append_sheet(book, utils.aoa_to_sheet(cells), name);
  }
  return write(book, { type: "buffer", bookType: form, compression: true }) as Buffer;
}

/** Days from the epoch of workbooks, 1899-12-30, to that of `Date`. */
const epochDays = 25_569;

/** A date as the number that a workbook stores, whatever the time zone of this machine. */
function toCell(value: SampleCell): CellObject | null {
  if (value === null) return null;
  if (!(value instanceof Date))
    return { v: value, t: typeof value === "string" ? "s" : typeof value === "number" ? "n" : "b" };
  return { v: value.getTime() / 86_400_000 + epochDays, t: "n", z: "yyyy-mm-dd hh:mm" };
}

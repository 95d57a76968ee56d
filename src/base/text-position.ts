/** A place in a text: line and column count from 1, the column in UTF-16 units, as editors show them. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset (UTF-16 units from 0). */
export function lineColumnAt(text: string, offset: number): LineColumn {
  let line = 1;
  let start = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
    if (index + end.length > offset) break;
    line += 1;
    start = index + end.length;
  }
  return { line, column: offset - start + 1 };
}

/** The offset (UTF-16 units from 0) of a line and column, within the text. */
export function offsetAt(text: string, place: LineColumn): number {
  let offset = 0;
  for (let line = 1; line < place.line; line++) {
    const end = /\r\n|\r|\n/g;
    end.lastIndex = offset;
    const found = end.exec(text);
    if (!found) break;
    offset = found.index + found[0].length;
  }
  return Math.min(offset + place.column - 1, text.length);
}

/**
 * The UTF-16 offset (from 0) of a position counted in characters: PostgreSQL counts code points from 1; other tools count
 * bytes of UTF-8.
 *
 * @param position how many units lie before the place
 * @example utf16Offset("😀a", 1, "code points") // 2
 */
export function utf16Offset(text: string, position: number, unit: "code points" | "bytes"): number {
  let counted = 0;
  let offset = 0;
  for (const character of text) {
    if (counted >= position) break;
    counted += unit === "bytes" ? Buffer.byteLength(character) : 1;
    offset += character.length;
  }
  return offset;
}

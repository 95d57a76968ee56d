/** Columns padded to the widest cell, two blanks apart; numbers stand to the right. Ends with a newline. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const isNumeric = header.map((_, index) => rows.every((row) => /^[\d,./]*$/.test(row[index] ?? "")));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        isNumeric[index] === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

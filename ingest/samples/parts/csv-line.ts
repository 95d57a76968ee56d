/** A line of CSV, quoted where it must be; NULL is empty. */
export function csvLine(values: readonly (string | null)[], delimiter: string): string {
  const quoted = (value: string | null): string =>
    value === null
      ? ""
      : value.includes(delimiter) || /["\n]/.test(value)
        ? `"${value.replaceAll('"', '""')}"`
        : value;
  return `${values.map(quoted).join(delimiter)}\n`;
}

/** A line of a program that quotes where a delimiter stands, and never doubles a quote: `5" pipa` stays as it is. */
export function sloppyLine(values: readonly (string | null)[], delimiter: string): string {
  const cells = values.map((value) => (value?.includes(delimiter) === true ? `"${value}"` : (value ?? "")));
  return `${cells.join(delimiter)}\n`;
}

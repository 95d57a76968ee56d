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

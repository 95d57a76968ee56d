const special = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Values as a line of COPY's text format. NUL characters, which no text of PostgreSQL can hold, are left out. */
export function copyLine(values: readonly (string | null)[]): string {
  return `${values.map((value) => (value === null ? "\\N" : escaped(value))).join("\t")}\n`;
}

function escaped(value: string): string {
  const text = value.includes("\0") ? value.replaceAll("\0", "") : value;
  return special.test(text)
    ? text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character)
    : text;
}

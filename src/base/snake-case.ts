/**
 * A header as a column name: lower case, one `_` for every run of other characters, accents removed, none at the ends.
 *
 * @example snakeCase("\uFEFF Birth of Date ") // "birth_of_date"
 */
export function snakeCase(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
}

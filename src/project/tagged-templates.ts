import { alignSqlx } from "./sqlx-alignment.js";
import { parseSqlx } from "./sqlx.js";

// How SQL is traced back to its file: the template literal of each statement becomes a tagged one whose tag notes how
// long each `${...}` turned out to be. What stands between them stands literally in the file.

const tagName = "__aquiferSql";

/** One evaluation of a statement: its number in `compiledStatements`, then the length of each placeholder's value. */
export type Evaluation = readonly number[];

/** Distinct evaluations by file. */
export type Evaluations = Map<string, Evaluation[]>;

/** The compiled JavaScript of an SQLX file with tags; and how far they move what follows them. */
export function tagTemplates(
  file: string,
  source: string,
  compiled: string,
): { code: string; insertions: Insertion[] } {
  const alignment = alignSqlx(parseSqlx(source), compiled);
  let code = "";
  let copied = 0;
  const insertions = (alignment?.templates ?? []).map((at, number): Insertion => {
    const tag = `${tagName}(${JSON.stringify(file)},${number})`;
    code += compiled.slice(copied, at) + tag;
    copied = at;
    return { at, length: tag.length };
  });
  return { code: code + compiled.slice(copied), insertions };
}

interface Insertion {
  /** Offset in the text without tags. */
  readonly at: number;
  readonly length: number;
}

/** The offset in the text without tags. */
export function untaggedOffset(insertions: readonly Insertion[], offset: number): number {
  let shift = 0;
  for (const { at, length } of insertions) {
    if (at + shift + length > offset) break;
    shift += length;
  }
  return offset - shift;
}

/** Defines the tag in this thread. */
export function installTag(evaluations: Evaluations): void {
  const seen = new Set<string>();
  const tag =
    (file: string, number: number) =>
    (literals: TemplateStringsArray, ...values: unknown[]): string => {
      let text = "";
      const lengths: number[] = [number];
      literals.forEach((literal: string | undefined, index) => {
        if (literal === undefined)
          throw new SyntaxError("Invalid escape sequence in the SQL; write \\\\ for a backslash");
        text += literal;
        if (index === values.length) return;
        const value = String(values[index]);
        lengths.push(value.length);
        text += value;
      });
      const key = `${file}\0${lengths.join()}`;
      if (!seen.has(key)) {
        seen.add(key);
        const known = evaluations.get(file);
        if (known) known.push(lengths);
        else evaluations.set(file, [lengths]);
      }
      return text;
    };
  Object.assign(globalThis, { [tagName]: tag });
}

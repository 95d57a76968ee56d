import { posix } from "node:path";
import picomatch from "picomatch";
import { AquiferError } from "../base/errors.js";
import type { Source } from "../project/source.js";
import { displayName, type RawFile } from "./discover-files.js";
import { recognizeParquet } from "./parquet-file.js";
import type { ParquetColumn } from "./parquet-query.js";
import { recognizeText, type Recognition, type TextShape } from "./recognize-text.js";
import { recognizeWorkbook } from "./workbook/recognize-workbook.js";
import type { SheetSummary } from "./workbook/sheet.js";

export interface Classification {
  readonly source: Source;
  readonly shape: TextShape;
  /** Why this source, for people and for the ledger. */
  readonly explanation: string;
}

/** The sources whose file patterns match a path below `raw/<system>/`. */
export function sourcesByName(sources: readonly Source[], path: string): Source[] {
  const name = posix.basename(path);
  return sources.filter(({ files }) =>
    files.some((pattern) =>
      pattern instanceof RegExp ? pattern.test(name) : picomatch.isMatch(path, pattern, { nocase: true }),
    ),
  );
}

/** The sources that may claim a file: those that know its name; where none does, those that know columns. */
export function candidateSources(sources: readonly Source[], path: string): Source[] {
  const named = sourcesByName(sources, path);
  return named.length > 0 ? named : sources.filter(({ recognize }) => recognize);
}

/** True when one of the sources could take this file: by its name, or by its columns where no name is known. */
export function concernsSource(wanted: readonly Source[], all: readonly Source[], path: string): boolean {
  if (sourcesByName(wanted, path).length > 0) return true;
  return wanted.some(({ recognize }) => recognize) && sourcesByName(all, path).length === 0;
}

/**
 * The one source that a file belongs to, by its name and its first lines or its schema.
 *
 * @param sources those of the file's system
 * @param path below `raw/<system>/`, with forward slashes
 * @param head the first bytes as UTF-8
 * @param own the columns of a Parquet file or the sheets of a workbook, when it is one
 * @throws AquiferError `unknown-file`, `wrong-columns` or `ambiguous-file`, saying what was looked for
 */
export function classifyFile(
  sources: readonly Source[],
  file: Pick<RawFile, "folder" | "path" | "matchPath">,
  head: Buffer,
  isWhole: boolean,
  own: { readonly parquet?: readonly ParquetColumn[]; readonly sheets?: readonly SheetSummary[] },
): Classification {
  const { parquet, sheets } = own;
  const recognize = (source: Source): Recognition => {
    if (sheets) return recognizeWorkbook(source, sheets);
    if (source.format === "parquet") return recognizeParquet(source, parquet);
    if (parquet) return { fits: false, explanation: `it is a Parquet file, not ${source.format}` };
    return recognizeText(source, head, isWhole);
  };
  const name = displayName(file);
  const named = sourcesByName(sources, file.matchPath);
  const tried = candidateSources(sources, file.matchPath).map((source) => ({ source, ...recognize(source) }));
  const fitting = tried.filter((each) => each.fits);
  const [only] = fitting;
  if (only === undefined && named.length === 0) throw unknownFile(name, sources, tried);
  const byName = (source: Source): string =>
    named.length > 0
      ? `name matches ${source.files.join(", ")}`
      : "no source knows its name, but its columns";
  const details = (fitting.length === 0 ? tried : fitting).map(
    ({ source, explanation }) => `${source.name}: ${byName(source)}; ${explanation}`,
  );
  if (only === undefined) {
    const others = sources.filter((source) => !named.includes(source) && recognize(source).fits);
    const [other] = others;
    const names = (each: readonly Source[]): string => each.map((source) => source.name).join(" or ");
    throw new AquiferError(
      other
        ? `${name} contradicts itself: its name says ${names(named)}, its columns say ${names(others)}`
        : `${name} does not have the columns that its name promises`,
      {
        code: "wrong-columns",
        details: [
          ...details,
          ...others.map(
            (source) => `its columns are those of ${source.name}, which looks for ${source.files.join(", ")}`,
          ),
        ],
        hint: "Correct the file or its name, or the columns of the source in ingest/.",
      },
    );
  }
  if (fitting.length > 1) {
    throw new AquiferError(`${name} matches ${fitting.length} sources`, {
      code: "ambiguous-file",
      details,
      hint: "Narrow the file patterns, so that one source matches.",
    });
  }
  const { source, shape, explanation } = only;
  return { source, shape, explanation: `${byName(source)}; ${explanation}` };
}

function unknownFile(
  name: string,
  sources: readonly Source[],
  tried: readonly { readonly source: Source; readonly explanation: string }[],
): AquiferError {
  return new AquiferError(`${name} matches no source`, {
    code: "unknown-file",
    details: sources.map((source) => {
      const byColumns = tried.find((each) => each.source === source)?.explanation;
      const looksFor = `${source.name} looks for ${source.files.join(", ")}`;
      return byColumns === undefined ? looksFor : `${looksFor}, or for its columns: ${byColumns}`;
    }),
    hint: "Rename or remove the file, or add its pattern to a source in ingest/.",
  });
}

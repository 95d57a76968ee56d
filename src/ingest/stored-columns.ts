import type { Source } from "../project/source.js";
import { rescuedColumn } from "../project/sources.js";
import type { HeaderMatch } from "./match-header.js";

type Fields = readonly (Buffer | null)[];

/** Which columns of the store a file's records fill. */
export interface StoredColumns {
  readonly names: readonly string[];
  /** From the fields of a record to the values of `names`; undefined where they are the same. */
  readonly convert: ((fields: Fields) => Fields) | undefined;
}

/** Applies the source's drift policy to the columns of a file. */
export function storedColumns(source: Source, header: HeaderMatch): StoredColumns {
  if ((source.drift !== "discard" && source.drift !== "rescue") || header.added.length === 0) {
    return { names: header.columns, convert: undefined };
  }
  const places = [...header.columns.keys()];
  const kept = places.filter((index) => header.found.includes(header.columns[index] ?? ""));
  const names = kept.map((index) => header.columns[index] ?? "");
  const pick = (fields: Fields): Fields => kept.map((index) => fields[index] ?? null);
  if (source.drift === "discard") return { names, convert: pick };
  const others = places.filter((index) => !kept.includes(index));
  const rescue = (fields: Fields): Buffer =>
    Buffer.from(
      JSON.stringify(
        Object.fromEntries(others.map((index) => [header.columns[index], fields[index]?.toString() ?? null])),
      ),
    );
  return { names: [...names, rescuedColumn.name], convert: (fields) => [...pick(fields), rescue(fields)] };
}

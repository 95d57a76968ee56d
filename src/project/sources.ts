import { AquiferError, exitCodes } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { exportsOfKind, loadModules } from "./load-modules.js";
import { namedColumns } from "./name-columns.js";
import type { KafkaOrigin } from "./kafka-source.js";
import type { Source } from "./source.js";

/** A column of a bronze relation. */
export interface BronzeColumn {
  readonly name: string;
  /** A type of PostgreSQL. */
  readonly type: string;
  readonly description: string;
}

/** What every bronze relation says about each row, after the source's own columns. */
export const originColumns: readonly BronzeColumn[] = [
  { name: "_file_id", type: "bigint", description: "The file's row in the ledger, ingest_file." },
  {
    name: "_row",
    type: "bigint",
    description: "1 for the first record after the header, rejected ones counted.",
  },
  { name: "_file_name", type: "text", description: "The file's path below raw/." },
  { name: "_file_hash", type: "text", description: "SHA-256 of the file's content." },
  { name: "_period", type: "date", description: "First day of the file's period." },
  { name: "_batch", type: "text", description: "The batch that loaded the file." },
  { name: "_loaded_at", type: "timestamptz", description: "When the batch became visible." },
];

/** The column that holds what is not declared, under the drift policy `rescue`. */
export const rescuedColumn: BronzeColumn = {
  name: "_rescued",
  type: "jsonb",
  description: "Undeclared columns of the file.",
};

/** The column that names the sheet of each row, of a source that chooses its sheets. */
export const sheetColumn: BronzeColumn = {
  name: "_sheet",
  type: "text",
  description: "The sheet of the workbook.",
};

/** The message of each row, of a source that reads a topic. A value that may be bytes is stored as bytes. */
export function messageColumns({ avro }: Pick<KafkaOrigin, "avro">): readonly BronzeColumn[] {
  return [
    { name: "_topic", type: "text", description: "The topic of the message." },
    { name: "_partition", type: "integer", description: "The partition of the message." },
    { name: "_offset", type: "bigint", description: "The message's place in its partition." },
    { name: "_timestamp", type: "timestamptz", description: "The message's own time." },
    { name: "_key", type: "text", description: "The message's key." },
    { name: "_value", type: avro ? "bytea" : "text", description: "The message's value as it came." },
  ];
}

/** The columns that a source has beside the declared ones and those of `originColumns`. */
export function extraColumns({
  drift,
  sheet,
  kafka,
}: Pick<Source, "drift" | "sheet" | "kafka">): BronzeColumn[] {
  return [
    ...(kafka === undefined ? [] : messageColumns(kafka)),
    ...(sheet === undefined ? [] : [sheetColumn]),
    ...(drift === "rescue" ? [rescuedColumn] : []),
  ];
}

/** The columns of `bronze.<table>` as a source declares them; drift may have added more at the end. */
export function bronzeColumns(source: Source): BronzeColumn[] {
  return [
    ...source.columns.map(({ name, description }) => ({ name, type: "text", description })),
    ...extraColumns(source),
    ...originColumns,
    ...namedColumns(source.nameColumns),
  ];
}

/**
 * The sources that a project's `ingest/*.ts` export.
 *
 * @throws AquiferError `duplicate-source` when two share a name or a table
 */
export async function loadSources(projectRoot: string): Promise<Source[]> {
  const found = exportsOfKind<Source>(await loadModules(projectRoot, ["ingest/*.ts"]), "source");
  for (const key of ["name", "table"] as const) {
    const seen = new Map<string, string>();
    for (const { file, value } of found) {
      const first = seen.get(value[key]);
      if (first !== undefined) {
        throw new AquiferError(`Two sources have the ${key} "${value[key]}"`, {
          code: "duplicate-source",
          location: { file },
          details: [`the other one is in ${first}`],
          hint: `Give one of them another ${key}.`,
        });
      }
      seen.set(value[key], file);
    }
  }
  return found.map(({ value }) => value).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The sources that the arguments of `ingest` name: a source, or a system for all of its sources. No arguments: all.
 *
 * @throws AquiferError `unknown-source`
 */
export function selectSources(sources: readonly Source[], names: readonly string[]): Source[] {
  if (names.length === 0) return [...sources];
  const known = new Set(sources.flatMap(({ name, system }) => [name, system]));
  for (const name of names) {
    if (known.has(name)) continue;
    const near = nearestName(name, known);
    throw new AquiferError(`No source or system is named "${name}"`, {
      code: "unknown-source",
      exitCode: exitCodes.usage,
      hint: near === undefined ? `Known: ${[...known].sort().join(", ")}.` : `Did you mean "${near}"?`,
    });
  }
  return sources.filter(({ name, system }) => names.includes(name) || names.includes(system));
}

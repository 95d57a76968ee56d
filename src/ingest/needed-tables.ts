import type { Source } from "../project/source.js";
import { extraColumns } from "../project/sources.js";
import type { BronzeTable } from "./bronze-tables.js";
import type { InspectedFile } from "./plan-file.js";
import type { Seed } from "./seeds.js";
import { storedColumns } from "./stored-columns.js";

/** The tables of bronze that sources and seeds need, with the columns that the files at hand bring along. */
export function neededTables(
  sources: readonly Source[],
  seeds: readonly Seed[],
  files: readonly InspectedFile[],
): BronzeTable[] {
  const ofSources = sources.map((source): BronzeTable => {
    const added = files
      .filter((file) => file.source === source && !file.unread)
      .flatMap(({ shape }) => storedColumns(source, shape.header).names)
      .filter((name) => ![...source.columns, ...extraColumns(source)].some((column) => column.name === name));
    return {
      name: source.table,
      source: source.name,
      description: source.description,
      columns: [
        ...source.columns.map(({ name, description }) => ({ name, type: "text", description })),
        ...extraColumns(source),
        ...[...new Set(added)].map((name) => ({ name, type: "text", description: "" })),
      ],
      nameGroups: source.nameColumns.groups,
    };
  });
  return [...ofSources, ...seeds.map((seed) => seed.table)];
}

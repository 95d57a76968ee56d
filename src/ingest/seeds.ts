import { AquiferError } from "../base/errors.js";
import { quoteIdentifier } from "../base/identifiers.js";
import { snakeCase } from "../base/snake-case.js";
import { seedColumns, type SeedColumn } from "../project/seeds.js";
import type { Source } from "../project/source.js";
import type { Queryable } from "../warehouse/warehouse.js";
import type { BronzeTable } from "./bronze-tables.js";
import { discoverFiles, displayName, type RawFile } from "./discover-files.js";
import type { LoadedRows } from "./load-file.js";
import { readHead } from "./open-text.js";
import { rowsOf } from "./own-tables.js";
import { recordFields } from "./record-fields.js";
import { RecordScanner } from "./record-scanner.js";

/** A small reference table kept as `seeds/<name>.csv`, loaded into `bronze.<name>` with the types that its header names. */
export interface Seed {
  readonly file: RawFile;
  readonly source: Source;
  readonly table: BronzeTable;
  readonly columns: readonly SeedColumn[];
}

const comma = 44;
const headBytes = 64 * 1024;
const shownProblems = 5;

/**
 * The seeds of a project, by the headers of their files.
 *
 * @param sources those whose tables are taken
 */
export async function readSeeds(projectRoot: string, sources: readonly Source[] = []): Promise<Seed[]> {
  const files = await discoverFiles(projectRoot, "seeds");
  const seeds = await Promise.all(files.filter(({ path }) => path.endsWith(".csv")).map(readSeed));
  for (const { file, table } of seeds) {
    const taken = sources.find((source) => source.table === table.name);
    if (taken) {
      throw new AquiferError(
        `${displayName(file)} would fill bronze.${table.name}, the table of ${taken.name}`,
        {
          code: "bad-seed",
          hint: "Rename one of them.",
        },
      );
    }
  }
  return seeds;
}

async function readSeed(file: RawFile): Promise<Seed> {
  const name = displayName(file);
  const table = file.path.replace(/\.csv$/, "");
  if (snakeCase(table) !== table) {
    throw new AquiferError(`${name} does not name a table in lower snake case`, {
      code: "bad-seed",
      hint: `Rename it to ${snakeCase(table)}.csv.`,
    });
  }
  const cells = headerCells(await readHead(file, headBytes));
  const columns = seedColumns(name, cells);
  const source: Source = {
    kind: "source",
    name: `seed/${table}`,
    system: "seed",
    description: `Reference table of ${name}.`,
    table,
    files: [file.path],
    database: undefined,
    kafka: undefined,
    recognize: undefined,
    nameColumns: { patterns: [], groups: [] },
    format: "delimited",
    columns: columns.map((column, index) => ({
      name: column.name,
      headers: [snakeCase(cells[index] ?? column.name)],
      headerPatterns: [],
      optional: false,
      description: "",
      checks: {},
    })),
    header: "required",
    delimiter: ",",
    sheet: undefined,
    at: undefined,
    period: undefined,
    expected: false,
    key: [],
    reload: "snapshot",
    drift: "freeze",
    footer: undefined,
    maxRejected: 0,
    freshness: {},
  };
  const typed = columns.map((column) => ({ name: column.name, type: column.type, description: "" }));
  return {
    file,
    source,
    columns,
    table: {
      name: table,
      source: source.name,
      description: source.description,
      columns: typed,
      nameGroups: [],
    },
  };
}

function headerCells(head: Buffer): string[] {
  let cells: string[] | undefined;
  const scanner = new RecordScanner({ delimiter: comma, crOnly: false }, (buffer, start, end) => {
    cells ??= recordFields(buffer.subarray(start, end), comma).map((field) => (field ?? "").toString());
  });
  scanner.push(head.subarray(head.indexOf("\uFEFF") === 0 ? 3 : 0));
  scanner.end();
  return cells ?? [];
}

/**
 * Judges the stored rows of a seed before they become visible.
 *
 * @throws AquiferError `bad-seed` with the rows that are empty where they must not, or share a key
 */
export async function checkSeed(
  session: Queryable,
  seed: Seed,
  fileId: string,
  loaded: LoadedRows,
): Promise<void> {
  const stored = `${rowsOf(seed.table.name, fileId, loaded.own)} as stored`;
  const problems: string[] = [];
  for (const { name } of seed.columns.filter(({ required }) => required)) {
    const { rows } = await session.query<{ row: string }>(
      `select _row as row from ${stored} where ${quoteIdentifier(name)} is null order by _row limit ${shownProblems}`,
    );
    problems.push(...rows.map(({ row }) => `row ${row}: ${name} is empty`));
  }
  const key = seed.columns.filter((column) => column.key).map(({ name }) => quoteIdentifier(name));
  if (key.length > 0) {
    const { rows } = await session.query<{ key: string; numbers: string }>(
      `select concat_ws(', ', ${key.join(", ")}) as key, array_to_string((array_agg(_row order by _row))[:${shownProblems}], ' and ') as numbers
       from ${stored} group by ${key.join(", ")} having count(*) > 1 order by min(_row) limit ${shownProblems}`,
    );
    problems.push(...rows.map((row) => `rows ${row.numbers} share the key ${row.key}`));
  }
  if (problems.length > 0) {
    throw new AquiferError(`${displayName(seed.file)} breaks its own rules`, {
      code: "bad-seed",
      details: problems,
      hint: "Correct the file: nothing was loaded.",
    });
  }
}

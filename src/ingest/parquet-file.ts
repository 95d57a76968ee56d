import { createHash } from "node:crypto";
import { AquiferError } from "../base/errors.js";
import type { Source } from "../project/source.js";
import { displayName, type RawFile } from "./discover-files.js";
import { openDuckDb, parquetError, textRows, type DuckDb } from "./duckdb.js";
import type { TextInspection } from "./inspect-text.js";
import { keptRawBytes } from "./inspect-records.js";
import type { LocatedRow } from "./locate-rows.js";
import { describeMatch, matchHeader } from "./match-header.js";
import { PeriodCounter } from "./period-counter.js";
import { parquetRows, readParquet, rowAsJson, textOf, type ParquetColumn } from "./parquet-query.js";
import type { Recognition, TextShape } from "./recognize-text.js";
import { readContent } from "./unpack.js";
import { nothingProven } from "./value-proof.js";

/** True when the first bytes are those of a Parquet file. */
export function beginsAsParquet(head: Buffer): boolean {
  return head.subarray(0, 4).toString("latin1") === "PAR1";
}

/**
 * The columns of a Parquet file, by its own schema.
 *
 * @throws AquiferError `bad-parquet`, `packed-parquet`
 */
export async function parquetColumns(file: RawFile): Promise<ParquetColumn[]> {
  if (file.packing !== undefined) {
    throw new AquiferError(`${displayName(file)} is a Parquet file inside an archive`, {
      code: "packed-parquet",
      hint: "Unpack it: Parquet is compressed in itself.",
    });
  }
  const rows = await askParquet(file, ({ connection }) =>
    textRows(
      connection,
      `select column_name, column_type from (describe from ${readParquet(file.fullPath)})`,
    ),
  );
  return rows.map(([name, type]) => ({ name: name ?? "", type: type ?? "" }));
}

/** Whether the columns of a file are those of a source; `columns` is undefined when it is no Parquet file. */
export function recognizeParquet(source: Source, columns: readonly ParquetColumn[] | undefined): Recognition {
  if (columns === undefined)
    return { fits: false, explanation: "it does not begin as a Parquet file (PAR1)" };
  const header = matchHeader(
    source,
    columns.map(({ name }) => name),
  );
  if (header.missing.length > 0) {
    const has = header.cells.map((cell) => JSON.stringify(cell)).join(", ");
    return { fits: false, explanation: `its schema lacks ${header.missing.join(", ")}; it has ${has}` };
  }
  const shape: TextShape = {
    format: "parquet",
    delimiter: 44,
    crOnly: false,
    headerLine: 0,
    header,
    types: columns.map(({ type }) => type),
  };
  return { fits: true, shape, explanation: `Parquet schema: ${describeMatch(header)}` };
}

/**
 * Reads a Parquet file once: hash, rows, periods. Every column is read, so that a broken page shows before anything is
 * written.
 *
 * @param onBytes told of the bytes read, for progress
 * @throws AquiferError `bad-parquet`
 */
export async function inspectParquet(
  file: RawFile,
  shape: TextShape,
  source: Pick<Source, "period">,
  onBytes: (bytes: number) => void,
): Promise<TextInspection> {
  const hash = createHash("sha256");
  for await (const chunk of readContent(file, displayName(file))) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  const types = shape.types ?? [];
  const scans = types.map((type, index) =>
    type === "VARCHAR"
      ? `sum(length(c${index}) - length(replace(c${index}, chr(0), '')))`
      : `count(c${index})`,
  );
  const rows = parquetRows(file.fullPath, types.length);
  return askParquet(file, async (database) => {
    const [counts = []] = await textRows(
      database.connection,
      `select ${["count(*)", ...scans].map((each) => `(${each})::varchar`).join(", ")} from ${rows}`,
    );
    const nulBytes = types.map((type, index) => (type === "VARCHAR" ? Number(counts[index + 1]) : 0));
    return {
      hash: hash.digest("hex"),
      bytes: file.bytes,
      encoding: "utf-8",
      encodingEvidence: undefined,
      rows: Number(counts[0]),
      footerRows: 0,
      rejected: 0,
      firstRejects: [],
      irregular: 0,
      keys: [],
      periods: await countPeriods(database, source, shape, rows),
      nulBytes: nulBytes.reduce((sum, count) => sum + count, 0),
      checkpoints: [],
      verbatim: undefined,
      proven: nothingProven,
    };
  });
}

/** The values of the period's columns come chunk by chunk. */
async function countPeriods(
  { connection }: DuckDb,
  { period }: Pick<Source, "period">,
  shape: TextShape,
  rows: string,
): Promise<readonly ReadonlyMap<string, number>[]> {
  const counter = new PeriodCounter(period, shape.header.columns);
  for (const [column, place] of counter.places.entries()) {
    if (place < 0) continue;
    const result = await connection.stream(
      `select ${textOf(`c${place}`, shape.types?.[place] ?? "")} from ${rows}`,
    );
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      for (const value of chunk.getColumnValues(0)) {
        if (typeof value === "string") counter.add(column, value, 1);
      }
    }
  }
  return counter.counts;
}

/** Rows of a Parquet file as JSON, for rejects. A file without lines has its row numbers in their place. */
export async function locateParquetRows(
  file: RawFile,
  shape: TextShape,
  wanted: ReadonlySet<number>,
): Promise<ReadonlyMap<number, LocatedRow>> {
  const types = shape.types ?? [];
  const query = `
select row::varchar, left(${rowAsJson(shape.header, types)}, ${keptRawBytes})
from (select row_number() over () as row, * from ${parquetRows(file.fullPath, types.length)})
where row in (${[...wanted].join(", ")})`;
  const rows = await askParquet(file, ({ connection }) => textRows(connection, query));
  return new Map(rows.map(([row, raw]) => [Number(row), { line: Number(row), raw: raw ?? "" }]));
}

async function askParquet<T>(file: RawFile, body: (database: DuckDb) => Promise<T>): Promise<T> {
  const database = await openDuckDb();
  try {
    return await body(database);
  } catch (thrown) {
    throw parquetError(displayName(file), thrown);
  } finally {
    database.close();
  }
}

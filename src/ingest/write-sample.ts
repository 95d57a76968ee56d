import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AquiferError, asError } from "../base/errors.js";
import type { SampleFile, SampleItem } from "../project/sample.js";
import { openDuckDb } from "./duckdb.js";
import { joinedPieces } from "./joined-pieces.js";
import { workbookBytes } from "./write-workbook.js";

export interface SampleWriting {
  /** The project's folder. */
  readonly root: string;
  readonly system: string;
  readonly item: SampleItem;
  readonly signal: AbortSignal;
  /** Told of the bytes written so far, where they come piece by piece. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Writes what a generator made; the bytes written. Files are written aside and renamed, so that an interrupted command
 * leaves no half file to be ingested.
 *
 * @throws AquiferError `bad-sample`
 */
export async function writeSample(writing: SampleWriting): Promise<number> {
  const { system, item } = writing;
  const folder = resolve(writing.root, "raw", system);
  const path = resolve(folder, item.path);
  if (!path.startsWith(folder + sep)) {
    throw new AquiferError(`The sample of ${system} wants to write to ${item.path}`, {
      code: "bad-sample",
      hint: "Paths lie below raw/<system>/.",
    });
  }
  await mkdir(dirname(path), { recursive: true });
  // Hidden, so no file of a source while it grows.
  const partial = join(dirname(path), `.${process.pid}.partial`);
  try {
    if ("query" in item) await writeParquet(item.query, partial, writing);
    else if ("sheets" in item)
      await writeFile(partial, await workbookBytes(item.sheets, /\.xls$/i.test(item.path) ? "xls" : "xlsx"));
    else await writePieces(item, partial, writing);
    const { size } = await stat(partial);
    await rename(partial, path);
    return size;
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
}

async function writePieces({ content }: SampleFile, path: string, writing: SampleWriting): Promise<void> {
  let bytes = 0;
  function* counted(): Generator<Buffer> {
    for (const block of joinedPieces(content)) {
      bytes += block.length;
      writing.onBytes(bytes);
      yield block;
    }
  }
  const blocks = Readable.from(counted(), { objectMode: true, highWaterMark: 4 });
  await pipeline(blocks, createWriteStream(path), { signal: writing.signal });
}

/** Rows go from DuckDB to the file without becoming values of JavaScript. */
async function writeParquet(
  query: string,
  path: string,
  { system, item, signal }: SampleWriting,
): Promise<void> {
  signal.throwIfAborted();
  const database = await openDuckDb();
  const stop = (): void => database.connection.interrupt();
  signal.addEventListener("abort", stop);
  try {
    const target = `'${path.replaceAll("'", "''")}'`;
    await database.connection.run(`copy (${query}) to ${target} (format parquet, compression zstd)`);
  } catch (thrown) {
    signal.throwIfAborted();
    throw new AquiferError(`The sample of ${system} cannot make ${item.path}: ${asError(thrown).message}`, {
      code: "bad-sample",
      hint: "Correct its query: DuckDB runs it.",
      cause: thrown,
    });
  } finally {
    signal.removeEventListener("abort", stop);
    database.close();
  }
}

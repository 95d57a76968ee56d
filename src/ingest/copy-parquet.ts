import { execFile } from "node:child_process";
import { closeSync, constants, createReadStream, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { asError } from "../base/errors.js";
import { displayName } from "./discover-files.js";
import { openDuckDb, parquetError } from "./duckdb.js";
import { parquetRows, storedTexts } from "./parquet-query.js";
import type { InspectedFile } from "./plan-file.js";

/**
 * The rows of a Parquet file as `copy (_file_id, _row, ...) from stdin (format csv)` takes them. DuckDB writes the text into
 * a named pipe, so that no row becomes a value of JavaScript and DuckDB waits when PostgreSQL does; where there are none, into a
 * file that is removed afterwards.
 *
 * Whoever stops early waits for `return()`: then DuckDB has ended and nothing is left behind.
 *
 * @param onShare told how much of the file is done, from 0 to 1
 * @throws AquiferError `bad-parquet`
 */
export async function* copyParquet(
  { file, source, shape }: Pick<InspectedFile, "file" | "source" | "shape">,
  fileId: string,
  signal: AbortSignal,
  onShare: (share: number) => void,
): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  const types = shape.types ?? [];
  const folder = await mkdtemp(join(tmpdir(), "aquifer-parquet-"));
  const path = join(folder, "rows.csv");
  const target = `'${path.replaceAll("'", "''")}' (format csv, header false, use_tmp_file false)`;
  const texts = storedTexts(source, shape.header, types);
  const rows = parquetRows(file.fullPath, types.length);
  const query = `copy (select ${[fileId, "row_number() over ()", ...texts].join(", ")} from ${rows}) to ${target}`;
  try {
    const pipe = process.platform === "win32" ? undefined : await openPipe(path);
    const database = await openDuckDb();
    const writing = database.connection
      .run(query)
      .then(() => undefined, asError)
      .finally(() => pipe?.closeWriter());
    const stop = (): void => {
      database.connection.interrupt();
      pipe?.reader.destroy();
    };
    signal.addEventListener("abort", stop);
    try {
      const failure = pipe ? undefined : await writing;
      if (failure) throw failure;
      let isFirst = true;
      for await (const chunk of pipe?.reader ?? createReadStream(path)) {
        // Both ends are open now: without its name the pipe cannot outlive this process.
        if (isFirst && pipe) await rm(folder, { recursive: true });
        isFirst = false;
        onShare(Math.max(0, database.connection.progress.percentage) / 100);
        yield chunk as Buffer;
      }
      const end = await writing;
      if (end) throw end;
    } catch (thrown) {
      signal.throwIfAborted();
      throw parquetError(displayName(file), thrown);
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
      await writing;
      database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Pipe {
  readonly reader: Socket;
  /** Then the reader ends when every other writer has gone. */
  closeWriter(): void;
}

/**
 * A named pipe with both ends held: neither side blocks by being the first, or for ever because the other never came;
 * undefined where there is no `mkfifo`, which Node lacks.
 */
async function openPipe(path: string): Promise<Pipe | undefined> {
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", path]);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  return {
    reader: new Socket({ fd, readable: true, writable: false }),
    closeWriter: () => closeSync(writer),
  };
}

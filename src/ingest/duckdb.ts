import type { DuckDBConnection } from "@duckdb/node-api";
import { AquiferError, asError } from "../base/errors.js";

/** A DuckDB of its own in this process, without files: what cannot be done in its memory fails. */
export interface DuckDb {
  readonly connection: DuckDBConnection;
  close(): void;
}

const settings = {
  memory_limit: "256MB",
  threads: "2",
  temp_directory: "",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  TimeZone: "UTC",
  enable_progress_bar: "true",
  enable_progress_bar_print: "false",
};

/** Opens a DuckDB; its library is loaded by the first who asks, since most commands never do. */
export async function openDuckDb(): Promise<DuckDb> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const close = (): void => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    for (const [name, value] of Object.entries(settings)) await connection.run(`set ${name} = '${value}'`);
  } catch (thrown) {
    close();
    throw thrown;
  }
  return { connection, close };
}

/** The values of a query's rows as text. For few rows: each becomes a value of JavaScript. */
export async function textRows(connection: DuckDBConnection, query: string): Promise<(string | null)[][]> {
  const reader = await connection.runAndReadAll(query);
  return reader.getRowsJS().map((row) => row.map((value) => (typeof value === "string" ? value : null)));
}

/** What DuckDB says of a Parquet file, as an error of the file. */
export function parquetError(shown: string, thrown: unknown): AquiferError {
  const [message = ""] = asError(thrown).message.split("\n");
  const isMemory = message.startsWith("Out of Memory");
  return new AquiferError(
    `${shown} cannot be read as Parquet: ${message.replace(/^[A-Z][A-Za-z ]* Error: /, "")}`,
    {
      code: "bad-parquet",
      cause: thrown,
      hint: isMemory ? "Write it with smaller row groups." : "Copy it again: it may not have arrived whole.",
    },
  );
}

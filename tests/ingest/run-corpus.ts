import { expect } from "vitest";
import { AquiferError, describeError } from "../../src/base/errors.js";
import { originColumns } from "../../src/project/sources.js";
import type { TestDatabase } from "../support/database.js";
import { sourceOf, type CorpusEntry } from "./corpus.js";
import { ingestProject } from "./support.js";

const own = new Set(originColumns.map(({ name }) => name));

/**
 * Ingests the file of an entry and compares what is there afterwards with what the entry says.
 *
 * @param name of the source, which keeps the tables of entries apart
 */
export async function runEntry(entry: CorpusEntry, name: string, database: TestDatabase): Promise<void> {
  const source = sourceOf(entry, name);
  const files = { [`raw/shop/${entry.name ?? "x.csv"}`]: entry.content };
  const project = await ingestProject([source], files, database);
  if ("error" in entry.expected) {
    const thrown: unknown = await project.ingest().catch((error: unknown) => error);
    if (!(thrown instanceof AquiferError)) throw new Error("expected an AquiferError", { cause: thrown });
    expect([thrown.code, describeError(thrown)]).toEqual([
      entry.expected.error,
      expect.stringContaining(entry.expected.words),
    ]);
    const [[table] = []] = await project.rows(`select to_regclass('bronze_store.${source.table}')`);
    if (table !== null) expect(await project.rows(`select * from bronze_store.${source.table}`)).toEqual([]);
    return;
  }
  await project.ingest();
  const { rows } = await database.warehouse.query<Record<string, string | null>>(
    `select * from bronze.${source.table} order by _file_id, _row`,
  );
  const values = rows.map((row) =>
    Object.entries(row).flatMap(([column, value]) => (own.has(column) ? [] : [value])),
  );
  expect(values).toEqual(entry.expected);
  if (!entry.ledger) return;
  const ledger = await database.warehouse.query("select * from aquifer.ingest_file where source = $1", [
    name,
  ]);
  expect(ledger.rows).toMatchObject([entry.ledger]);
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ingest, type IngestResult } from "../../src/ingest/ingest.js";
import { writeSample } from "../../src/ingest/write-sample.js";
import type { Sample, SampleItem, SampleRequest } from "../../src/project/sample.js";
import { loadSources } from "../../src/project/sources.js";
import { freshDatabase } from "./database.js";

/** A folder with those of a sample's files whose path below `raw/<system>/` is wanted; removed when the test ends. */
export async function sampleFolder<Item extends SampleItem>(
  sample: Sample<Item>,
  request: SampleRequest,
  wanted: (path: string) => boolean = () => true,
): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), `aquifer-${sample.name}-`));
  onTestFinished(() => rmSync(root, { recursive: true }));
  await writeFiles(root, sample, request, wanted);
  return root;
}

/** Writes those of a sample's files whose path below `raw/<system>/` is wanted. */
export async function writeFiles<Item extends SampleItem>(
  root: string,
  sample: Sample<Item>,
  request: SampleRequest,
  wanted: (path: string) => boolean = () => true,
): Promise<void> {
  const signal = new AbortController().signal;
  for (const item of sample.files(request)) {
    if (wanted(item.path))
      await writeSample({ root, system: sample.name, item, signal, onBytes: () => undefined });
  }
}

/** Ingest of a folder, and the database that it loads. */
export interface SampleLoader {
  readonly ingest: () => Promise<IngestResult>;
  /** Rows of a query as arrays of values. */
  readonly rows: (sql: string) => Promise<unknown[][]>;
}

/** Loads what lies in a folder with the repository's sources of the system, those of databases apart, into a fresh database. */
export async function sampleLoader(root: string, system: string): Promise<SampleLoader> {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const sources = (await loadSources(process.cwd())).filter(
    (source) => source.system === system && !source.database,
  );
  return {
    ingest: () =>
      ingest({
        projectRoot: root,
        warehouse: database.warehouse,
        sources,
        selected: sources,
        version: "test",
        now: () => new Date(2026, 3, 1, 12),
        elapsed: () => performance.now(),
        signal: new AbortController().signal,
      }),
    rows: async (sql) => {
      const { rows } = await database.warehouse.query<Record<string, unknown>>(sql);
      return rows.map((row) => Object.values(row));
    },
  };
}

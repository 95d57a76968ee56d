import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { utility } from "../../ingest/samples/utility.js";
import { ingest } from "../../src/ingest/ingest.js";
import { writeSample } from "../../src/ingest/write-sample.js";
import { loadSources } from "../../src/project/sources.js";
import { freshDatabase } from "../support/database.js";

export const request = { customers: 240, months: 2, seed: 11 };

/** A folder with the sample's files; removed when the test ends. */
export async function sampleFolder(wanted: (path: string) => boolean, asked = request): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-utility-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  await writeFiles(root, wanted, asked);
  return root;
}

/** Writes the files of the sample whose path below raw/utility/ is wanted. */
export async function writeFiles(
  root: string,
  wanted: (path: string) => boolean,
  asked = request,
): Promise<void> {
  const signal = new AbortController().signal;
  for (const item of utility.files(asked)) {
    if (wanted(item.path))
      await writeSample({ root, system: "utility", item, signal, onBytes: () => undefined });
  }
}

/** Loads what lies in a folder with the repository's sources of the system. */
export async function loader(root: string) {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const sources = (await loadSources(process.cwd())).filter(
    ({ system, database: origin }) => system === "utility" && !origin,
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
    rows: async (sql: string): Promise<unknown[][]> => {
      const { rows } = await database.warehouse.query<Record<string, unknown>>(sql);
      return rows.map((row) => Object.values(row));
    },
  };
}

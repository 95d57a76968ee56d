import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { ingest, type IngestOptions, type IngestResult } from "../../src/ingest/ingest.js";
import type { Source } from "../../src/project/source.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";

/** A project folder and, unless one is shared, a database of their own for one test. */
export interface IngestProject {
  readonly root: string;
  readonly database: TestDatabase;
  write(path: string, content: string | Uint8Array): Promise<void>;
  ingest(options?: Partial<IngestOptions>): Promise<IngestResult>;
  /** Rows of a query as arrays of text. */
  rows(sql: string): Promise<unknown[][]>;
}

export async function ingestProject(
  sources: readonly Source[],
  files: Readonly<Record<string, string | Uint8Array>> = {},
  shared?: TestDatabase,
): Promise<IngestProject> {
  const database = shared ?? (await freshDatabase());
  const root = await mkdtemp(join(tmpdir(), "aquifer-ingest-"));
  onTestFinished(async () => {
    if (!shared) await database.drop();
    await rm(root, { recursive: true });
  });
  const project: IngestProject = {
    root,
    database,
    async write(path, content) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    },
    ingest: (options) =>
      ingest({
        projectRoot: root,
        warehouse: database.warehouse,
        sources,
        selected: sources,
        version: "test",
        now: () => new Date(2026, 0, 15, 12),
        elapsed: () => performance.now(),
        signal: new AbortController().signal,
        ...options,
      }),
    async rows(sql) {
      const { rows } = await database.warehouse.query<Record<string, unknown>>(sql);
      return rows.map((row) => Object.values(row));
    },
  };
  for (const [path, content] of Object.entries(files)) await project.write(path, content);
  return project;
}

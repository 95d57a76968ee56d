import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/effects.js";
import { AquiferError, asError } from "../base/errors.js";
import { readRelationVersions } from "../history/relation-versions.js";
import type { ReportRelations } from "../project/report-relations.js";
import { refsOf } from "../project/report-sql.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { bundleScripts } from "./bundle-scripts.js";
import { dataVersion } from "./data-version.js";
import { feedOf, type Feed } from "./feed.js";
import { readFreshness } from "./freshness.js";
import { indexPage } from "./index-page.js";
import type { LoadedReport } from "./load-reports.js";
import { reportPage } from "./page.js";
import { readReport } from "./read-queries.js";
import { composeBody } from "./view/view.js";
import { writeWhole } from "../base/write-whole.js";

export interface BuildOptions {
  readonly projectRoot: string;
  /** Where the pages go: `build/reports`. */
  readonly outputFolder: string;
  readonly warehouse: Warehouse;
  /** All reports of the project, for the index. */
  readonly all: readonly LoadedReport[];
  readonly selected: readonly LoadedReport[];
  readonly relationOf?: ReportRelations;
  readonly historySchema: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Told as each report is done. */
  readonly onResult?: (result: BuildResult) => void;
}

export type BuildResult = {
  readonly loaded: LoadedReport;
  readonly milliseconds: number;
} & (
  | { readonly status: "written"; readonly path: string; readonly bytes: number; readonly rows: number }
  | { readonly status: "failed"; readonly error: AquiferError }
);

/**
 * Builds the selected reports and the index. A report that fails leaves its last good page as it is and does not keep
 * the others from being built.
 */
export async function buildReports(options: BuildOptions): Promise<BuildResult[]> {
  const { selected, clock } = options;
  const started = clock.elapsed();
  const scripts =
    selected.length === 0
      ? new Map<string, string | AquiferError>()
      : await bundleScripts(
          options.projectRoot,
          selected.map(({ file }) => file),
        );
  const results: BuildResult[] = [];
  const waiting = [...selected];
  const work = async (): Promise<void> => {
    for (let loaded = waiting.shift(); loaded !== undefined; loaded = waiting.shift()) {
      const result = await buildOne(loaded, scripts.get(loaded.file) ?? "", options, started);
      results.push(result);
      options.onResult?.(result);
    }
  };
  // While one report waits for the server, another is drawn.
  await Promise.all(Array.from({ length: Math.min(4, options.warehouse.maxSessions) }, work));
  if (results.some(({ status }) => status === "written")) await writeIndex(options, results);
  return selected.flatMap((loaded) => results.filter((result) => result.loaded === loaded));
}

async function buildOne(
  loaded: LoadedReport,
  script: string | AquiferError,
  options: BuildOptions,
  started: number,
): Promise<BuildResult> {
  const { clock, warehouse, signal } = options;
  const milliseconds = (): number => clock.elapsed() - started;
  try {
    signal?.throwIfAborted();
    if (typeof script !== "string") throw script;
    const relationOf = options.relationOf ?? (({ schema, name }) => ({ schema, name }));
    // Before the rows: what is built in between makes the page out of date rather than seem new.
    const versions = await readRelationVersions(warehouse, options.historySchema);
    const read = await readReport(warehouse, loaded, {
      relationOf,
      now: () => clock.now(),
      ...(signal ? { signal } : {}),
    });
    const relations = Object.values(loaded.report.data).flatMap((query) => refsOf(query.sql).map(relationOf));
    const freshness = await readFreshness(warehouse, relations, options.historySchema, read.readAt);
    const page = drawn(loaded, () => reportPage({ loaded, read, freshness, script, builtAt: clock.now() }));
    const version = dataVersion(loaded, relationOf, versions);
    const feed = feedOf(loaded, composeBody(loaded.report, read.rows), freshness, version);
    const path = join(options.outputFolder, `${loaded.name}.html`);
    await writeWhole(path, page);
    await writeWhole(feedPath(options, loaded.name), `${JSON.stringify(feed, null, 2)}\n`);
    const rows = Object.values(read.rows).reduce((sum, each) => sum + each.length, 0);
    return {
      loaded,
      status: "written",
      path,
      bytes: Buffer.byteLength(page),
      rows,
      milliseconds: milliseconds(),
    };
  } catch (thrown) {
    if (signal?.aborted === true) {
      throw new AquiferError("Interrupted: the report that was being built keeps its last page", {
        code: "interrupted",
        exitCode: 130,
      });
    }
    // Without a connection no report can be built: that is said once, not per report.
    if (!(thrown instanceof AquiferError) || (thrown instanceof WarehouseError && thrown.isConnectionLoss))
      throw thrown;
    return { loaded, status: "failed", error: thrown, milliseconds: milliseconds() };
  }
}

/** What a report's own code throws is the report's error, not a defect of ours. */
function drawn(loaded: LoadedReport, draw: () => string): string {
  try {
    return draw();
  } catch (thrown) {
    if (thrown instanceof AquiferError) throw thrown;
    const error = asError(thrown);
    // Node maps the frames of loaded files back to their source.
    const [, line, column] = (error.stack ?? "").split(loaded.file)[1]?.match(/^:(\d+):(\d+)/) ?? [];
    throw new AquiferError(`the report's body failed: ${error.message}`, {
      code: "bad-report",
      location: { file: loaded.file, ...(line ? { line: Number(line), column: Number(column) } : {}) },
      cause: error,
    });
  }
}

async function writeIndex(options: BuildOptions, results: readonly BuildResult[]): Promise<void> {
  const entries = await Promise.all(
    options.all.map(async (loaded) => {
      const text = await readFile(feedPath(options, loaded.name), "utf8").catch(() => undefined);
      return {
        name: loaded.name,
        title: loaded.report.title,
        description: loaded.report.description,
        feed: text === undefined ? undefined : (JSON.parse(text) as Feed),
        failed: results.some((result) => result.loaded === loaded && result.status === "failed"),
      };
    }),
  );
  await writeWhole(join(options.outputFolder, "index.html"), indexPage(entries, options.clock.now()));
}

/** Where the feed of a report lies. */
export function feedPath({ outputFolder }: Pick<BuildOptions, "outputFolder">, name: string): string {
  return join(outputFolder, "api", `${name}.json`);
}

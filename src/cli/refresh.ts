import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { exitCodes } from "../base/errors.js";
import { lastSuccesses } from "../history/run-query.js";
import { loadConfig } from "../project/config.js";
import { refsOf } from "../project/report-sql.js";
import { findProject } from "../project/find-project.js";
import { loadReports, type LoadedReport } from "../report/load-reports.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { runIngest } from "./ingest.js";
import { buildProjectReports } from "./report.js";
import { run } from "./run.js";

export const refreshCommand: CommandFactory = (context) =>
  addConnectionOptions(
    new Command("refresh").description(
      "Load what is new, run what it or changed code touches, rebuild the reports that read it.",
    ),
  )
    .addHelpText("after", "\nExample:\n  $ dataform refresh")
    .action((values: ConnectionOptions) => refresh(context, values));

async function refresh(context: CommandContext, values: ConnectionOptions): Promise<void> {
  const { root } = findProject(context.cwd);
  await runIngest(context, [], values);
  const { exitCode } = await run(context, root, values, { command: "refresh", onlyModified: true });
  if (exitCode !== exitCodes.success) {
    context.setExitCode(exitCode);
    return;
  }
  const built = await lastBuilt(context, root, values);
  const touched = (await loadReports(root)).filter((report) => isStale(root, report, built));
  if (touched.length === 0) {
    context.effects.stdout.write("Reports are up to date.\n");
    return;
  }
  await buildProjectReports(
    context,
    touched.map(({ name }) => name),
    values,
  );
}

/** True when a page is absent, or older than its file or than the last build of something it reads. */
function isStale(root: string, report: LoadedReport, built: ReadonlyMap<string, Date>): boolean {
  const page = join(root, "build", "reports", `${report.name}.html`);
  if (!existsSync(page)) return true;
  const writtenAt = statSync(page).mtime;
  if (statSync(join(root, report.file)).mtime > writtenAt) return true;
  return reads(report).some((relation) => (built.get(relation) ?? writtenAt) > writtenAt);
}

/** When each relation was last built, whichever command did it. */
async function lastBuilt(
  context: CommandContext,
  root: string,
  values: ConnectionOptions,
): Promise<ReadonlyMap<string, Date>> {
  const { historySchema } = await loadConfig(root);
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 1, purpose: "read" });
  try {
    return await lastSuccesses(warehouse, historySchema);
  } finally {
    await warehouse.close();
  }
}

/** The relations that a report reads, by `schema.name`. */
function reads(report: LoadedReport): string[] {
  return Object.values(report.report.data).flatMap((query) =>
    refsOf(query.sql).map(({ schema, name }) => `${schema}.${name}`),
  );
}

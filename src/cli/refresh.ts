import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { exitCodes } from "../base/errors.js";
import { readRelationVersions } from "../history/relation-versions.js";
import { loadConfig } from "../project/config.js";
import { readReportRelations } from "../project/report-relations.js";
import { feedPath } from "../report/build-reports.js";
import { dataVersion } from "../report/data-version.js";
import type { Feed } from "../report/feed.js";
import { findProject } from "../project/find-project.js";
import { loadReports, type LoadedReport } from "../report/load-reports.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { runIngest } from "./ingest.js";
import { buildProjectReports, outputOf } from "./report.js";
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
  const isCurrent = await currentVersions(context, root, values);
  const touched = (await loadReports(root)).filter((report) => !isCurrent(report));
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

/** Tells whether a page is there, newer than its file, and made from what the warehouse holds now. */
async function currentVersions(
  context: CommandContext,
  root: string,
  values: ConnectionOptions,
): Promise<(report: LoadedReport) => boolean> {
  const { historySchema } = await loadConfig(root);
  const relationOf = await readReportRelations(root, context.effects.signal);
  const outputFolder = outputOf(root);
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 1, purpose: "read" });
  try {
    const versions = await readRelationVersions(warehouse, historySchema);
    return (report) => {
      const page = join(outputFolder, `${report.name}.html`);
      const feed = feedPath({ outputFolder }, report.name);
      if (!existsSync(page) || !existsSync(feed)) return false;
      if (statSync(join(root, report.file)).mtime > statSync(page).mtime) return false;
      const { dataVersion: written } = JSON.parse(readFileSync(feed, "utf8")) as Partial<Feed>;
      return written === dataVersion(report, relationOf, versions);
    };
  } finally {
    await warehouse.close();
  }
}

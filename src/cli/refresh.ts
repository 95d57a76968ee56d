import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { exitCodes } from "../base/errors.js";
import { refsOf } from "../project/report-sql.js";
import { findProject } from "../project/find-project.js";
import { loadReports, type LoadedReport } from "../report/load-reports.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection-options.js";
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
  const { exitCode, outcome } = await run(context, root, values, { command: "refresh", onlyModified: true });
  if (exitCode !== exitCodes.success || outcome === undefined) {
    context.setExitCode(exitCode);
    return;
  }
  const changed = new Set(outcome.actions.map((action) => action.key));
  const touched = (await loadReports(root)).filter(
    (report) => !isBuilt(root, report) || reads(report).some((relation) => changed.has(relation)),
  );
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

function isBuilt(root: string, report: LoadedReport): boolean {
  return existsSync(join(root, "build", "reports", `${report.name}.html`));
}

/** The relations that a report reads, by `schema.name`. */
function reads(report: LoadedReport): string[] {
  return Object.values(report.report.data).flatMap((query) =>
    refsOf(query.sql).map(({ schema, name }) => `${schema}.${name}`),
  );
}

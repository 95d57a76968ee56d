import { join, relative } from "node:path";
import { Command } from "commander";
import type { Effects } from "../base/effects.js";
import { describeError, exitCodes } from "../base/errors.js";
import { formatBytes, formatDuration, formatPlural } from "../base/format-quantity.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { buildReports, type BuildResult } from "../report/build-reports.js";
import { loadReports, selectReports } from "../report/load-reports.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";

export const reportCommand: CommandFactory = (context) =>
  addConnectionOptions(
    new Command("report")
      .description("Build reports into build/reports: one HTML file each, and an index.")
      .argument(
        "[name...]",
        "reports: sales/orders, orders, a folder (sales), or a pattern with *; all by default",
      ),
  )
    .addHelpText("after", "\nExample:\n  $ dataform report\n  $ dataform report sales/orders 'finance/*'")
    .action((names: readonly string[], values: ConnectionOptions) =>
      buildProjectReports(context, names, values),
    );

/** Builds the reports that `names` select, all of them when there are none, and says what was written where. */
export async function buildProjectReports(
  context: CommandContext,
  names: readonly string[],
  values: ConnectionOptions,
): Promise<void> {
  const { effects, cwd } = context;
  const { root } = findProject(cwd);
  const all = await loadReports(root);
  const selected = selectReports(all, names);
  const { historySchema } = await loadConfig(root);
  const use = { maxSessions: 4, purpose: "write" } as const;
  const warehouse = await openProjectWarehouse(context, root, values, use);
  try {
    const started = effects.clock.elapsed();
    const outputFolder = join(root, "build", "reports");
    const results = await buildReports({
      projectRoot: root,
      outputFolder,
      warehouse,
      all,
      selected,
      historySchema,
      clock: effects.clock,
      signal: effects.signal,
      onResult: (result) => sayResult(effects, cwd, result),
    });
    const failed = results.filter(({ status }) => status === "failed").length;
    const built = results.length - failed;
    const index = relative(cwd, join(outputFolder, "index.html"));
    effects.stdout.write(
      `${formatPlural(built, "report")} built${failed > 0 ? `, ${failed} failed` : ""} in ` +
        `${formatDuration(effects.clock.elapsed() - started)}.${built > 0 ? ` Open ${index}` : ""}\n`,
    );
    if (failed > 0) context.setExitCode(exitCodes.failure);
  } finally {
    await warehouse.close();
  }
}

function sayResult({ stdout, stderr }: Effects, cwd: string, result: BuildResult): void {
  if (result.status === "failed") {
    stderr.write(`Report failed:  ${result.loaded.name}\n${describeError(result.error)}\n`);
    return;
  }
  stdout.write(
    `Report written:  ${result.loaded.name}  ${relative(cwd, result.path)} (${formatBytes(result.bytes)}, ` +
      `${formatPlural(result.rows, "row")})\n`,
  );
}

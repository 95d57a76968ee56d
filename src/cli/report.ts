import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import type { Effects } from "../base/effects.js";
import { describeError, exitCodes } from "../base/errors.js";
import { formatBytes, formatCount, formatDuration, formatPlural } from "../base/format-quantity.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { buildReports, type BuildResult } from "../report/build-reports.js";
import { loadReports, selectReports } from "../report/load-reports.js";
import { describeTarget, openWarehouse } from "../warehouse/connect.js";
import type { CommandContext, CommandFactory } from "./command.js";

interface ReportValues {
  readonly embedded?: true;
  readonly credentials?: string;
}

export const reportCommand: CommandFactory = (context) =>
  new Command("report")
    .description("Build reports of gold tables into build/reports: one HTML file each, and an index.")
    .argument(
      "[name...]",
      "reports: sales/orders, orders, a folder (sales), or a pattern with *; all by default",
    )
    .option("--embedded", "use the embedded server, whatever the environment says")
    .option("--credentials <file>", "connection of the warehouse")
    .addHelpText("after", "\nExample:\n  $ dataform report\n  $ dataform report sales/orders 'finance/*'")
    .action((names: readonly string[], values: ReportValues) => report(context, names, values));

async function report(
  context: CommandContext,
  names: readonly string[],
  values: ReportValues,
): Promise<void> {
  const { effects, cwd } = context;
  const { root } = findProject(cwd);
  const all = await loadReports(root);
  const selected = selectReports(all, names);
  const { historySchema } = await loadConfig(root);
  const warehouse = await openWarehouse({
    projectRoot: root,
    cwd,
    env: effects.env,
    maxSessions: 4,
    onStart: (what) => effects.stderr.write(`${what}\n`),
    ...(values.embedded === true ? { embedded: true } : {}),
    ...(values.credentials === undefined ? {} : { credentials: values.credentials }),
  });
  try {
    effects.stdout.write(`${describeTarget(warehouse.target)}\n`);
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
    effects.stdout.write(
      `${formatPlural(built, "report")} built${failed > 0 ? `, ${failed} failed` : ""} in ` +
        `${formatDuration(effects.clock.elapsed() - started)}. Open ${relative(cwd, resolve(outputFolder, "index.html"))}\n`,
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
      `${formatCount(result.rows)} ${result.rows === 1 ? "row" : "rows"}, ${formatDuration(result.milliseconds)})\n`,
  );
}

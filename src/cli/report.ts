import { join, relative } from "node:path";
import { Command, Option } from "commander";
import type { Effects } from "../base/effects.js";
import { AquiferError, describeError, exitCodes } from "../base/errors.js";
import { formatBytes, formatDuration, formatPlural } from "../base/format-quantity.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { readReportRelations } from "../project/report-relations.js";
import { buildReports, type BuildResult } from "../report/build-reports.js";
import { loadReports, selectReports } from "../report/load-reports.js";
import { findBrowser, printPdf } from "../report/print-pdf.js";
import { serveReports } from "../report/serve-reports.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { watchProject } from "./watch-project.js";

interface ReportValues extends ConnectionOptions {
  readonly watch?: true;
  readonly pdf?: true;
}

export const reportCommand: CommandFactory = (context) =>
  addConnectionOptions(
    new Command("report")
      .description("Build reports into build/reports: one HTML file each, and an index.")
      .argument(
        "[name...]",
        "reports: sales/orders, orders, a folder (sales), or a pattern with *; all by default",
      )
      .addOption(
        new Option(
          "--watch",
          "serve them on this machine and build again whenever a file of reports/ changes",
        ).conflicts("pdf"),
      )
      .option("--pdf", "print each as a PDF too, with Chromium, Chrome or Edge"),
  )
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform report\n  $ dataform report sales/orders 'finance/*' --pdf",
    )
    .action((names: readonly string[], values: ReportValues) =>
      values.watch === true
        ? watchReports(context, names, values)
        : buildProjectReports(context, names, values),
    );

/** Builds the reports that `names` select, all of them when there are none, and says what was written where. */
export async function buildProjectReports(
  context: CommandContext,
  names: readonly string[],
  values: ReportValues,
): Promise<void> {
  const { effects, cwd } = context;
  const browser = values.pdf === true ? findBrowser(effects.env) : undefined;
  const { root } = findProject(cwd);
  const all = await loadReports(root);
  const selected = selectReports(all, names);
  const { historySchema } = await loadConfig(root);
  const use = { maxSessions: 4, purpose: "write" } as const;
  const warehouse = await openProjectWarehouse(context, root, values, use);
  try {
    const started = effects.clock.elapsed();
    const outputFolder = outputOf(root);
    const results = await buildReports({
      projectRoot: root,
      outputFolder,
      warehouse,
      all,
      selected,
      historySchema,
      relationOf: await readReportRelations(root, effects.signal),
      clock: effects.clock,
      signal: effects.signal,
      onResult: (result) => sayResult(effects, cwd, result),
    });
    for (const result of results) {
      if (browser === undefined || result.status === "failed") continue;
      const path = await printPdf(browser, result.path, effects.signal);
      effects.stdout.write(`Report printed:  ${result.loaded.name}  ${relative(cwd, path)}\n`);
    }
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

async function watchReports(
  context: CommandContext,
  names: readonly string[],
  values: ReportValues,
): Promise<void> {
  const { stdout, stderr, signal } = context.effects;
  const { root } = findProject(context.cwd);
  const server = await serveReports(outputOf(root));
  try {
    const build = async (): Promise<void> => {
      try {
        // A failed report is said and mended: it does not fail the command.
        await buildProjectReports({ ...context, setExitCode: () => undefined }, names, values);
        server.reload();
      } catch (thrown) {
        if (!(thrown instanceof AquiferError)) throw thrown;
        if (!signal.aborted) stderr.write(`${describeError(thrown)}\n`);
      }
      if (signal.aborted) return;
      stdout.write(`\nServing ${server.url} and watching for changes...\n\n`);
    };
    await watchProject(root, signal, build, ["reports"]);
  } finally {
    await server.close();
  }
}

/** Where the pages of a project go. */
export function outputOf(root: string): string {
  return join(root, "build", "reports");
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

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { exitCodes, type ExitCode } from "../base/errors.js";
import { compileProject } from "../project/compile.js";
import { loadConfig } from "../project/config.js";
import { toActions } from "../project/action.js";
import { findProject } from "../project/find-project.js";
import { selectActions } from "../project/select.js";
import type { RunOutcome } from "../run/outcome.js";
import { runProject } from "../run/run-project.js";
import { runResult } from "../run/run-result.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { packageVersion } from "../base/package-version.js";
import { addProjectOptions, projectOverrides, type ProjectOptionValues } from "./project-options.js";
import {
  addSelectionOptions,
  durationOption,
  selectionOf,
  wholeNumber,
  type SelectionValues,
} from "./run-options.js";
import { RunProgress } from "./run-progress.js";

/** Options of `run`, as parsed. */
export interface RunValues extends ProjectOptionValues, SelectionValues, ConnectionOptions {
  readonly json?: true;
  readonly fullRefresh?: true;
  readonly failFast?: true;
  readonly concurrency?: number;
  readonly actionRetryLimit?: number;
  readonly executionTimeout?: number;
}

export const runCommand: CommandFactory = (context) => {
  const command = new Command("run")
    .description("Build the project's tables and views in the warehouse and check its assertions.")
    .argument("[dir]", "folder of the project", ".");
  addSelectionOptions(command);
  command
    .option("--full-refresh", "build incremental tables anew (protected ones excepted)")
    .option("--fail-fast", "stop at the first failure")
    .option("--concurrency <n>", "actions that run at once", wholeNumber(1))
    .option("--action-retry-limit <n>", "try a failed action again so often", wholeNumber(0))
    .option("--execution-timeout <duration>", "cancel the run after this long (30s, 2h)", durationOption)
    .option("--json", "print Dataform's RunResult as JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform run --tags gold\n  $ dataform run --actions +gold.orders --full-refresh",
    )
    .action(async (dir: string, values: RunValues) => {
      context.setExitCode((await run(context, resolve(context.cwd, dir), values, "run")).exitCode);
    });
};

/** Compiles a project and runs the chosen actions; what `run` and the commands that end in a run share. */
export async function run(
  context: CommandContext,
  folder: string,
  values: RunValues,
  command: string,
): Promise<{ exitCode: ExitCode; outcome: RunOutcome }> {
  const { effects } = context;
  const isQuiet = values.json === true;
  const say = (text: string): void => {
    if (!isQuiet) effects.stdout.write(text);
  };
  const { root } = findProject(folder);
  const config = await loadConfig(root);
  say("Compiling...\n\n");
  const timeoutMs = values.timeout ?? config.timeouts.compilation;
  const project = await compileProject({
    projectRoot: root,
    overrides: projectOverrides(values),
    signal: effects.signal,
    onOutput: (text) => effects.stderr.write(text),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const actions = toActions(project);
  const selected = selectActions(project.graph, selectionOf(values));
  say("Compiled successfully.\n\n");
  const concurrency = values.concurrency ?? config.concurrency ?? 8;
  const warehouse = await openProjectWarehouse(context, root, values, {
    maxSessions: concurrency + 2,
    purpose: "write",
  });
  try {
    say("Running...\n\n");
    const progress = new RunProgress(effects, actions, isQuiet);
    const executionTimeoutMs = values.executionTimeout ?? config.timeouts.execution;
    const outcome = await runProject({
      project,
      actions,
      selected,
      config,
      warehouse,
      clock: effects.clock,
      newId: effects.newId,
      signal: effects.signal,
      onEvent: progress.onEvent,
      command,
      version: packageVersion(),
      concurrency,
      fullRefresh: values.fullRefresh === true,
      failFast: values.failFast === true,
      recorded: { ...selectionOf(values), fullRefresh: values.fullRefresh === true },
      ...(values.actionRetryLimit === undefined ? {} : { actionRetryLimit: values.actionRetryLimit }),
      ...(executionTimeoutMs === undefined ? {} : { executionTimeoutMs }),
    });
    progress.finish(outcome);
    const result = JSON.stringify(runResult(outcome), null, 2);
    await writeArtifact(root, "run_results.json", result);
    if (isQuiet) effects.stdout.write(`${result}\n`);
    return { exitCode: exitCodeOf(outcome), outcome };
  } finally {
    await warehouse.close();
  }
}

function exitCodeOf(outcome: RunOutcome): ExitCode {
  if (outcome.status === "successful") return exitCodes.success;
  return outcome.status === "cancelled" ? exitCodes.interrupted : exitCodes.failure;
}

/** Written aside and renamed, so that nobody reads half a file. */
async function writeArtifact(root: string, name: string, text: string): Promise<void> {
  const folder = join(root, ".aquifer");
  await mkdir(folder, { recursive: true });
  const partial = join(folder, `${name}.${process.pid}.partial`);
  await writeFile(partial, `${text}\n`);
  await rename(partial, join(folder, name));
}

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { AquiferError, exitCodes, type ExitCode } from "../base/errors.js";
import { compileProject } from "../project/compile.js";
import { loadConfig } from "../project/config.js";
import { toActions, type Action } from "../project/action.js";
import { findProject } from "../project/find-project.js";
import { selectActions, type Selection } from "../project/select.js";
import { migrateHistory } from "../history/migrate.js";
import { actionsOfRun, findRun } from "../history/run-query.js";
import { readProjectState } from "../run/project-state.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { ingestedTables, selectorLookUp } from "./selectors.js";
import type { RunOutcome } from "../run/outcome.js";
import { projectName, runProject } from "../run/run-project.js";
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
      context.setExitCode(
        (await run(context, resolve(context.cwd, dir), values, { command: "run" })).exitCode,
      );
    });
};

/** How a command that ends in a run chooses what to run, beside its options. */
export interface RunChoice {
  /** Recorded with the run. */
  readonly command: string;
  /** Leaves alone what cannot have changed. */
  readonly onlyModified?: boolean;
  /** Runs exactly what the project's last run did not finish. */
  readonly retry?: boolean;
}

/** Compiles a project and runs the chosen actions; what `run`, `retry` and `refresh` share. */
export async function run(
  context: CommandContext,
  folder: string,
  values: RunValues,
  choice: RunChoice,
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
  const selection = selectionOf(values);
  const needsHistory = choice.retry === true || choice.onlyModified === true || asksHistory(selection);
  // What the graph alone can tell is refused before anything is connected to.
  if (!needsHistory) selectActions(project.graph, selection);
  say("Compiled successfully.\n\n");
  const concurrency = values.concurrency ?? config.concurrency ?? 8;
  const warehouse = await openProjectWarehouse(context, root, values, {
    maxSessions: concurrency + 2,
    purpose: "write",
  });
  try {
    await migrateHistory(warehouse, config.historySchema);
    const ingested = await ingestedTables(root);
    const { historySchema } = config;
    const state = await readProjectState({
      actions,
      warehouse,
      historySchema,
      ingested: new Set(ingested.keys()),
      unique: effects.newId(),
    });
    const lookUp = await selectorLookUp({
      warehouse,
      historySchema,
      project: projectName(project),
      modified: state.modified,
      ingested,
      selection,
    });
    const selected = selectActions(project.graph, { ...selection, lookUp });
    let fullRefresh = values.fullRefresh === true;
    if (choice.onlyModified === true) keepOnly(selected, state.modified, actions);
    if (choice.retry === true) {
      const unfinished = await unfinishedActions(warehouse, historySchema, projectName(project));
      keepOnly(selected, unfinished.actions, actions);
      fullRefresh ||= unfinished.fullRefresh;
      say(`Retrying run ${unfinished.runId}.\n\n`);
    }
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
      command: choice.command,
      version: packageVersion(),
      concurrency,
      fullRefresh,
      failFast: values.failFast === true,
      fingerprint: (key) => state.fingerprints.get(key),
      recorded: { ...selection, fullRefresh },
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

function asksHistory(selection: Selection): boolean {
  const patterns = [...(selection.actions ?? []), ...(selection.exclude ?? [])];
  return patterns.some((pattern) => /(state|result|source):/.test(pattern));
}

/** Takes away what is not among `kept`; an assertion goes with the relation that it is checked with. */
function keepOnly(
  selected: Set<string>,
  kept: ReadonlySet<string>,
  actions: ReadonlyMap<string, Action>,
): void {
  for (const key of selected) {
    const action = actions.get(key);
    const parent = action?.kind === "assertion" ? action.parent : undefined;
    if (!kept.has(key) && !(parent !== undefined && kept.has(parent))) selected.delete(key);
  }
}

async function unfinishedActions(
  warehouse: Warehouse,
  historySchema: string,
  project: string,
): Promise<{ runId: string; actions: ReadonlySet<string>; fullRefresh: boolean }> {
  const last = await findRun(warehouse, historySchema, { project });
  if (last === undefined) {
    throw new AquiferError("There is no run to retry", {
      code: "no-run",
      exitCode: exitCodes.usage,
      hint: "Run the project first: dataform run",
    });
  }
  const actions = await actionsOfRun(warehouse, historySchema, last.runId);
  const done = new Set(["successful", "unchanged", "disabled"]);
  return {
    runId: last.runId,
    actions: new Set(actions.filter(({ status }) => !done.has(status)).map(({ action }) => action)),
    fullRefresh: last.fullRefresh,
  };
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

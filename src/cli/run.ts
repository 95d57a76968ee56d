import { join, resolve } from "node:path";
import { Command } from "commander";
import { exitCodes, type ExitCode } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { packageVersion } from "../base/package-version.js";
import { executionGraph } from "../run/execution-graph.js";
import type { RunOutcome } from "../run/outcome.js";
import { executionGraphJson } from "../run/execution-graph-json.js";
import { planRun } from "../run/plan.js";
import { runProject } from "../run/run-project.js";
import { runResult } from "../run/run-result.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { findProject } from "../project/find-project.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection-options.js";
import { judgeProject } from "./judge-project.js";
import { withPreparedRun, type PreparedRun, type RunChoice } from "./prepare-run.js";
import { notify } from "./notify.js";
import { addProjectOptions, type ProjectOptionValues } from "./project-options.js";
import { addSelectionOptions, durationOption, wholeNumber, type SelectionValues } from "./run-options.js";
import { RunProgress } from "./run-progress.js";
import { testProject } from "./test.js";
import { formatTable } from "./text-table.js";
import { writeWhole } from "../base/write-whole.js";

/** Options of `run`, as parsed. */
export interface RunValues extends ProjectOptionValues, SelectionValues, ConnectionOptions {
  readonly json?: true;
  readonly dryRun?: true;
  readonly runTests?: true;
  readonly check?: true;
  readonly fullRefresh?: true;
  readonly failFast?: true;
  readonly concurrency?: number;
  readonly actionRetryLimit?: number;
  readonly executionTimeout?: number;
  readonly jitTimeout?: number;
}

export const runCommand: CommandFactory = (context) => {
  const command = new Command("run")
    .description("Build the project's tables and views in the warehouse and check its assertions.")
    .argument("[dir]", "folder of the project", ".");
  addSelectionOptions(command);
  command
    .option("--dry-run", "print what would run, and how each table would be replaced; touch nothing")
    .option(
      "--check",
      "let PostgreSQL judge the project on an empty database first; run nothing if it finds an error",
    )
    .option("--run-tests", "run the unit tests first, and nothing else if one fails")
    .option("--full-refresh", "build incremental tables anew (protected ones excepted)")
    .option("--fail-fast", "stop at the first failure")
    .option("--concurrency <n>", "actions that run at once", wholeNumber(1))
    .option("--action-retry-limit <n>", "try a failed action again so often", wholeNumber(0))
    .option("--execution-timeout <duration>", "cancel the run after this long (30s, 2h)", durationOption)
    .option(
      "--json",
      "print Dataform's RunResult (with --dry-run its ExecutionGraph) as JSON and nothing else",
    );
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform run --tags gold\n  $ dataform run --actions +gold.orders --full-refresh\n  $ dataform run --actions state:modified --dry-run",
    )
    .action(async (dir: string, values: RunValues) => {
      const folder = resolve(context.cwd, dir);
      const isSound =
        values.check !== true || (await judgeProject(context, findProject(folder).root, values));
      if (!isSound && values.dryRun !== true) return context.setExitCode(exitCodes.failure);
      const exitCode =
        values.dryRun === true
          ? await dryRun(context, folder, values)
          : (await run(context, folder, values, { command: "run" })).exitCode;
      context.setExitCode(isSound ? exitCode : exitCodes.failure);
    });
};

/** Compiles a project and runs the chosen actions; what `run`, `retry` and `refresh` share. */
export function run(
  context: CommandContext,
  folder: string,
  values: RunValues,
  choice: RunChoice,
): Promise<{ exitCode: ExitCode; outcome?: RunOutcome }> {
  return withPreparedRun(context, folder, values, choice, async (prepared) => {
    const { effects } = context;
    const isQuiet = values.json === true;
    if (values.runTests === true && !(await testsPass(context, prepared, isQuiet))) {
      return { exitCode: exitCodes.failure };
    }
    if (!isQuiet) effects.stdout.write("Running...\n\n");
    const progress = new RunProgress(effects, prepared.actions, isQuiet);
    const executionTimeoutMs = values.executionTimeout ?? prepared.config.timeouts.execution;
    const outcome = await runProject({
      ...prepared,
      clock: effects.clock,
      newId: effects.newId,
      signal: effects.signal,
      onEvent: progress.onEvent,
      command: choice.command,
      version: packageVersion(),
      failFast: values.failFast === true,
      fingerprint: (key) => prepared.fingerprints.get(key),
      modified: prepared.modified,
      recorded: { ...prepared.selection, fullRefresh: prepared.fullRefresh },
      ...(values.actionRetryLimit === undefined ? {} : { actionRetryLimit: values.actionRetryLimit }),
      ...(values.jitTimeout === undefined ? {} : { jitTimeoutMs: values.jitTimeout }),
      ...(executionTimeoutMs === undefined ? {} : { executionTimeoutMs }),
    });
    progress.finish(outcome);
    const result = JSON.stringify(runResult(outcome), null, 2);
    await writeWhole(join(prepared.root, ".aquifer", "run_results.json"), `${result}\n`);
    if (isQuiet) effects.stdout.write(`${result}\n`);
    await notify(effects, prepared, outcome);
    return { exitCode: exitCodeOf(outcome), outcome };
  });
}

async function testsPass(context: CommandContext, prepared: PreparedRun, isQuiet: boolean): Promise<boolean> {
  const tests = prepared.project.unitTests;
  const outcomes = await testProject(
    context,
    prepared.project,
    tests,
    prepared.warehouse,
    isQuiet ? "none" : "text",
  );
  return outcomes.every((outcome) => outcome.successful);
}

function dryRun(context: CommandContext, folder: string, values: RunValues): Promise<ExitCode> {
  return withPreparedRun(context, folder, values, { command: "run" }, async (prepared) => {
    const { actions, selected, config, warehouse, fullRefresh, project, selection } = prepared;
    const nodes = executionGraph(actions, selected, config.auditBeforePublish);
    const existing = await readExistingRelations(
      warehouse,
      [...actions.values()].map((action) => action.target),
    );
    const { historySchema } = config;
    const { newId } = context.effects;
    const inputs = { project, actions, nodes, existing, fullRefresh, historySchema, newId };
    const planned = await warehouse.withSession((session) => planRun(session, inputs));
    const refused = planned.filter(({ path }) => path === "refused").length;
    const exitCode = refused === 0 ? exitCodes.success : exitCodes.failure;
    const { stdout } = context.effects;
    if (values.json === true) {
      const graph = executionGraphJson(
        planned,
        project.graph.projectConfig ?? {},
        { ...selection, fullRefresh },
        actions,
      );
      stdout.write(`${JSON.stringify(graph, null, 2)}\n`);
      return exitCode;
    }
    const rows = planned.map((each) => [each.key, each.kind, each.path, each.reason]);
    stdout.write(`Dry run (no changes to the warehouse will be applied)...\n\n`);
    stdout.write(formatTable(["action", "kind", "path", "why"], rows));
    stdout.write(`\n${formatPlural(planned.length - refused, "action")} would run`);
    stdout.write(
      refused === 0 ? ".\n" : `, ${refused} would be refused and leave what stands there as it is.\n`,
    );
    return exitCode;
  });
}

function exitCodeOf(outcome: RunOutcome): ExitCode {
  if (outcome.status === "successful") return exitCodes.success;
  return outcome.status === "cancelled" ? exitCodes.interrupted : exitCodes.failure;
}

import { resolve } from "node:path";
import { Command } from "commander";
import { describeError, exitCodes } from "../base/errors.js";
import { usesColor } from "../base/effects.js";
import { formatDuration, formatPlural } from "../base/format-quantity.js";
import { actionKey } from "../project/action-graph.js";
import { toActions } from "../project/action.js";
import { withEmptyBuild } from "../check/check-project.js";
import { readSnapshot } from "../check/snapshot.js";
import { compileProject } from "../project/compile.js";
import type { CompiledProject } from "../project/compiled-project.js";
import { loadConfig, type ResolvedConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { selectActions } from "../project/select.js";
import { runUnitTests, type UnitTestOutcome } from "../run/unit-tests.js";
import type { UnitTest } from "../project/unit-test.js";
import { chooseServer } from "../warehouse/connect.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { knownRelations } from "./check-inputs.js";
import { startCheckServer } from "./check-server.js";
import type { CommandContext, CommandFactory } from "./command.js";
import {
  addConnectionOptions,
  openProjectWarehouse,
  targetOptions,
  type ConnectionOptions,
} from "./connection-options.js";
import { addProjectOptions, projectOverrides, type ProjectOptionValues } from "./project-options.js";
import { addSelectionOptions, selectionOf, type SelectionValues } from "./run-options.js";

interface TestValues extends ProjectOptionValues, SelectionValues, ConnectionOptions {
  readonly json?: true;
}

const concurrency = 4;

export const testCommand: CommandFactory = (context) => {
  const command = new Command("test")
    .description(
      "Run the project's unit tests, on an empty database of the embedded server where no other is named; leaves nothing behind.",
    )
    .argument("[dir]", "folder of the project", ".");
  addSelectionOptions(command).option("--json", "print Dataform's TestResults as JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform test\n  $ dataform test --actions silver.orders")
    .action((dir: string, values: TestValues) => test(context, dir, values));
};

async function test(context: CommandContext, dir: string, values: TestValues): Promise<void> {
  const { effects } = context;
  const { root } = findProject(resolve(context.cwd, dir));
  const config = await loadConfig(root);
  const timeoutMs = values.timeout ?? config.timeouts.compilation;
  if (values.json !== true) effects.stdout.write("Compiling...\n\n");
  const project = await compileProject({
    projectRoot: root,
    overrides: projectOverrides(values),
    signal: effects.signal,
    onOutput: (text) => effects.stderr.write(text),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const tests = selectTests(project, values);
  if (values.json !== true) effects.stdout.write("Compiled successfully.\n\n");
  const outcomes = await onTestWarehouse(context, { root, config, project, tests, values }, (warehouse) =>
    testProject(context, project, tests, warehouse, values.json === true ? "json" : "text"),
  );
  if (outcomes.some((outcome) => !outcome.successful)) context.setExitCode(exitCodes.failure);
}

interface PreparedTest {
  readonly root: string;
  readonly config: ResolvedConfig;
  readonly project: CompiledProject;
  readonly tests: readonly UnitTest[];
  readonly values: TestValues;
}

/** Lends the server that is named; where none is, an empty database that holds what the tested models are built on. */
async function onTestWarehouse<T>(
  context: CommandContext,
  { root, config, project, tests, values }: PreparedTest,
  body: (warehouse: Warehouse) => Promise<T>,
): Promise<T> {
  const chosen = await chooseServer(targetOptions(context, root, values));
  if (chosen.kind === "server" || values.embedded === true) {
    const how = { maxSessions: concurrency, purpose: "read" } as const;
    const warehouse = await openProjectWarehouse(context, root, values, how);
    return body(warehouse).finally(() => warehouse.close());
  }
  const [known, snapshot] = await Promise.all([knownRelations(root), readSnapshot(root)]);
  const server = await startCheckServer(context, root, config.serverVersion ?? snapshot?.server);
  const options = {
    ...{ project, server, known, historySchema: config.historySchema, signal: context.effects.signal },
    // One more: the empty build keeps its own.
    maxSessions: concurrency + 1,
    ...(snapshot === undefined ? {} : { snapshot }),
  };
  return withEmptyBuild(options, new Set(tests.map(({ target }) => actionKey(target))), body);
}

/** Runs unit tests and prints them; what `test` and `run --run-tests` share. */
export async function testProject(
  context: CommandContext,
  project: CompiledProject,
  tests: readonly UnitTest[],
  warehouse: Warehouse,
  output: "text" | "json" | "none",
): Promise<UnitTestOutcome[]> {
  const { effects } = context;
  const started = effects.clock.elapsed();
  if (output === "text") effects.stdout.write(`Running ${formatPlural(tests.length, "unit test")}...\n\n`);
  const outcomes = await runUnitTests({
    project,
    actions: toActions(project),
    tests,
    warehouse,
    concurrency,
    runId: effects.newId(),
    onFinish: (outcome) => {
      if (output === "text") printOutcome(context, outcome);
    },
  });
  if (output === "json") {
    const results = outcomes.map(({ name, successful, messages }) => ({ name, successful, messages }));
    effects.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  } else if (output === "text") {
    const failed = outcomes.filter((outcome) => !outcome.successful).length;
    const took = formatDuration(effects.clock.elapsed() - started);
    effects.stdout.write(`\n${outcomes.length - failed} passed, ${failed} failed in ${took}.\n`);
  }
  return outcomes;
}

function printOutcome({ effects }: CommandContext, outcome: UnitTestOutcome): void {
  const color = usesColor(effects.stdout, effects.env);
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  if (outcome.successful) {
    effects.stdout.write(`${paint(32, "Test passed:")}  ${outcome.name}\n`);
    return;
  }
  effects.stdout.write(`${paint(31, "Test failed:")}  ${outcome.name}  (${outcome.file})\n`);
  const text = outcome.error === undefined ? outcome.messages.join("\n") : describeError(outcome.error);
  effects.stderr.write(`${text.replace(/^/gm, "  ")}\n`);
}

/** Tests of the selected models; all tests when nothing is selected. */
export function selectTests(project: CompiledProject, values: SelectionValues): readonly UnitTest[] {
  const selection = selectionOf(values);
  if (values.actions === undefined && values.tags === undefined && values.exclude === undefined)
    return project.unitTests;
  const selected = selectActions(project.graph, selection);
  return project.unitTests.filter(
    (test) => selected.has(actionKey(test.target)) || test.tags.some((tag) => values.tags?.includes(tag)),
  );
}

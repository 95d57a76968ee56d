import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { AquiferError, describeError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { toActions } from "../project/action.js";
import { compileProject } from "../project/compile.js";
import type { CompiledGraph } from "../project/compiled-graph.js";
import type { CompiledProject } from "../project/compiled-project.js";
import { checkOperationNames, loadConfig } from "../project/config.js";
import { dataformJson } from "../project/dataform-json.js";
import { dotOf } from "../project/dot.js";
import { filterGraph } from "../project/filter-graph.js";
import { actionKey } from "../project/action-graph.js";
import { findProject } from "../project/find-project.js";
import type { Selection } from "../project/select.js";
import { collectList, type CommandContext, type CommandFactory } from "./command.js";
import { watchProject } from "./watch-project.js";
import { addProjectOptions, projectOverrides, type ProjectOptionValues } from "./project-options.js";
import { writeWhole } from "../base/write-whole.js";

interface CompileValues extends ProjectOptionValues {
  readonly json?: true;
  readonly dot?: true;
  readonly watch?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  readonly outputActions?: readonly string[];
  readonly outputTags?: readonly string[];
  readonly outputIncludeDeps?: true;
  readonly outputIncludeDependents?: true;
}

export const compileCommand: CommandFactory = (context) => {
  const command = new Command("compile")
    .description("Compile the project and report its errors; reads no database.")
    .argument("[dir]", "folder of the project", ".")
    .option("--json", "print Dataform's CompiledGraph as JSON and nothing else")
    .addOption(
      new Option("--dot", "print the graph in Graphviz's language and nothing else").conflicts("json"),
    )
    .option("--watch", "compile again whenever a file of the project changes")
    .option("--quiet", "print errors only")
    .option("--verbose", "print every action with its file and what it reads")
    .option(
      "--output-actions <patterns>",
      "print only these actions (name, schema.name, path, tag:x, +x, x+)",
      collectList,
    )
    .option("--output-tags <tags>", "print only actions with one of these tags", collectList)
    .option("--output-include-deps", "print also what they depend on")
    .option("--output-include-dependents", "print also what depends on them");
  return addProjectOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform compile --verbose\n  $ dataform compile --json --output-tags daily",
    )
    .action((dir: string, values: CompileValues) =>
      values.watch === true ? watch(context, dir, values) : compile(context, dir, values),
    );
};

async function watch(context: CommandContext, dir: string, values: CompileValues): Promise<void> {
  const { stdout, stderr, signal } = context.effects;
  const { root } = findProject(resolve(context.cwd, dir));
  await watchProject(root, signal, async () => {
    try {
      await compile(context, dir, values);
    } catch (thrown) {
      if (!(thrown instanceof AquiferError)) throw thrown;
      if (!signal.aborted) stderr.write(`${describeError(thrown)}\n`);
    }
    if (!signal.aborted && values.quiet !== true) stdout.write("\nWatching for changes...\n\n");
  });
}

async function compile(context: CommandContext, dir: string, values: CompileValues): Promise<void> {
  const { stdout, stderr, clock, signal } = context.effects;
  const say = (text: string): void => {
    if (values.json !== true && values.dot !== true && values.quiet !== true) stdout.write(`${text}\n`);
  };
  const { root } = findProject(resolve(context.cwd, dir));
  say("Compiling...\n");
  const started = clock.elapsed();
  const config = await loadConfig(root);
  const timeoutMs = values.timeout ?? config.timeouts.compilation;
  const project = await compileProject({
    projectRoot: root,
    overrides: projectOverrides(values),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    signal,
    onOutput: (text) => stderr.write(text),
  });
  // What `run` would refuse before it connects is no success here either.
  toActions(project);
  checkOperationNames(config, project.graph);
  await writeCompiled(project);
  const graph = filterGraph(project.graph, outputSelection(values));
  if (values.json === true) {
    stdout.write(`${JSON.stringify(dataformJson(graph), null, 4)}\n`);
    return;
  }
  if (values.dot === true) {
    stdout.write(dotOf(graph));
    return;
  }
  say(`Compiled successfully.\n`);
  say(summary(graph, values.verbose === true));
  if (values.verbose === true) say(`\n${Math.round(clock.elapsed() - started)} ms`);
}

function outputSelection(values: CompileValues): Selection {
  return {
    ...(values.outputActions ? { actions: values.outputActions } : {}),
    ...(values.outputTags ? { tags: values.outputTags } : {}),
    includeDeps: values.outputIncludeDeps === true,
    includeDependents: values.outputIncludeDependents === true,
  };
}

/** `.aquifer/compiled.json`, written aside and renamed so that nobody reads half of it. */
async function writeCompiled(project: CompiledProject): Promise<void> {
  await writeWhole(join(project.root, ".aquifer", "compiled.json"), jsonPieces(dataformJson(project.graph)));
}

/** JSON of an object of lists, a thousand entries at a time: the graph of 10,000 models is 30 MB of text. */
function* jsonPieces(object: object): Generator<string> {
  let separator = "{";
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    yield `${separator}${JSON.stringify(key)}:`;
    separator = ",";
    if (!Array.isArray(value)) {
      yield JSON.stringify(value);
      continue;
    }
    yield "[";
    for (let start = 0; start < value.length; start += 1000) {
      yield (start === 0 ? "" : ",") + JSON.stringify(value.slice(start, start + 1000)).slice(1, -1);
    }
    yield "]";
  }
  yield separator === "{" ? "{}" : "}";
}

function summary(graph: CompiledGraph, verbose: boolean): string {
  const groups = [
    [graph.tables ?? [], "dataset"],
    [graph.operations ?? [], "operation"],
    [graph.assertions ?? [], "assertion"],
    [graph.declarations ?? [], "declaration"],
  ] as const;
  const lines = groups.flatMap(([actions, noun]) => {
    if (actions.length === 0) return [];
    const head = `${formatPlural(actions.length, noun)}${verbose ? ":" : ""}`;
    if (!verbose) return [head];
    const each = actions.map((action) => {
      const type = "type" in action && typeof action.type === "string" ? ` [${action.type}]` : "";
      const reads = (action.dependencyTargets ?? []).map(actionKey);
      const from = reads.length === 0 ? "" : `\n    reads ${reads.join(", ")}`;
      return `  ${actionKey(action.target)}${type}${action.disabled === true ? " [disabled]" : ""}  ${action.fileName ?? ""}${from}`;
    });
    return [head, ...each];
  });
  const tests = graph.tests?.length ?? 0;
  if (tests > 0) lines.push(formatPlural(tests, "unit test"));
  return lines.join("\n");
}

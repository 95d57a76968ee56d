import { resolve } from "node:path";
import { Command } from "commander";
import type { CommandFactory } from "./command.js";
import { addConnectionOptions } from "./connection-options.js";
import { addProjectOptions } from "./project-options.js";
import { wholeNumber } from "./run-options.js";
import { run, type RunValues } from "./run.js";

export const retryCommand: CommandFactory = (context) => {
  const command = new Command("retry")
    .description(
      "Run what the last run did not finish: what failed, what was skipped because of it, what never ran.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--fail-fast", "stop at the first failure")
    .option("--concurrency <n>", "actions that run at once", wholeNumber(1))
    .option("--json", "print Dataform's RunResult as JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform retry")
    .action(async (dir: string, values: RunValues) => {
      const choice = { command: "retry", retry: true };
      context.setExitCode((await run(context, resolve(context.cwd, dir), values, choice)).exitCode);
    });
};

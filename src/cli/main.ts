import { CommanderError, Command } from "commander";
import { AquiferError, asError, describeError, exitCodes, type ExitCode } from "../base/errors.js";
import type { Effects } from "../base/effects.js";
import type { CommandContext } from "./command.js";
import { commands } from "./commands.js";
import { packageVersion } from "../base/package-version.js";
import { processEffects } from "./process-effects.js";
import { sourceStack } from "../base/source-stack.js";

/**
 * Runs one command line as a process: installs signal handlers, prints errors, sets the exit code.
 *
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<void> {
  const { effects, interrupted } = processEffects();
  process.exitCode = await runCommandLine(argv, { effects, cwd: process.cwd() });
  if (interrupted()) process.exitCode = exitCodes.interrupted;
}

/** Runs one command line with effects handed in. */
export async function runCommandLine(
  argv: readonly string[],
  surroundings: Omit<CommandContext, "setExitCode">,
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.success;
  const context: CommandContext = { ...surroundings, setExitCode: (code) => (exitCode = code) };
  try {
    const args = argv.length === 0 ? ["help"] : [...argv];
    await (await buildProgram(context, args[0])).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (thrown) {
    return report(asError(thrown), context.effects);
  }
}

/** @param asked the command's name as typed; with any other word all commands are there, for help and suggestions */
async function buildProgram(context: CommandContext, asked: string | undefined): Promise<Command> {
  const program = new Command("dataform")
    .description("Dataform for PostgreSQL: compile and run SQLX models, ingest raw files, build reports.")
    .version(packageVersion(), "--version", "print the version")
    .helpCommand("help [command]", "show help for a command")
    .addHelpText("after", "\nExample:\n  $ dataform run --tags gold\n  $ dataform help run");
  const load = commands[asked ?? ""];
  const factories = load ? [load] : Object.values(commands);
  for (const factory of await Promise.all(factories.map((each) => each())))
    program.addCommand(factory(context));
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.effects.stdout.write(text),
      writeErr: (text) => context.effects.stderr.write(text),
      getOutHelpWidth: () => context.effects.stdout.columns,
      getOutHasColors: () => false,
    });
    command.showSuggestionAfterError();
  }
  return program;
}

function report(error: Error, effects: Effects): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed its own message; help and version are no errors.
    return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  }
  if (error instanceof AquiferError) {
    effects.stderr.write(`${describeError(error)}\n`);
    return effects.signal.aborted ? exitCodes.interrupted : error.exitCode;
  }
  const stack = sourceStack(error.stack ?? error.message);
  effects.stderr.write(`This is a defect of Aquifer, please report it.\n${stack}\n`);
  return exitCodes.failure;
}

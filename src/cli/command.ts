import type { Command } from "commander";
import type { ExitCode } from "../base/errors.js";
import type { Effects } from "../base/effects.js";

/** What every command receives. */
export interface CommandContext {
  readonly effects: Effects;
  /** The folder the command was started in; `[dir]` arguments and relative paths resolve against it. */
  readonly cwd: string;
  /** How the process ends when nothing is thrown; 0 unless said. */
  setExitCode(code: ExitCode): void;
}

/**
 * One command of `dataform`: its arguments, help and action. What the action throws is printed by `main`, with the exit
 * code of an `AquiferError`.
 */
export type CommandFactory = (context: CommandContext) => Command;

/** Collects an option that may be repeated or comma-separated: `--tags a,b --tags c`. For commander's `argParser`. */
export function collectList(value: string, previous: readonly string[] | undefined): string[] {
  const parts = value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return [...(previous ?? []), ...parts];
}

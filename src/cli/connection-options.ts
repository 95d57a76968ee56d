import { Option, type Command } from "commander";
import { describeTarget, openWarehouse, type TargetOptions } from "../warehouse/connect.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { CommandContext } from "./command.js";

/** Parsed values of the options that choose the server. */
export interface ConnectionOptions {
  readonly credentials?: string;
  readonly embedded?: boolean;
}

/** Adds `--credentials` and `--embedded` to a command that connects. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(new Option("--credentials <file>", "JSON file that names the server").conflicts("embedded"))
    .option("--embedded", "use the project's embedded server, whatever else is configured");
}

/** What `openWarehouse` and `chooseServer` want to know, from a command's options. */
export function targetOptions(
  context: CommandContext,
  projectRoot: string,
  options: ConnectionOptions,
): TargetOptions {
  const { env, stderr } = context.effects;
  return {
    projectRoot,
    cwd: context.cwd,
    env,
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.embedded === undefined ? {} : { embedded: options.embedded }),
    onStart: (what) => stderr.write(`Starting ${what}...\n`),
  };
}

/**
 * Connects to the server that the options name.
 *
 * @param use `write` prints the target first, on stderr: a command that writes says where
 */
export async function openProjectWarehouse(
  context: CommandContext,
  projectRoot: string,
  options: ConnectionOptions,
  use: { readonly maxSessions: number; readonly purpose: "read" | "write" },
): Promise<Warehouse> {
  const warehouse = await openWarehouse({
    ...targetOptions(context, projectRoot, options),
    maxSessions: use.maxSessions,
  });
  if (use.purpose === "write") context.effects.stderr.write(`${describeTarget(warehouse.target)}\n`);
  return warehouse;
}

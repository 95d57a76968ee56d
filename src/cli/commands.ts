import type { CommandFactory } from "./command.js";
import { compileCommand } from "./compile.js";
import { reportCommand } from "./report.js";
import { runCommand } from "./run.js";
import { warehouseCommand } from "./warehouse.js";

/** All commands, in the order of the help. */
export const commands: readonly CommandFactory[] = [
  compileCommand,
  runCommand,
  reportCommand,
  warehouseCommand,
];

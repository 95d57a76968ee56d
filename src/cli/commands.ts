import type { CommandFactory } from "./command.js";

/** All commands, in the order of the help. */
export const commands: readonly CommandFactory[] = [];

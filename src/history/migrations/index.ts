import type { Migration } from "../migrate.js";
import { run } from "./001-run.js";

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [run];

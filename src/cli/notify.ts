import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Effects } from "../base/effects.js";
import { statusBefore } from "../history/run-query.js";
import type { RunOutcome } from "../run/outcome.js";
import { projectName } from "../run/project-name.js";
import type { PreparedRun } from "./prepare-run.js";

/**
 * Starts the project's `onFailure` command when a run failed, or `onRecovery` when it succeeded after one that had not.
 * The command finds the run's result in the file that AQUIFER_RUN_RESULT names. That it fails is said, and changes nothing.
 */
export async function notify(effects: Effects, prepared: PreparedRun, outcome: RunOutcome): Promise<void> {
  const { config, warehouse, project, root } = prepared;
  const command = outcome.status === "successful" ? config.onRecovery : config.onFailure;
  if (command === undefined) return;
  if (outcome.status === "successful") {
    const before = await statusBefore(warehouse, config.historySchema, projectName(project), outcome.runId);
    if (before === undefined || before === "successful") return;
  }
  const env = {
    ...effects.env,
    AQUIFER_RUN_RESULT: join(root, ".aquifer", "run_results.json"),
    AQUIFER_RUN_STATUS: outcome.status,
    AQUIFER_RUN_ID: outcome.runId,
  };
  const failure = await new Promise<string | undefined>((resolve) => {
    const child = spawn(command, { shell: true, cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) =>
      resolve(code === 0 ? undefined : `exit ${code ?? signal ?? "unknown"}`),
    );
  });
  if (failure !== undefined)
    effects.stderr.write(`The notification command failed (${failure}): ${command}\n`);
}

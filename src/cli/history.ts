import { Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { formatCount, formatDuration } from "../base/format-quantity.js";
import { migrateHistory } from "../history/migrate.js";
import {
  actionsOfRun,
  findRun,
  listRuns,
  type ActionHistory,
  type RunSummary,
} from "../history/run-query.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { wholeNumber } from "./run-options.js";
import { formatTable } from "./text-table.js";

interface HistoryValues extends ConnectionOptions {
  readonly json?: true;
  readonly limit: number;
}

export const historyCommand: CommandFactory = (context) => {
  const command = new Command("history")
    .description("List past runs, or the actions of one run.")
    .argument("[run]", "first characters of a run's id, or `last`")
    .option("--limit <n>", "how many runs to list", wholeNumber(1), 20)
    .option("--json", "print JSON and nothing else");
  return addConnectionOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform history\n  $ dataform history last")
    .action((id: string | undefined, values: HistoryValues) => history(context, id, values));
};

async function history(
  context: CommandContext,
  id: string | undefined,
  values: HistoryValues,
): Promise<void> {
  const { stdout } = context.effects;
  const { root } = findProject(context.cwd);
  const { historySchema } = await loadConfig(root);
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 2, purpose: "read" });
  try {
    await migrateHistory(warehouse, historySchema);
    if (id === undefined) {
      const runs = await listRuns(warehouse, historySchema, values.limit);
      stdout.write(values.json === true ? `${JSON.stringify(runs, null, 2)}\n` : runTable(runs));
      return;
    }
    const run = await findRun(warehouse, historySchema, id === "last" ? {} : { prefix: id });
    if (run === undefined) {
      throw new AquiferError(`No run begins with "${id}"`, {
        code: "unknown-run",
        exitCode: exitCodes.usage,
        hint: "List them with: dataform history",
      });
    }
    const actions = await actionsOfRun(warehouse, historySchema, run.runId);
    stdout.write(
      values.json === true
        ? `${JSON.stringify({ ...run, actions }, null, 2)}\n`
        : runTable([run]) + "\n" + actionTable(actions),
    );
  } finally {
    await warehouse.close();
  }
}

function runTable(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return "No runs yet.\n";
  return formatTable(
    ["run", "started", "command", "status", "took", "done", "failed", "skipped"],
    runs.map((run) => [
      run.runId.slice(0, 8),
      run.startedAt,
      run.command,
      run.status,
      run.seconds === null ? "" : formatDuration(run.seconds * 1000),
      `${run.successful}/${run.planned}`,
      String(run.failed),
      String(run.skipped),
    ]),
  );
}

function actionTable(actions: readonly ActionHistory[]): string {
  const table = formatTable(
    ["action", "status", "path", "took", "rows", "readers waited"],
    actions.map((action) => [
      action.action,
      action.status,
      action.path ?? "",
      action.seconds === null ? "" : formatDuration(action.seconds * 1000),
      action.rows === null ? "" : formatCount(action.rows),
      action.readerWaitMs === null ? "" : formatDuration(action.readerWaitMs),
    ]),
  );
  const errors = actions.flatMap(({ action, error }) =>
    error === null
      ? []
      : [`${action}: ${error.location === undefined ? "" : `${error.location}: `}${error.message}`],
  );
  return table + (errors.length === 0 ? "" : `\n${errors.join("\n")}\n`);
}

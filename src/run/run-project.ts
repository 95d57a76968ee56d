import { setTimeout as pause } from "node:timers/promises";
import { migrateHistory } from "../history/migrate.js";
import { pastDurations, recordCrashedRuns, startRun } from "../history/run-store.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { executionGraph } from "./execution-graph.js";
import type { RunOutcome } from "./outcome.js";
import { checkDatabase, checkDeclarations, createSchemas } from "./preconditions.js";
import { projectName } from "./project-name.js";
import { withRunLock } from "./run-lock.js";
import type { RunOptions } from "./run-options.js";
import { Run } from "./run.js";
import { sweepSessionSchemas } from "./session-schemas.js";

/**
 * Runs the selected actions: each as soon as what it depends on is done, each in a transaction of its own that leaves the
 * new version or no trace.
 *
 * @throws AquiferError before anything is run, when the run cannot start; failures of actions are in the outcome
 */
export async function runProject(options: RunOptions): Promise<RunOutcome> {
  const { warehouse, config, actions } = options;
  const nodes = executionGraph(actions, options.selected, config.auditBeforePublish);
  const existing = await readExistingRelations(
    warehouse,
    [...actions.values()].map((action) => action.target),
  );
  checkDatabase(options.project, existing);
  checkDeclarations(actions, nodes, existing);
  await migrateHistory(warehouse, config.historySchema);
  const schemas = new Set([...nodes.values()].map((node) => node.action.target.schema));
  const runId = options.newId();
  const project = projectName(options.project);
  const lockOptions = {
    project,
    schemas: [...schemas],
    pause: (milliseconds: number) => pause(milliseconds),
    onWait: (holder: string) => options.onEvent({ type: "waiting", holder }),
    patienceMs: Math.min(options.patienceMs ?? 60_000, 5_000),
    signal: options.signal,
  };
  return withRunLock(warehouse, { ...lockOptions, runId }, async (lock) => {
    for (const crashed of await recordCrashedRuns(warehouse, config.historySchema, project)) {
      options.onEvent({ type: "crashed-run", runId: crashed });
    }
    await sweepSessionSchemas(warehouse);
    await createSchemas(
      warehouse,
      [...schemas].filter((schema) => !existing.schemas.has(schema)),
    );
    await startRun(warehouse, config.historySchema, {
      runId,
      project,
      command: options.command,
      options: options.recorded ?? {},
      planned: [...nodes.keys()],
      version: options.version,
    });
    options.onEvent({ type: "planned", runId, total: nodes.size });
    const durations = await pastDurations(warehouse, config.historySchema);
    return new Run({ options, nodes, existing, lock, runId }, durations).execute();
  });
}

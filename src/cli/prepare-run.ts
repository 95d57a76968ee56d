import { AquiferError, exitCodes } from "../base/errors.js";
import { hasHistory, migrateHistory } from "../history/migrate.js";
import { actionsOfRun, findRun } from "../history/run-query.js";
import { toActions, type Action } from "../project/action.js";
import { compileProject } from "../project/compile.js";
import type { CompiledProject } from "../project/compiled-project.js";
import { checkOperationNames, loadConfig, type ResolvedConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { selectActions, type Selection } from "../project/select.js";
import { readProjectState } from "../run/project-state.js";
import { projectName } from "../run/project-name.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { CommandContext } from "./command.js";
import { openProjectWarehouse } from "./connection-options.js";
import { projectOverrides } from "./project-options.js";
import { selectionOf } from "./run-options.js";
import type { RunValues } from "./run.js";
import { ingestedTables, selectorLookUp } from "./selectors.js";

/** How a command that ends in a run chooses what to run, beside its options. */
export interface RunChoice {
  /** Recorded with the run. */
  readonly command: string;
  /** Leaves alone what cannot have changed. */
  readonly onlyModified?: boolean;
  /** Runs exactly what the project's last run did not finish. */
  readonly retry?: boolean;
}

/** A compiled project, a connection, and the actions to run. */
export interface PreparedRun {
  readonly root: string;
  readonly config: ResolvedConfig;
  readonly project: CompiledProject;
  readonly actions: ReadonlyMap<string, Action>;
  readonly selection: Selection;
  readonly selected: ReadonlySet<string>;
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Actions that never succeeded or have changed since. */
  readonly modified: ReadonlySet<string>;
  readonly fullRefresh: boolean;
  readonly concurrency: number;
  readonly warehouse: Warehouse;
}

/** Compiles, connects, chooses; closes the connection when `body` is done. */
export async function withPreparedRun<T>(
  context: CommandContext,
  folder: string,
  values: RunValues,
  choice: RunChoice,
  body: (prepared: PreparedRun) => Promise<T>,
): Promise<T> {
  const { effects } = context;
  const say = (text: string): void => {
    if (values.json !== true) effects.stdout.write(text);
  };
  const { root } = findProject(folder);
  const config = await loadConfig(root);
  say("Compiling...\n\n");
  const timeoutMs = values.timeout ?? config.timeouts.compilation;
  const project = await compileProject({
    projectRoot: root,
    overrides: projectOverrides(values),
    signal: effects.signal,
    onOutput: (text) => effects.stderr.write(text),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const actions = toActions(project);
  checkOperationNames(config, project.graph);
  const selection = selectionOf(values);
  // What the graph alone can tell is refused before anything is connected to.
  if (!asksHistory(selection)) selectActions(project.graph, selection);
  say("Compiled successfully.\n\n");
  const concurrency = values.concurrency ?? config.concurrency ?? 8;
  const isDry = values.dryRun === true;
  const warehouse = await openProjectWarehouse(context, root, values, {
    maxSessions: concurrency + 2,
    purpose: isDry ? "read" : "write",
  });
  try {
    const { historySchema } = config;
    if (!isDry) await migrateHistory(warehouse, historySchema);
    const common = { root, config, project, actions, selection, concurrency, warehouse };
    if (isDry && !(await hasHistory(warehouse, historySchema))) {
      const selected = selectActions(project.graph, selection);
      return await body({
        ...common,
        selected,
        fingerprints: new Map(),
        modified: new Set(),
        fullRefresh: values.fullRefresh === true,
      });
    }
    const ingested = await ingestedTables(root);
    const name = projectName(project);
    const unique = effects.newId();
    const state = await readProjectState({
      actions,
      warehouse,
      historySchema,
      ingested: new Set(ingested.keys()),
      unique,
    });
    const lookUp = await selectorLookUp({
      warehouse,
      historySchema,
      project: name,
      modified: state.modified,
      ingested,
      selection,
    });
    const selected = selectActions(project.graph, { ...selection, lookUp });
    let fullRefresh = values.fullRefresh === true;
    if (choice.onlyModified === true) keepOnly(selected, state.modified, actions);
    if (choice.retry === true) {
      const unfinished = await unfinishedActions(warehouse, historySchema, name);
      keepOnly(selected, unfinished.actions, actions);
      fullRefresh ||= unfinished.fullRefresh;
      say(`Retrying run ${unfinished.runId}.\n\n`);
    }
    return await body({
      ...common,
      selected,
      fingerprints: state.fingerprints,
      modified: state.modified,
      fullRefresh,
    });
  } finally {
    await warehouse.close();
  }
}

function asksHistory(selection: Selection): boolean {
  const patterns = [...(selection.actions ?? []), ...(selection.exclude ?? [])];
  return patterns.some((pattern) => /(state|result|source):/.test(pattern));
}

/** Takes away what is not among `kept`; an assertion goes with the relation that it is checked with. */
function keepOnly(
  selected: Set<string>,
  kept: ReadonlySet<string>,
  actions: ReadonlyMap<string, Action>,
): void {
  for (const key of selected) {
    const action = actions.get(key);
    const parent = action?.kind === "assertion" ? action.parent : undefined;
    if (!kept.has(key) && !(parent !== undefined && kept.has(parent))) selected.delete(key);
  }
}

async function unfinishedActions(
  warehouse: Warehouse,
  historySchema: string,
  project: string,
): Promise<{ runId: string; actions: ReadonlySet<string>; fullRefresh: boolean }> {
  const last = await findRun(warehouse, historySchema, { project });
  if (last === undefined) {
    throw new AquiferError("There is no run to retry", {
      code: "no-run",
      exitCode: exitCodes.usage,
      hint: "Run the project first: dataform run",
    });
  }
  const actions = await actionsOfRun(warehouse, historySchema, last.runId);
  const done = new Set(["successful", "disabled"]);
  return {
    runId: last.runId,
    actions: new Set(actions.filter(({ status }) => !done.has(status)).map(({ action }) => action)),
    fullRefresh: last.fullRefresh,
  };
}

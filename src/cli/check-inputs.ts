import type { CheckOptions } from "../check/check-project.js";
import type { KnownRelation } from "../check/empty-build.js";
import { withEmptyDatabase } from "../check/empty-warehouse.js";
import { readSeeds } from "../ingest/seeds.js";
import { loadParser } from "../check/parse-statement.js";
import { readSnapshot, type Snapshot } from "../check/snapshot.js";
import { compileProject } from "../project/compile.js";
import { loadConfig, runsInTransaction, type ResolvedConfig } from "../project/config.js";
import { reportRelations } from "../project/report-relations.js";
import { bronzeColumns, loadSources, originColumns } from "../project/sources.js";
import { loadReports } from "../report/load-reports.js";
import { startCheckServer } from "./check-server.js";
import type { CommandContext } from "./command.js";
import { projectOverrides, type ProjectOptionValues } from "./project-options.js";

const bronzeSchema = "bronze";

/** All that a check wants to know, but the server. */
export interface CheckInputs extends Omit<CheckOptions, "server"> {
  /** Major version of the project's server, where its settings or its snapshot say so. */
  readonly serverVersion?: number;
}

/** Everything that a check judges, read from a project's folder. */
export async function prepareCheck(
  context: CommandContext,
  root: string,
  values: ProjectOptionValues,
  settings = readSettings(root),
): Promise<CheckInputs> {
  const { signal, stderr } = context.effects;
  const [{ config, snapshot, serverVersion }, project, known, reports] = await Promise.all([
    settings,
    compileProject({
      projectRoot: root,
      overrides: projectOverrides(values),
      signal,
      onOutput: (text) => stderr.write(text),
      ...(values.timeout === undefined ? {} : { timeoutMs: values.timeout }),
    }),
    knownRelations(root),
    loadReports(root),
    loadParser(),
  ]);
  return {
    project,
    known,
    reports,
    signal,
    historySchema: config.historySchema,
    inTransaction: (action) => runsInTransaction(config, action),
    ...(serverVersion === undefined ? {} : { serverVersion }),
    ...(snapshot === undefined ? {} : { snapshot }),
    relationOf: reportRelations(project),
  };
}

/** What a check runs on and judges; the server makes its database while the project is read and compiled. */
export async function withCheckInputs<T>(
  context: CommandContext,
  root: string,
  values: ProjectOptionValues,
  body: (inputs: CheckOptions) => Promise<T>,
): Promise<T> {
  const settings = readSettings(root);
  const inputs = prepareCheck(context, root, values, settings);
  // It is awaited below, or the settings have failed, which fails it too.
  inputs.catch(() => undefined);
  const { config, snapshot, serverVersion } = await settings;
  const { signal } = context.effects;
  const server = startCheckServer(context, root, serverVersion);
  const options = {
    ...{ historySchema: config.historySchema, signal },
    ...(snapshot === undefined ? {} : { snapshot }),
  };
  return withEmptyDatabase(server, options, async (database) => {
    const prepared = await inputs;
    return body({ ...prepared, server: await server, database });
  });
}

interface CheckSettings {
  readonly config: ResolvedConfig;
  readonly snapshot: Snapshot | undefined;
  readonly serverVersion: number | undefined;
}

async function readSettings(root: string): Promise<CheckSettings> {
  const [config, snapshot] = await Promise.all([loadConfig(root), readSnapshot(root)]);
  return { config, snapshot, serverVersion: config.serverVersion ?? snapshot?.server };
}

/** The relations of a project whose columns its files say: sources and seeds. */
export async function knownRelations(root: string): Promise<KnownRelation[]> {
  const sources = await loadSources(root);
  const seeds = await readSeeds(root, sources);
  return [
    ...sources.map((source): KnownRelation => ({
      name: { schema: bronzeSchema, name: source.table },
      kind: "source",
      columns: bronzeColumns(source),
    })),
    ...seeds.map((seed): KnownRelation => ({
      name: { schema: bronzeSchema, name: seed.source.table },
      kind: "source",
      columns: [...seed.columns, ...originColumns],
    })),
  ];
}

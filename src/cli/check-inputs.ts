import type { CheckOptions } from "../check/check-project.js";
import type { KnownRelation } from "../check/empty-build.js";
import { readSeeds } from "../ingest/seeds.js";
import { readSnapshot } from "../check/snapshot.js";
import { compileProject } from "../project/compile.js";
import { loadConfig, runsInTransaction } from "../project/config.js";
import { reportRelations } from "../project/report-relations.js";
import { bronzeColumns, loadSources, originColumns } from "../project/sources.js";
import { loadReports } from "../report/load-reports.js";
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
): Promise<CheckInputs> {
  const { signal, stderr } = context.effects;
  const [config, project, known, reports, snapshot] = await Promise.all([
    loadConfig(root),
    compileProject({
      projectRoot: root,
      overrides: projectOverrides(values),
      signal,
      onOutput: (text) => stderr.write(text),
      ...(values.timeout === undefined ? {} : { timeoutMs: values.timeout }),
    }),
    knownRelations(root),
    loadReports(root),
    readSnapshot(root),
  ]);
  const serverVersion = config.serverVersion ?? snapshot?.server;
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

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AquiferError, asError, exitCodes } from "../base/errors.js";
import { checkProject, type CheckOptions, type CheckResult } from "../check/check-project.js";
import { compareModels, withOthers, type Change, type OtherReader } from "../check/impact.js";
import { readLineage, type Lineage } from "../check/project-lineage.js";
import { readColumns } from "../check/read-columns.js";
import type { WarehouseModel } from "../check/warehouse-model.js";
import { quoteRelation, type RelationName } from "../base/identifiers.js";
import { hasHistory } from "../history/migrate.js";
import { builtRelations } from "../history/run-query.js";
import { projectName } from "../run/project-name.js";
import { readColumnReaders } from "../warehouse/catalog/column-readers.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { chooseServer, embeddedDatabase, openWarehouse } from "../warehouse/connect.js";
import { connectEmbedded } from "../warehouse/embedded-database.js";
import { embeddedStatus, startEmbedded } from "../warehouse/embedded/embedded-server.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { prepareCheck } from "./check-inputs.js";
import type { CommandContext } from "./command.js";
import { targetOptions, type ConnectionOptions } from "./connection-options.js";
import { withRevision } from "./git-revision.js";
import type { ProjectOptionValues } from "./project-options.js";

/** The model of the last check, relative to the root. */
export const lastModel = join(".aquifer", "warehouse.json");

/** What a check says against an earlier state. */
export interface Impact {
  readonly changes: readonly Change[];
  /** Why other people's views and functions are not among the readers. */
  readonly othersUnknown?: string;
}

/** An earlier state of the project; a git revision comes with the lineage that it had. */
export interface EarlierState {
  readonly model: WarehouseModel;
  readonly lineage?: Lineage;
}

type Values = ProjectOptionValues & ConnectionOptions;

/**
 * Reads the state that `--against` names: `last` the check before, `last-run` what the project's runs have built in the
 * warehouse, else a git revision.
 */
export async function readEarlier(
  context: CommandContext,
  root: string,
  values: Values & { readonly against: string },
  { project, server, historySchema }: CheckOptions,
): Promise<EarlierState> {
  if (values.against === "last") return lastCheck(root);
  if (/^last[- ]run$/.test(values.against)) {
    const warehouse = await openReadOnly(context, root, values);
    if (warehouse === undefined) throw noRun();
    try {
      return { model: await lastRun(warehouse, historySchema, projectName(project)) };
    } finally {
      await warehouse.close();
    }
  }
  return withRevision(root, values.against, async (folder) => {
    const inputs = await prepareCheck(context, folder, values);
    let lineage: Lineage = new Map();
    const { model } = await checkProject({ ...inputs, server }, async (session, checked) => {
      lineage = await readLineage(session, checked, inputs.reports, inputs.relationOf);
    });
    return { model, lineage };
  });
}

async function lastCheck(root: string): Promise<EarlierState> {
  const text = await readFile(join(root, lastModel), "utf8").catch(() => undefined);
  if (text !== undefined) return { model: JSON.parse(text) as WarehouseModel };
  throw new AquiferError("There is no earlier check to compare with", {
    code: "no-last-check",
    exitCode: exitCodes.usage,
    hint: "Run dataform check once without --against.",
  });
}

/** What stands in the warehouse of all that the project's runs have built. */
async function lastRun(
  warehouse: Warehouse,
  historySchema: string,
  project: string,
): Promise<WarehouseModel> {
  if (!(await hasHistory(warehouse, historySchema))) throw noRun();
  const built = await builtRelations(warehouse, historySchema, project);
  const { relations: kinds } = await readExistingRelations(warehouse, built);
  const standing = built.filter((each) => kinds.has(keyOf(each)));
  if (standing.length === 0) throw noRun();
  const columns = await readColumns(warehouse, standing);
  const relations = standing.map((relation) => [
    keyOf(relation),
    {
      kind: kinds.get(keyOf(relation))?.endsWith("view") === true ? ("view" as const) : ("table" as const),
      columns: (columns.get(quoteRelation(relation)) ?? []).map(({ name, type }) => ({ name, type })),
    },
  ]);
  return {
    version: 1,
    relations: Object.fromEntries(relations) as WarehouseModel["relations"],
    reports: {},
  };
}

function noRun(): AquiferError {
  return new AquiferError("There is no run of this project in the warehouse to compare with", {
    code: "no-run",
    exitCode: exitCodes.usage,
    hint: "Run the project first (dataform run), or name a git revision.",
  });
}

/**
 * What changes against an earlier state, and who reads it: models and reports by the lineage, other people's views and
 * functions by the warehouse's catalog where it can be reached.
 */
export async function assessImpact(
  context: CommandContext,
  root: string,
  values: Values & { readonly against: string },
  states: { readonly before: EarlierState; readonly after: CheckResult; readonly lineage: Lineage },
): Promise<Impact> {
  const { before, after, lineage } = states;
  // A run builds models only: what else the check knows is not new.
  const model = /^last[- ]run$/.test(values.against) ? onlyBuilt(after.model) : after.model;
  const changes = compareModels(before.model, model, before.lineage ?? lineage);
  if (changes.every(({ kind }) => kind === "added")) return { changes };
  try {
    const own = new Set([...Object.keys(before.model.relations), ...Object.keys(model.relations)]);
    return { changes: withOthers(changes, await otherReaders(context, root, values, changes, own)) };
  } catch (thrown) {
    if (!(thrown instanceof AquiferError)) throw thrown;
    return { changes, othersUnknown: thrown.message };
  }
}

function onlyBuilt(model: WarehouseModel): WarehouseModel {
  const kinds = new Set(["table", "view", "incremental"]);
  const relations = Object.entries(model.relations).filter(([, { kind }]) => kinds.has(kind));
  return { ...model, relations: Object.fromEntries(relations) };
}

async function otherReaders(
  context: CommandContext,
  root: string,
  values: Values,
  changes: readonly Change[],
  own: ReadonlySet<string>,
): Promise<OtherReader[]> {
  const warehouse = await openReadOnly(context, root, values);
  if (warehouse === undefined) return [];
  try {
    const relations = [...new Set(changes.map(({ relation }) => relation))].map(relationOf);
    const readers = await readColumnReaders(warehouse, relations);
    return readers
      .filter(({ name }) => !own.has(name))
      .map(({ relation, column, kind, name }) => ({ relation, column, reader: `${kind} ${name}` }));
  } finally {
    await warehouse.close();
  }
}

/** The warehouse by the rules of every command; undefined for an embedded one that nothing was ever run in. */
async function openReadOnly(
  context: CommandContext,
  root: string,
  values: Values,
): Promise<Warehouse | undefined> {
  const options = { ...targetOptions(context, root, values), maxSessions: 1 };
  const { kind, origin } = await chooseServer(options);
  if (kind === "server") return openWarehouse(options);
  if ((await embeddedStatus(root)).state === "absent") return undefined;
  const server = await startEmbedded(root);
  try {
    return await connectEmbedded(server, { database: embeddedDatabase, origin, maxSessions: 1 });
  } catch (thrown) {
    const error = asError(thrown);
    if (error instanceof WarehouseError && error.server.sqlState === "3D000") return undefined;
    throw error;
  }
}

function keyOf({ schema, name }: RelationName): string {
  return `${schema}.${name}`;
}

function relationOf(key: string): RelationName {
  const dot = key.indexOf(".");
  return { schema: key.slice(0, dot), name: key.slice(dot + 1) };
}

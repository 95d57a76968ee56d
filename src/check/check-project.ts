import { quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Action } from "../project/action.js";
import { toActions } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { ReportRef } from "../project/report-sql.js";
import type { Queryable, Warehouse } from "../warehouse/warehouse.js";
import { ChangedBuild } from "./changed-build.js";
import { ChangedQueries } from "./changed-queries.js";
import { CheckContext } from "./check-context.js";
import type { CheckMemory } from "./check-memory.js";
import { checkReport, type CheckedReport } from "./check-report.js";
import { checkRoles } from "./check-roles.js";
import { checkUnitTests } from "./check-unit-tests.js";
import { buildEmpty, type KnownRelation } from "./empty-build.js";
import { withEmptyWarehouse, type EmptyWarehouseOptions } from "./empty-warehouse.js";
import type { Finding } from "./finding.js";
import { loadParser } from "./parse-statement.js";
import { readColumns } from "./read-columns.js";
import { describeRelations, type DescribedRelation, type WarehouseModel } from "./warehouse-model.js";

export interface CheckOptions extends EmptyWarehouseOptions {
  readonly project: CompiledProject;
  readonly reports: readonly CheckedReport[];
  readonly relationOf: (ref: ReportRef) => RelationName;
  /** False for an operation whose statements run each on its own; unless given, all run in transactions. */
  readonly inTransaction?: (action: Action) => boolean;
  /** What the last check found; given, only what changed since is judged. */
  readonly memory?: CheckMemory;
}

export interface CheckResult {
  /** In the order of files and lines. */
  readonly findings: readonly Finding[];
  /** Major version of the server that judged. */
  readonly server: number;
  readonly model: WarehouseModel;
  /** Number of actions that are judged. */
  readonly actions: number;
  /** How many of them were judged anew, where there was a memory. */
  readonly anew?: number;
  /** Number of queries of reports. */
  readonly queries: number;
  /** Number of unit tests. */
  readonly tests: number;
  /** Actions that could not be judged, each with the reason. */
  readonly unchecked: ReadonlyMap<string, string>;
  /** For the next check. */
  readonly memory: CheckMemory;
}

/**
 * Lets PostgreSQL judge a compiled project without any data: parses every statement, then builds every model empty in a
 * scratch database of the embedded server, in the order of their dependencies, and tries incremental forms, assertions,
 * operations, unit tests and the queries of reports there. Reports every error, not only the first.
 *
 * @param body more to do in the scratch database, such as reading lineage, before it is removed; with a memory, not
 * everything is there
 */
export async function checkProject(
  options: CheckOptions,
  body: (session: Queryable, context: CheckContext) => Promise<void> = async () => undefined,
): Promise<CheckResult> {
  const result = await judgeProject(options, body);
  if (result !== "doubtful") return result;
  const again = await judgeProject({ ...options, database: undefined }, body, "whole");
  if (again === "doubtful") throw new Error("a whole check is never doubtful");
  return again;
}

/** @returns `doubtful` when what is remembered does not suffice to judge by */
async function judgeProject(
  options: CheckOptions,
  body: (session: Queryable, context: CheckContext) => Promise<void>,
  extent: "changed" | "whole" = "changed",
): Promise<CheckResult | "doubtful"> {
  const { project, snapshot, known, historySchema } = options;
  const memory = extent === "whole" ? undefined : options.memory;
  const actions = toActions(project);
  const context = new CheckContext(project, actions, options.inTransaction);
  await loadParser();
  if (snapshot !== undefined) checkRoles(context, snapshot);
  return withEmptyWarehouse(context, options, async ({ session, warehouse }) => {
    const { serverVersion } = warehouse;
    const basis = [serverVersion, known, snapshot, historySchema];
    const build = new ChangedBuild(session, context, inOrder(actions), memory, basis);
    await build.build();
    if (build.isDoubtful) return "doubtful";
    const tests = await checkUnitTests(session, context, build);
    const queries = new ChangedQueries(build);
    const reports: [string, WarehouseModel["reports"][string]][] = [];
    for (const report of options.reports) {
      const judged = await checkReport(session, report, options.relationOf, context, queries);
      context.findings.push(...judged.findings);
      reports.push([report.name, judged.queries]);
    }
    if (build.isDoubtful) return "doubtful";
    await body(session, context);
    const declared = [...actions.values()].filter(({ kind }) => kind === "declaration");
    const others = [...known.map(({ name }) => name), ...declared.map(({ target }) => target)];
    const columns = await readColumns(session, others);
    const relations = describeRelations(
      described(build, actions, known),
      (name) => columns.get(quoteRelation(name)) ?? build.judgementOf(`${name.schema}.${name.name}`)?.columns,
    );
    const model: WarehouseModel = { version: 1, relations, reports: Object.fromEntries(reports) };
    return {
      ...summarise(context, model, options.reports),
      ...(build.remembered === undefined ? {} : { anew: build.judged }),
      server: Math.floor(serverVersion / 10_000),
      memory: { ...build.memory, queries: queries.kept, tests },
    };
  });
}

/**
 * Builds empty what some actions depend on and lends the database: for unit tests, which bring their rows themselves. What
 * cannot be built is left out, for `checkProject` to say.
 */
export async function withEmptyBuild<T>(
  options: EmptyWarehouseOptions & Pick<CheckOptions, "project">,
  keys: ReadonlySet<string>,
  body: (warehouse: Warehouse) => Promise<T>,
): Promise<T> {
  const actions = toActions(options.project);
  const context = new CheckContext(options.project, actions);
  await loadParser();
  return withEmptyWarehouse(context, options, async ({ session, warehouse }) => {
    const needed = new Set(keys);
    const ordered = inOrder(actions);
    for (const { key, dependencies } of [...ordered].reverse()) {
      if (needed.has(key)) for (const each of dependencies) needed.add(each);
    }
    const built = ordered.filter(({ key }) => needed.has(key) && !keys.has(key));
    await buildEmpty(session, context, built);
    return body(warehouse);
  });
}

function summarise(
  context: CheckContext,
  model: WarehouseModel,
  reports: readonly CheckedReport[],
): Omit<CheckResult, "server" | "memory"> {
  const failed = new Set(
    context.findings.filter((each) => each.severity === "error").map((each) => each.subject),
  );
  const unchecked = new Map(
    [...context.actions.keys()].flatMap((key): [string, string][] => {
      const reason = context.broken.get(key);
      return reason === undefined || failed.has(key) ? [] : [[key, reason]];
    }),
  );
  const judged = [...context.actions.values()].filter(
    (action) => action.kind !== "declaration" && !action.disabled && !unchecked.has(action.key),
  );
  const queries = reports.reduce((sum, { report }) => sum + Object.keys(report.data).length, 0);
  const findings = [...context.findings].sort(
    (a, b) =>
      (a.location?.file ?? "").localeCompare(b.location?.file ?? "") ||
      (a.location?.line ?? 0) - (b.location?.line ?? 0) ||
      (a.location?.column ?? 0) - (b.location?.column ?? 0),
  );
  const tests = context.project.unitTests.length;
  return { findings, model, actions: judged.length, queries, tests, unchecked };
}

/** The actions so that each comes after what it depends on; compilation has refused circles. */
export function inOrder(actions: ReadonlyMap<string, Action>): Action[] {
  const done = new Set<string>();
  const ordered: Action[] = [];
  const visit = (action: Action): void => {
    if (done.has(action.key)) return;
    done.add(action.key);
    for (const key of action.dependencies) {
      const dependency = actions.get(key);
      if (dependency) visit(dependency);
    }
    ordered.push(action);
  };
  for (const action of actions.values()) visit(action);
  return ordered;
}

function described(
  build: ChangedBuild,
  actions: ReadonlyMap<string, Action>,
  known: readonly KnownRelation[],
): DescribedRelation[] {
  const own = [...actions.values()].flatMap((action): DescribedRelation[] => {
    if (action.kind === "assertion") return [];
    const sql = build.judgementOf(action.key)?.sql;
    return [
      {
        name: action.target,
        kind: action.kind,
        ...(sql === undefined ? {} : { sql }),
        ...(action.description === undefined ? {} : { description: action.description }),
        columnDescriptions: new Map(
          action.columns.flatMap(({ name, description }) =>
            description === undefined ? [] : [[name, description]],
          ),
        ),
      },
    ];
  });
  const others = known
    .filter(({ name }) => !actions.has(`${name.schema}.${name.name}`))
    .map(({ name, kind }) => ({ name, kind, columnDescriptions: new Map<string, string>() }));
  return [...own, ...others];
}

import { quoteIdentifier, type RelationName } from "../base/identifiers.js";
import { migrateHistory } from "../history/migrate.js";
import type { Action } from "../project/action.js";
import { toActions } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { ReportRef } from "../project/report-sql.js";
import type { ServerAccess } from "../warehouse/embedded-database.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { resetSession } from "./build-alone.js";
import { CheckContext } from "./check-context.js";
import { checkReport, type CheckedReport } from "./check-report.js";
import { buildEmpty, buildKnown, type KnownRelation } from "./empty-build.js";
import type { Finding } from "./finding.js";
import { loadParser } from "./parse-statement.js";
import { withScratchDatabase } from "./scratch-database.js";
import { readRelations, type DescribedRelation, type WarehouseModel } from "./warehouse-model.js";

export interface CheckOptions {
  readonly project: CompiledProject;
  readonly server: ServerAccess;
  /** Sources, seeds and pulled declarations. */
  readonly known: readonly KnownRelation[];
  readonly reports: readonly CheckedReport[];
  readonly relationOf: (ref: ReportRef) => RelationName;
  readonly historySchema: string;
}

export interface CheckResult {
  /** In the order of files and lines. */
  readonly findings: readonly Finding[];
  readonly model: WarehouseModel;
  /** Number of actions that were judged. */
  readonly actions: number;
  /** Number of queries of reports. */
  readonly queries: number;
  /** Actions that could not be judged, each with the reason. */
  readonly unchecked: ReadonlyMap<string, string>;
}

/**
 * Lets PostgreSQL judge a compiled project without any data: parses every statement, then builds every model empty in a
 * scratch database of the embedded server, in the order of their dependencies, and tries incremental forms, assertions,
 * operations and the queries of reports there. Reports every error, not only the first.
 *
 * @param body more to do in the scratch database, such as reading lineage, before it is removed
 */
export async function checkProject(
  options: CheckOptions,
  body: (session: Queryable, context: CheckContext) => Promise<void> = async () => undefined,
): Promise<CheckResult> {
  const actions = toActions(options.project);
  const context = new CheckContext(options.project, actions);
  await loadParser();
  return withScratchDatabase(options.server, async (scratch) => {
    await migrateHistory(scratch, options.historySchema);
    return scratch.withSession(async (session) => {
      await resetSession(session);
      await buildKnown(session, actions.values(), options.known);
      await markUnknown(session, context, options);
      await buildEmpty(session, context, inOrder(actions));
      const isBroken = (key: string): boolean => context.broken.has(key);
      const reports: [string, WarehouseModel["reports"][string]][] = [];
      for (const report of options.reports) {
        const { findings, queries } = await checkReport(session, report, options.relationOf, isBroken);
        context.findings.push(...findings);
        reports.push([report.name, queries]);
      }
      await body(session, context);
      const relations = await readRelations(session, described(actions, options.known));
      const model: WarehouseModel = { version: 1, relations, reports: Object.fromEntries(reports) };
      return summarise(context, model, options.reports);
    });
  });
}

/** A declaration whose columns nobody knows cannot be read, and is no fault of the project. The history is there. */
async function markUnknown(
  session: Queryable,
  context: CheckContext,
  { known, historySchema }: CheckOptions,
): Promise<void> {
  const { rows } = await session.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'v')",
    [quoteIdentifier(historySchema)],
  );
  const keys = new Set([
    ...known.map(({ name }) => `${name.schema}.${name.name}`),
    ...rows.map(({ name }) => `${historySchema}.${name}`),
  ]);
  for (const action of context.actions.values()) {
    if (action.kind !== "declaration" || keys.has(action.key)) continue;
    context.broken.set(action.key, "is declared without columns");
  }
}

function summarise(
  context: CheckContext,
  model: WarehouseModel,
  reports: readonly CheckedReport[],
): CheckResult {
  const failed = new Set(
    context.findings.filter((each) => each.severity === "error").map((each) => each.subject),
  );
  const unchecked = new Map([...context.broken].filter(([key]) => !failed.has(key)));
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
  return { findings, model, actions: judged.length, queries, unchecked };
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
  actions: ReadonlyMap<string, Action>,
  known: readonly KnownRelation[],
): DescribedRelation[] {
  const own = [...actions.values()].flatMap((action): DescribedRelation[] => {
    if (action.kind === "assertion") return [];
    return [
      {
        name: action.target,
        kind: action.kind,
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

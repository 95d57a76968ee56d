import { formatRelation } from "../base/identifiers.js";
import { readDataVersions } from "../history/data-versions.js";
import { lastFingerprints } from "../history/run-query.js";
import type { Action } from "../project/action.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { loadParser } from "../statements/hidden-inputs.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { fingerprints } from "./fingerprint.js";

/** How a project stands against what the warehouse holds. */
export interface ProjectState {
  /** Fingerprint of each action as it is now. */
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Actions that never succeeded, whose fingerprint changed, or whose relation is gone. */
  readonly modified: ReadonlySet<string>;
}

export interface ProjectStateOptions {
  readonly actions: ReadonlyMap<string, Action>;
  readonly warehouse: Queryable;
  readonly historySchema: string;
  /** `schema.name` of the tables that ingest fills, also those that hold nothing yet. */
  readonly ingested: ReadonlySet<string>;
  readonly unique: string;
}

/** Compares a project with the last success of each of its actions. A handful of queries, whatever its size. */
export async function readProjectState(options: ProjectStateOptions): Promise<ProjectState> {
  const { actions, warehouse, historySchema, ingested } = options;
  await loadParser();
  const versions = await readDataVersions(warehouse, historySchema);
  const now = fingerprints({
    actions,
    dataVersion: (relation) => versions.get(relation) ?? (ingested.has(relation) ? "empty" : undefined),
    volatileFunctions: await readVolatileFunctions(warehouse),
    unique: options.unique,
  });
  const last = await lastFingerprints(warehouse, historySchema);
  const existing = await readExistingRelations(
    warehouse,
    [...actions.values()].map((action) => action.target),
  );
  const modified = new Set<string>();
  for (const [key, action] of actions) {
    if (action.kind === "declaration" || action.disabled) continue;
    const isGone = action.kind !== "operations" && !existing.relations.has(formatRelation(action.target));
    if (isGone || last.get(key) !== now.get(key)) modified.add(key);
  }
  return { fingerprints: now, modified };
}

/** Functions marked volatile, and those stable ones that tell the time or the user. */
async function readVolatileFunctions(queryable: Queryable): Promise<ReadonlySet<string>> {
  const answer = await queryable.query<{ names: string[] }>(
    `select coalesce(json_agg(distinct proname), '[]') as names from pg_catalog.pg_proc
where provolatile = 'v' or (pronamespace = 'pg_catalog'::regnamespace and provolatile = 's' and proname in (
  'now', 'transaction_timestamp', 'statement_timestamp', 'age', 'current_setting', 'txid_current', 'pg_current_xact_id'))`,
  );
  return new Set(answer.rows[0]?.names);
}

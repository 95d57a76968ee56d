import { quoteIdentifier } from "../base/identifiers.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { readDataVersions } from "./data-versions.js";
import { hasHistory } from "./migrate.js";

/**
 * A short text for each relation that Aquifer built or loaded, by `schema.name`: it changes with every success of the
 * action and with every change of the loaded files. No clock is asked, so it holds whichever machine ran what.
 */
export async function readRelationVersions(
  queryable: Queryable,
  schema: string,
): Promise<ReadonlyMap<string, string>> {
  if (!(await hasHistory(queryable, schema))) return new Map();
  const built = await queryable.query<{ action: string; version: string }>(
    `select action, max(action_run_id)::text as version from ${quoteIdentifier(schema)}.action_run
where status = 'successful' group by action`,
  );
  return new Map([
    ...(await readDataVersions(queryable, schema)),
    ...built.rows.map(({ action, version }): [string, string] => [action, version]),
  ]);
}

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { actionsOfRun, findRun } from "../history/run-query.js";
import type { LookedUp, Selection } from "../project/select.js";
import { loadSources } from "../project/sources.js";
import type { Warehouse } from "../warehouse/warehouse.js";

/** Bronze tables that ingest fills, by `schema.name`, with the name of their source. */
export async function ingestedTables(projectRoot: string): Promise<ReadonlyMap<string, string>> {
  const sources = await loadSources(projectRoot);
  const seeds = await readdir(join(projectRoot, "seeds")).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  });
  return new Map([
    ...sources.map((source): [string, string] => [`bronze.${source.table}`, source.name]),
    ...seeds
      .filter((file) => file.endsWith(".csv"))
      .map((file) => file.slice(0, -4))
      .map((name): [string, string] => [`bronze.${name}`, `seed/${name}`]),
  ]);
}

/**
 * Answers the selectors that need more than the graph: `state:modified`, `result:failed` (of the project's last run, any
 * status), `source:<source or system>`.
 */
export async function selectorLookUp(options: {
  readonly warehouse: Warehouse;
  readonly historySchema: string;
  readonly project: string;
  readonly modified: ReadonlySet<string>;
  readonly ingested: ReadonlyMap<string, string>;
  readonly selection: Selection;
}): Promise<NonNullable<Selection["lookUp"]>> {
  const { warehouse, historySchema, project, modified, ingested, selection } = options;
  const patterns = [...(selection.actions ?? []), ...(selection.exclude ?? [])];
  const results = new Map<string, Set<string>>();
  if (patterns.some((pattern) => pattern.includes("result:"))) {
    const last = await findRun(warehouse, historySchema, { project });
    const actions = last === undefined ? [] : await actionsOfRun(warehouse, historySchema, last.runId);
    for (const { action, status } of actions) {
      results.set(status, new Set([...(results.get(status) ?? []), action]));
    }
  }
  return ({ kind, value }: { kind: LookedUp; value: string }) => {
    switch (kind) {
      case "state":
        return value === "modified" ? modified : undefined;
      case "result":
        return knownResults.has(value) ? (results.get(value) ?? new Set()) : undefined;
      case "source": {
        const tables = [...ingested].filter(
          ([, source]) => source === value || source.startsWith(`${value}/`),
        );
        return tables.length === 0 ? undefined : new Set(tables.map(([table]) => table));
      }
    }
  };
}

const knownResults = new Set(["successful", "failed", "skipped", "cancelled", "unfinished", "disabled"]);

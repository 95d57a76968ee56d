import { Command } from "commander";
import { parseDuration } from "../base/duration.js";
import { exitCodes } from "../base/errors.js";
import { hasHistory } from "../history/migrate.js";
import { readLastLoads } from "../history/source-ages.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import type { Source } from "../project/source.js";
import { loadSources, selectSources } from "../project/sources.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { formatTable } from "./text-table.js";

interface FreshnessValues extends ConnectionOptions {
  readonly json?: true;
}

interface SourceAge {
  readonly source: string;
  readonly lastLoaded: string | null;
  readonly ageSeconds: number | null;
  readonly status: "fresh" | "warn" | "error" | "no limit";
}

export const freshnessCommand: CommandFactory = (context) => {
  const command = new Command("freshness")
    .description("Say how old the data of each source is; exit 1 when one is older than its errorAfter.")
    .argument("[source...]", "sources (system/type) or whole systems; all unless named")
    .option("--json", "print JSON and nothing else");
  return addConnectionOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform freshness\n  $ dataform freshness shop/orders --json")
    .action((names: string[], values: FreshnessValues) => freshness(context, names, values));
};

async function freshness(context: CommandContext, names: string[], values: FreshnessValues): Promise<void> {
  const { stdout, clock } = context.effects;
  const { root } = findProject(context.cwd);
  const { historySchema } = await loadConfig(root);
  const sources = selectSources(await loadSources(root), names);
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 1, purpose: "read" });
  try {
    const isKnown = await hasHistory(warehouse, historySchema);
    const loads = isKnown ? await readLastLoads(warehouse, historySchema) : new Map<string, Date>();
    const ages = sources.map((source) => ageOf(source, loads.get(source.name), clock.now()));
    if (values.json === true) stdout.write(`${JSON.stringify(ages, null, 2)}\n`);
    else stdout.write(ages.length === 0 ? "No sources.\n" : ageTable(ages));
    if (ages.some(({ status }) => status === "error")) context.setExitCode(exitCodes.failure);
  } finally {
    await warehouse.close();
  }
}

function ageOf(source: Source, lastLoaded: Date | undefined, now: Date): SourceAge {
  const age = lastLoaded === undefined ? Infinity : now.getTime() - lastLoaded.getTime();
  const { warnAfter, errorAfter } = source.freshness;
  const isOver = (limit: string | undefined): boolean => limit !== undefined && age > parseDuration(limit);
  const isLimited = warnAfter !== undefined || errorAfter !== undefined;
  return {
    source: source.name,
    lastLoaded: lastLoaded?.toISOString() ?? null,
    ageSeconds: lastLoaded === undefined ? null : Math.round(age / 1000),
    status: !isLimited ? "no limit" : isOver(errorAfter) ? "error" : isOver(warnAfter) ? "warn" : "fresh",
  };
}

function ageTable(ages: readonly SourceAge[]): string {
  return formatTable(
    ["source", "last loaded", "age", "status"],
    ages.map(({ source, lastLoaded, ageSeconds, status }) => [
      source,
      lastLoaded?.replace("T", " ").replace(/\.\d+Z$/, " UTC") ?? "never",
      ageSeconds === null ? "" : formatAge(ageSeconds),
      status,
    ]),
  );
}

/** `3 d 4 h`, `4 h 12 min`, `5 min`. */
function formatAge(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

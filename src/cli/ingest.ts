import { Command } from "commander";
import { AquiferError } from "../base/errors.js";
import { formatBytes, formatCount, formatDuration, formatPlural } from "../base/format-quantity.js";
import { packageVersion } from "../base/package-version.js";
import { describeMissing } from "../ingest/describe-missing.js";
import { parsePeriod } from "../ingest/file-period.js";
import type { FileResult, IngestEvent } from "../ingest/file-result.js";
import { ingest, type IngestResult } from "../ingest/ingest.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { loadSources, selectSources } from "../project/sources.js";
import type { CommandContext, CommandFactory } from "./command.js";
import {
  addConnectionOptions,
  openBroker,
  openConnection,
  openProjectWarehouse,
  type ConnectionOptions,
} from "./connection-options.js";
import { run } from "./run.js";
import { ProgressLine } from "./progress-line.js";

interface IngestValues extends ConnectionOptions {
  readonly period?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly json?: true;
  readonly run?: true;
  readonly acceptGaps?: true;
}

/** One connection holds the lock and the ledger, two copy. */
const maxSessions = 3;

export const ingestCommand: CommandFactory = (context) => {
  const command = new Command("ingest")
    .description(
      "Load what is new in raw/, seeds/, operational databases and topics into bronze, all of it in one batch or nothing.",
    )
    .argument("[source...]", "sources (system/type) or whole systems; all unless named")
    .option("--run", "then run the actions that read, directly or not, what was loaded")
    .option(
      "--period <period>",
      "period of files that do not tell it, and the only one to extract from databases: YYYY, YYYY-MM or YYYY-MM-DD",
    )
    .option("--dry-run", "print what would be done with each file and why; write nothing")
    .option("--force", "load again what is unchanged")
    .option("--accept-gaps", "go on behind messages of topics that retention removed before they were loaded")
    .option("--json", "print one JSON object a line: each file, then the batch");
  return addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform ingest\n  $ dataform ingest shop/orders --period 2026-01 --dry-run",
    )
    .action(async (names: string[], values: IngestValues) => {
      const result = await runIngest(context, names, values);
      if (values.run === true && values.dryRun !== true) await runTouched(context, result, values);
    });
};

async function runTouched(
  context: CommandContext,
  result: IngestResult,
  values: IngestValues,
): Promise<void> {
  const loaded = result.files.filter(({ action }) => action !== "skip").map(({ table }) => `${table}+`);
  if (loaded.length === 0) return;
  const { credentials, embedded } = values;
  const { exitCode } = await run(
    context,
    context.cwd,
    {
      actions: [...new Set(loaded)],
      ...(credentials === undefined ? {} : { credentials }),
      ...(embedded === undefined ? {} : { embedded }),
      ...(values.json === true ? { json: true } : {}),
    },
    { command: "ingest --run" },
  );
  context.setExitCode(exitCode);
}

/** The command without its parsing, for commands that ingest as their first step. */
export async function runIngest(
  context: CommandContext,
  names: readonly string[],
  values: IngestValues,
): Promise<IngestResult> {
  const { clock, signal } = context.effects;
  const { root } = findProject(context.cwd);
  const config = await loadConfig(root);
  const sources = await loadSources(root);
  const selected = selectSources(
    sources,
    names.flatMap((name) => name.split(",")),
  );
  const period = values.period === undefined ? undefined : parsePeriod(values.period);
  const display = new IngestDisplay(context, values.json === true, values.dryRun === true);
  const warehouse = await openProjectWarehouse(context, root, values, {
    maxSessions,
    purpose: values.dryRun === true ? "read" : "write",
  });
  const begin = clock.elapsed();
  const orLeftOut = async <T>(connect: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await connect();
    } catch (thrown) {
      // Who asks for everything has what is there; who names the source wants it.
      if (names.length > 0 || !(thrown instanceof AquiferError) || thrown.code !== "no-connection-url")
        throw thrown;
      context.effects.stderr.write(`Left out: ${thrown.message}\n`);
      return undefined;
    }
  };
  try {
    const result = await ingest({
      projectRoot: root,
      warehouse,
      sources,
      selected,
      ...(period === undefined ? {} : { period }),
      dryRun: values.dryRun === true,
      force: values.force === true,
      historySchema: config.historySchema,
      acceptGaps: values.acceptGaps === true,
      openConnection: (name) => orLeftOut(() => openConnection(context, root, values, config, name)),
      openBroker: (name) => orLeftOut(() => openBroker(context, root, config, name)),
      version: packageVersion(),
      now: () => clock.now(),
      elapsed: () => clock.elapsed(),
      signal,
      onEvent: (event) => display.onEvent(event),
    });
    display.end(result, clock.elapsed() - begin);
    return result;
  } finally {
    display.clear();
    await warehouse.close();
  }
}

class IngestDisplay {
  private readonly progress: ProgressLine;
  /** Files that were left alone, by reason: after months there are hundreds, and no line for each. */
  private readonly skipped = new Map<string, number>();
  private began: { readonly file: string; readonly at: number; readonly bytes: number } | undefined;

  constructor(
    private readonly context: CommandContext,
    private readonly json: boolean,
    private readonly dryRun: boolean,
  ) {
    this.progress = new ProgressLine(context.effects.stderr, () => context.effects.clock.elapsed());
  }

  onEvent(event: IngestEvent): void {
    if (event.kind === "progress") {
      this.progress.show(() => this.progressText(event));
    } else if (event.kind === "waiting") {
      this.clear();
      this.context.effects.stderr.write(
        `Waiting for a lock on bronze: ${event.holders.join("; ") || "held by nobody that is seen"}\n`,
      );
    } else if (event.kind === "swept") {
      this.clear();
      this.context.effects.stderr.write(
        `Removed what an interrupted load left behind: ${event.batches.join(", ")}\n`,
      );
    } else if (event.kind === "unanalyzed") {
      this.clear();
      this.context.effects.stderr.write(
        `${event.table} is loaded, its statistics are left to autovacuum: ${event.details.join("; ")}\n`,
      );
    } else if (this.json) {
      this.say(JSON.stringify(event.file));
    } else if (event.file.action === "skip" && !this.dryRun) {
      const { reason } = event.file;
      this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
    } else {
      this.say(fileLine(event.file, this.dryRun));
    }
  }

  end(result: IngestResult, milliseconds: number): void {
    if (this.json) {
      this.say(
        JSON.stringify({ batch: result.batch ?? null, waiting: result.waiting, missing: result.missing }),
      );
      return;
    }
    for (const [reason, files] of this.skipped)
      this.say(`Skipped: ${formatPlural(files, "file")} (${reason})`);
    if (!this.dryRun) this.say(batchLine(result, milliseconds));
    if (result.waiting.length > 0) this.say(`No data yet: ${result.waiting.join(", ")}`);
    if (result.missing.length > 0) this.say(`Missing: ${describeMissing(result.missing)}`);
  }

  clear(): void {
    this.progress.clear();
  }

  private say(line: string): void {
    this.clear();
    this.context.effects.stdout.write(`${line}\n`);
  }

  private progressText(event: IngestEvent & { kind: "progress" }): string {
    const now = this.context.effects.clock.elapsed();
    const key = `${event.phase} ${event.file}`;
    if (this.began?.file !== key) this.began = { file: key, at: now, bytes: event.bytes };
    const share = event.total === 0 ? undefined : Math.min(1, event.bytes / event.total);
    const seconds = (now - this.began.at) / 1000;
    const rate = seconds === 0 ? 0 : (event.bytes - this.began.bytes) / seconds;
    const left = rate === 0 ? 0 : Math.max(0, event.total - event.bytes) / rate;
    const word = event.phase === "reading" ? "Reading" : "Loading";
    const head = `${word} ${event.file}`;
    // How many bytes a topic holds is known when they have come.
    if (share === undefined) return `${head}  ${formatBytes(event.bytes)}  ${formatBytes(rate)}/s`;
    return `${head}  ${Math.floor(share * 100)} %  ${formatBytes(rate)}/s  ${formatDuration(left * 1000)} left`;
  }
}

function fileLine(file: FileResult, dryRun: boolean): string {
  if (file.action === "skip") return `Skipped: ${file.file} (${file.reason})`;
  const verb = dryRun ? `Would ${file.action}` : file.action === "load" ? "Loaded" : "Restored";
  const parts = [
    `${verb}: ${file.file} -> ${file.table}`,
    formatPlural(file.rows, "row"),
    ...(file.rejected > 0 ? [`${formatCount(file.rejected)} rejected`] : []),
    ...(file.repaired > 0 ? [`${formatCount(file.repaired)} repaired`] : []),
    ...(file.period === undefined ? [] : [`period ${file.period}`]),
    ...(file.columnsAdded.length > 0 ? [`new columns ${file.columnsAdded.join(", ")}`] : []),
    ...(file.columnsMissing.length > 0 ? [`without ${file.columnsMissing.join(", ")}`] : []),
    ...(file.encoding === "utf-8" ? [] : [file.encoding]),
    ...(dryRun || file.action === "restore"
      ? []
      : [`${formatBytes(file.bytes / Math.max(file.seconds, 0.001))}/s`, file.method]),
    ...(file.reason === "new" ? [] : [file.reason]),
  ];
  return dryRun ? `${parts.join(", ")}\n  ${file.source}: ${file.classification}` : parts.join(", ");
}

function batchLine(result: IngestResult, milliseconds: number): string {
  const loaded = result.files.filter(({ action }) => action !== "skip");
  if (result.batch === undefined) return "Nothing new.";
  const rows = loaded.reduce((sum, file) => sum + file.rows, 0);
  return `Batch ${result.batch}: ${formatPlural(rows, "row")} of ${formatPlural(loaded.length, "file")} in ${formatDuration(milliseconds)}`;
}

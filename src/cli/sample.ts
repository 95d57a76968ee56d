import { Command, InvalidArgumentError } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { formatBytes, formatDuration, formatPlural } from "../base/format-quantity.js";
import { nearestName } from "../base/nearest-name.js";
import { writeSample } from "../ingest/write-sample.js";
import { writeSampleTable } from "../ingest/write-sample-table.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { loadSamples, type Sample, type SampleRequest } from "../project/sample.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { CommandContext, CommandFactory } from "./command.js";
import {
  addConnectionOptions,
  brokerOf,
  openConnection,
  type ConnectionOptions,
} from "./connection-options.js";
import { ProgressLine } from "./progress-line.js";

interface SampleValues extends ConnectionOptions {
  readonly customers?: number;
  readonly months?: number;
  readonly seed: number;
  readonly broken?: true;
  readonly topics?: true;
}

export const sampleCommand: CommandFactory = (context) =>
  addConnectionOptions(new Command("sample"))
    .description(
      "Write invented raw files in their real shape to raw/, tables to operational databases and messages to topics; the same seed gives the same bytes.",
    )
    .argument("[system...]", "systems; all that have a generator unless named")
    .option("--customers <n>", "how many customers", wholeNumber)
    .option("--months <n>", "how many months of data", wholeNumber)
    .option("--seed <n>", "start of the random numbers", wholeNumber, 1)
    .option("--broken", "also write files that ingest refuses: an empty one, a cut-off archive ...")
    .option(
      "--topics",
      "also send messages to topics, which must be there and empty; see the variable <NAME>_KAFKA_URL",
    )
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform sample\n  $ dataform sample shop --customers 100000 --seed 7",
    )
    .action((systems: string[], values: SampleValues) => runSample(context, systems, values));

/** The command without its parsing. */
export async function runSample(
  context: CommandContext,
  systems: readonly string[],
  values: SampleValues,
): Promise<void> {
  const { stdout, stderr, clock, signal } = context.effects;
  const { root } = findProject(context.cwd);
  const samples = selectSamples(
    await loadSamples(root),
    systems.flatMap((name) => name.split(",")),
  );
  const progress = new ProgressLine(stderr, () => clock.elapsed());
  for (const sample of samples) {
    const begin = clock.elapsed();
    let [files, bytes, rows] = [0, 0, 0];
    const request = {
      customers: values.customers ?? sample.defaults.customers,
      months: values.months ?? sample.defaults.months,
      seed: values.seed,
      broken: values.broken ?? false,
    };
    for (const file of sample.files(request)) {
      const onBytes = (written: number): void =>
        progress.show(() => `Writing raw/${sample.name}/${file.path}  ${formatBytes(written)}`);
      onBytes(0);
      bytes += await writeSample({ root, system: sample.name, item: file, signal, onBytes });
      files += 1;
      rows += file.rows ?? 0;
    }
    progress.clear();
    const size = [
      formatPlural(files, "file"),
      ...(rows > 0 ? [formatPlural(rows, "row")] : []),
      formatBytes(bytes),
    ];
    if (files > 0) {
      stdout.write(
        `Sample written: raw/${sample.name}/  ${size.join(", ")}, ${formatDuration(clock.elapsed() - begin)}\n`,
      );
    }
    await writeTables(context, root, sample, request, values);
    if (values.topics === true) await sendTopics(context, root, sample, request);
  }
}

async function sendTopics(
  context: CommandContext,
  root: string,
  sample: Sample,
  request: SampleRequest,
): Promise<void> {
  const { stdout, stderr, clock, signal } = context.effects;
  const config = await loadConfig(root);
  const progress = new ProgressLine(stderr, () => clock.elapsed());
  for (const topic of sample.topics(request)) {
    const begin = clock.elapsed();
    const place = `${topic.connection}: ${topic.topic}`;
    const cluster = await brokerOf(context, root, config, topic.connection);
    const { sendSampleTopic } = await import("../ingest/kafka/send-sample-topic.js");
    try {
      const { messages, bytes } = await sendSampleTopic(cluster, topic, {
        signal,
        onBytes: (sent) => progress.show(() => `Sending ${place}  ${formatBytes(sent)}`),
      });
      progress.clear();
      const size = [
        formatPlural(messages, "message"),
        formatBytes(bytes),
        formatDuration(clock.elapsed() - begin),
      ];
      stdout.write(`Sample sent: ${place}  ${size.join(", ")}\n`);
    } finally {
      progress.clear();
    }
  }
}

async function writeTables(
  context: CommandContext,
  root: string,
  sample: Sample,
  request: SampleRequest,
  values: SampleValues,
): Promise<void> {
  const { stdout, stderr, clock, signal } = context.effects;
  const config = await loadConfig(root);
  const progress = new ProgressLine(stderr, () => clock.elapsed());
  const databases = new Map<string, Warehouse>();
  try {
    for (const table of sample.tables(request)) {
      const begin = clock.elapsed();
      const place = `${table.connection}: ${table.table}`;
      const database =
        databases.get(table.connection) ??
        (await openConnection(context, root, values, config, table.connection, { create: true }));
      if (!database) throw new Error("a database that was to be made is not there");
      databases.set(table.connection, database);
      const { rows, bytes } = await writeSampleTable(database, table, {
        signal,
        onBytes: (sent) => progress.show(() => `Writing ${place}  ${formatBytes(sent)}`),
      });
      progress.clear();
      const size = [formatPlural(rows, "row"), formatBytes(bytes), formatDuration(clock.elapsed() - begin)];
      stdout.write(`Sample written: ${place}  ${size.join(", ")}\n`);
    }
  } finally {
    progress.clear();
    await Promise.all([...databases.values()].map((database) => database.close()));
  }
}

function selectSamples(samples: readonly Sample[], systems: readonly string[]): readonly Sample[] {
  if (samples.length === 0) {
    throw new AquiferError("The project has no sample generator", {
      code: "no-samples",
      exitCode: exitCodes.usage,
      hint: "Write one with defineSample in ingest/samples/<system>.ts.",
    });
  }
  const names = samples.map(({ name }) => name);
  for (const system of systems) {
    if (names.includes(system)) continue;
    const near = nearestName(system, names);
    throw new AquiferError(`No sample generator is named "${system}"`, {
      code: "unknown-sample",
      exitCode: exitCodes.usage,
      hint: near === undefined ? `There are: ${names.join(", ")}.` : `Did you mean "${near}"?`,
    });
  }
  return systems.length === 0 ? samples : samples.filter(({ name }) => systems.includes(name));
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError("It must be a whole number.");
  return number;
}

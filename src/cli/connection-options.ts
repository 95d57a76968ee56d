import { Option, type Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { brokerParameters } from "../ingest/kafka/broker-parameters.js";
import type { ClusterParameters } from "../ingest/kafka/kafkajs-cluster.js";
import type { MessageSource } from "../ingest/kafka/message-source.js";
import { brokerVariable, urlVariable, type ResolvedConfig } from "../project/config.js";
import { describeTarget, openWarehouse, type TargetOptions } from "../warehouse/connect.js";
import { openOperational } from "../warehouse/operational-database.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { CommandContext } from "./command.js";

/** Parsed values of the options that choose the server. */
export interface ConnectionOptions {
  readonly credentials?: string;
  readonly embedded?: boolean;
}

/** Adds `--credentials` and `--embedded` to a command that connects. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(new Option("--credentials <file>", "JSON file that names the server").conflicts("embedded"))
    .option("--embedded", "use the project's embedded server, whatever else is configured");
}

/** What `openWarehouse` and `chooseServer` want to know, from a command's options. */
export function targetOptions(
  context: CommandContext,
  projectRoot: string,
  options: ConnectionOptions,
): TargetOptions {
  const { env, stderr } = context.effects;
  return {
    projectRoot,
    cwd: context.cwd,
    env,
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.embedded === undefined ? {} : { embedded: options.embedded }),
    onStart: (what) => stderr.write(`Starting ${what}...\n`),
  };
}

/**
 * Connects to the server that the options name.
 *
 * @param use `write` prints the target first, on stderr: a command that writes says where
 */
export async function openProjectWarehouse(
  context: CommandContext,
  projectRoot: string,
  options: ConnectionOptions,
  use: { readonly maxSessions: number; readonly purpose: "read" | "write" },
): Promise<Warehouse> {
  const warehouse = await openWarehouse({
    ...targetOptions(context, projectRoot, options),
    maxSessions: use.maxSessions,
  });
  if (use.purpose === "write") context.effects.stderr.write(`${describeTarget(warehouse.target)}\n`);
  return warehouse;
}

/**
 * Connects to an operational database of the project, see `openOperational`.
 *
 * @param use `create` makes it where it is one of the embedded server
 */
export function openConnection(
  context: CommandContext,
  projectRoot: string,
  options: ConnectionOptions,
  config: Pick<ResolvedConfig, "connections">,
  connection: string,
  use: { readonly create?: boolean } = {},
): Promise<Warehouse | undefined> {
  return openOperational({
    ...targetOptions(context, projectRoot, options),
    connection,
    variable: urlVariable(config, connection),
    maxSessions: 2,
    ...use,
  });
}

/**
 * Where the brokers of a connection are, by what its environment variable says.
 *
 * @throws AquiferError `no-connection-url` when the variable is not set
 */
export async function brokerOf(
  context: CommandContext,
  projectRoot: string,
  config: Pick<ResolvedConfig, "connections">,
  connection: string,
): Promise<ClusterParameters> {
  const variable = brokerVariable(config, connection);
  const value = context.effects.env[variable] ?? "";
  if (value === "") {
    throw new AquiferError(`The connection "${connection}" leads nowhere: ${variable} is not set`, {
      code: "no-connection-url",
      exitCode: exitCodes.usage,
      hint: `Set ${variable} to kafka://host:9092, or kafkas://user:password@host:9093 for TLS.`,
    });
  }
  return brokerParameters(value, variable, projectRoot);
}

/** Connects to a cluster of Kafka, see `brokerOf`. */
export async function openBroker(
  context: CommandContext,
  projectRoot: string,
  config: Pick<ResolvedConfig, "connections">,
  connection: string,
): Promise<MessageSource> {
  const parameters = await brokerOf(context, projectRoot, config, connection);
  // Loaded only where a topic is read: the client costs every command some 100 ms.
  const { openCluster } = await import("../ingest/kafka/open-cluster.js");
  return openCluster(connection, parameters);
}

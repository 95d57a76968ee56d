import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { exitCodes } from "../base/errors.js";
import { findProject } from "../project/find-project.js";
import { chooseServer, describeTarget, openWarehouse, sweepEmbedded } from "../warehouse/connect.js";
import {
  embeddedStatus,
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
} from "../warehouse/embedded/embedded-server.js";
import type { EmbeddedStatus } from "../warehouse/embedded/embedded-server.js";
import { clientEnvironment, connectionUrl } from "../warehouse/other-clients.js";
import { usageError } from "../warehouse/connection/parameters.js";
import { resetCheckServers, stopCheckServers } from "./check-server.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, targetOptions, type ConnectionOptions } from "./connection-options.js";
import { alignedTable, runSqlPrompt } from "./sql-prompt.js";

export const warehouseCommand: CommandFactory = (context) => {
  const command = new Command("warehouse").description(
    "Start and stop the embedded PostgreSQL; open a client on the warehouse.",
  );
  command
    .addCommand(startCommand(context))
    .addCommand(stopCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(urlCommand(context))
    .addCommand(psqlCommand(context))
    .addCommand(resetCommand(context));
  return command.addHelpText(
    "after",
    example("dataform warehouse start", 'psql "$(dataform warehouse url)"'),
  );
};

const jsonText = "print one JSON document";
const dirText = "the project's folder";

function startCommand(context: CommandContext): Command {
  return new Command("start")
    .description("Start the embedded server; other commands do so on demand.")
    .argument("[dir]", dirText)
    .option("--json", jsonText)
    .addHelpText("after", example("dataform warehouse start"))
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const root = projectRoot(context, dir);
      const server = await startEmbedded(root, {
        onStart: (what) => context.effects.stderr.write(`Starting ${what}...\n`),
      });
      await sweepEmbedded(server);
      writeStatus(context, await embeddedStatus(root), options.json);
    });
}

function stopCommand(context: CommandContext): Command {
  return new Command("stop")
    .description("Stop the embedded server; its data stay.")
    .argument("[dir]", dirText)
    .addHelpText("after", example("dataform warehouse stop"))
    .action(async (dir: string | undefined) => {
      const root = projectRoot(context, dir);
      const others = await stopCheckServers(root);
      const stopped = (await stopEmbedded(root)) || others;
      context.effects.stdout.write(
        stopped ? "Embedded PostgreSQL stopped.\n" : "Embedded PostgreSQL was not running.\n",
      );
    });
}

function statusCommand(context: CommandContext): Command {
  return new Command("status")
    .description("Tell whether the embedded server runs, and where.")
    .argument("[dir]", dirText)
    .option("--json", jsonText)
    .addHelpText("after", example("dataform warehouse status --json"))
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      writeStatus(context, await embeddedStatus(projectRoot(context, dir)), options.json);
    });
}

function urlCommand(context: CommandContext): Command {
  return addConnectionOptions(
    new Command("url")
      .description("Print a connection URL for other clients; starts the embedded server.")
      .argument("[dir]", dirText)
      .option(
        "--password",
        "write the embedded server's password into the URL, for clients that do not know passfile",
      ),
  )
    .addHelpText("after", example('psql "$(dataform warehouse url)"'))
    .action(async (dir: string | undefined, options: ConnectionOptions & { password?: boolean }) => {
      const url = await connectionUrl(targetOptions(context, projectRoot(context, dir), options), {
        showPassword: options.password ?? false,
      });
      context.effects.stdout.write(`${url}\n`);
    });
}

function psqlCommand(context: CommandContext): Command {
  return addConnectionOptions(
    new Command("psql")
      .description("Open psql on the warehouse, or a small prompt where psql is not installed.")
      .argument("[dir]", dirText)
      .option("-c, --command <sql>", "run this and leave"),
  )
    .addHelpText("after", example('dataform warehouse psql -c "select count(*) from gold.orders"'))
    .action(async (dir: string | undefined, options: ConnectionOptions & { command?: string }) => {
      const target = targetOptions(context, projectRoot(context, dir), options);
      const args = options.command === undefined ? [] : ["-c", options.command];
      const code = await runPsql(await clientEnvironment(target), args);
      if (code !== undefined) return context.setExitCode(code === 0 ? exitCodes.success : exitCodes.failure);
      const warehouse = await openWarehouse({ ...target, maxSessions: 1 });
      try {
        context.effects.stderr.write(`${describeTarget(warehouse.target)}\n`);
        if (options.command !== undefined) {
          context.effects.stdout.write(alignedTable((await warehouse.query(options.command)).rows));
        } else if ((await runSqlPrompt(warehouse, process.stdin, context.effects)) > 0) {
          context.setExitCode(exitCodes.failure);
        }
      } finally {
        await warehouse.close();
      }
    });
}

function resetCommand(context: CommandContext): Command {
  return new Command("reset")
    .description("Stop the embedded server and delete all its data; no other server is touched.")
    .argument("[dir]", dirText)
    .option("--yes", "do not ask")
    .addHelpText("after", example("dataform warehouse reset --yes"))
    .action(async (dir: string | undefined, options: { yes?: boolean }) => {
      const root = projectRoot(context, dir);
      const { data, state } = await embeddedStatus(root);
      const { effects } = context;
      if ((await chooseServer(targetOptions(context, root, {}))).kind === "server") {
        effects.stderr.write("Commands of this project use another server; that one is not touched.\n");
      }
      if (state === "absent") {
        effects.stdout.write("There is no embedded server to reset.\n");
        return;
      }
      if (options.yes !== true && !(await confirm(`Delete all data in ${data}? [y/N] `))) {
        effects.stdout.write("Nothing was deleted.\n");
        context.setExitCode(exitCodes.failure);
        return;
      }
      await resetCheckServers(root);
      await resetEmbedded(root);
      effects.stdout.write("The embedded server and its data are gone; the next command begins anew.\n");
    });
}

function projectRoot(context: CommandContext, dir: string | undefined): string {
  return findProject(resolve(context.cwd, dir ?? ".")).root;
}

function writeStatus(context: CommandContext, status: EmbeddedStatus, json: boolean | undefined): void {
  const { stdout } = context.effects;
  if (json === true) {
    stdout.write(`${JSON.stringify(status, null, 2)}\n`);
    return;
  }
  const head =
    status.state === "absent"
      ? "No embedded server yet: it is made when a command first needs it."
      : `Embedded PostgreSQL ${status.version ?? ""} ${status.state}`;
  const facts: [string, unknown][] = [
    ["port", status.port],
    ["process", status.pid],
    ["since", status.startedAt?.toISOString()],
    ["run by", status.account],
    ["data", status.data],
    ["log", status.state === "absent" ? undefined : status.log],
  ];
  const lines = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name.padEnd(8)} ${String(value)}`);
  stdout.write(`${[head, ...lines].join("\n")}\n`);
}

/** Exit code of psql; undefined where it is not installed. The password travels in the environment, not in the arguments. */
function runPsql(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number | undefined> {
  return new Promise((done, fail) => {
    const child = spawn("psql", args, { stdio: "inherit", env });
    child.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? done(undefined) : fail(error),
    );
    child.on("exit", (code) => done(code ?? 1));
  });
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usageError("not-confirmed", "Nobody is here to confirm the deletion", { hint: "Add --yes." });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}

function example(...commands: readonly string[]): string {
  return `\nExample:\n${commands.map((command) => `  $ ${command}`).join("\n")}`;
}

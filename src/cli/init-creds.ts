import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { join, resolve } from "node:path";
import { Writable } from "node:stream";
import { Command, Option } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { findProject } from "../project/find-project.js";
import { openWarehouse } from "../warehouse/connect.js";
import type { CommandContext, CommandFactory } from "./command.js";

interface CredentialValues {
  readonly host?: string;
  readonly port?: string;
  readonly username?: string;
  readonly database?: string;
  readonly sslmode?: string;
  readonly testConnection: boolean;
  readonly force?: true;
}

const file = ".df-credentials.json";

export const initCredsCommand: CommandFactory = (context) =>
  new Command("init-creds")
    .description(`Write ${file}, which names the project's server; asks for what no option says.`)
    .argument("[dir]", "folder of the project", ".")
    .option("--host <name>", "host of the server, or the folder of its socket")
    .option("--port <number>", "port of the server")
    .option("--username <name>", "role to connect as; its password is asked for, or taken from PGPASSWORD")
    .option("--database <name>", "database that holds the project's tables")
    .addOption(
      new Option("--sslmode <mode>", "as in libpq").choices([
        "disable",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
      ]),
    )
    .option("--no-test-connection", "write the file without trying it")
    .option("--force", "replace a file that is there")
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform init-creds --host db.example.org --username etl --database warehouse",
    )
    .action((dir: string, values: CredentialValues) => initCreds(context, dir, values));

async function initCreds(context: CommandContext, dir: string, values: CredentialValues): Promise<void> {
  const { stdout, env } = context.effects;
  const { root } = findProject(resolve(context.cwd, dir));
  const path = join(root, file);
  if (existsSync(path) && values.force !== true) {
    throw new AquiferError(`${file} is there already`, {
      code: "credentials-exist",
      exitCode: exitCodes.usage,
      hint: "Give --force to replace it.",
    });
  }
  const ask = questions();
  try {
    const credentials = {
      host: values.host ?? (await ask.text("Host", "localhost", "--host")),
      port: portNumber(values.port ?? (await ask.text("Port", "5432", "--port"))),
      username: values.username ?? (await ask.text("Username", "postgres", "--username")),
      password: env["PGPASSWORD"] ?? (await ask.secret("Password", "PGPASSWORD")),
      databaseName: values.database ?? (await ask.text("Database", "postgres", "--database")),
      ...(values.sslmode === undefined ? {} : { sslmode: values.sslmode }),
    };
    // Written aside, for its owner only, and put in place when it works.
    const partial = `${path}.${process.pid}.partial`;
    await writeFile(partial, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
    try {
      if (values.testConnection) await tryOut(context, root, partial);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
    stdout.write(`Wrote ${file}. Keep it out of version control.\n`);
  } finally {
    ask.close();
  }
}

async function tryOut(context: CommandContext, projectRoot: string, credentials: string): Promise<void> {
  const { env, stdout } = context.effects;
  const warehouse = await openWarehouse({ projectRoot, credentials, env, maxSessions: 1 });
  try {
    await warehouse.query("select 1");
    const { host, port, database, user } = warehouse.target;
    stdout.write(`Connected to ${host}:${port}/${database} as ${user}.\n`);
  } finally {
    await warehouse.close();
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new AquiferError(`"${text}" is not a port`, { code: "bad-port", exitCode: exitCodes.usage });
}

/** Asks a person; where nobody sits, names the option that was missing. */
function questions(): {
  text(what: string, standard: string, option: string): Promise<string>;
  secret(what: string, variable: string): Promise<string>;
  close(): void;
} {
  let isHidden = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) process.stderr.write(chunk);
      done();
    },
  });
  const reader = process.stdin.isTTY
    ? createInterface({ input: process.stdin, output, terminal: true })
    : undefined;
  const answer = async (question: string, instead: string): Promise<string> => {
    if (reader) return reader.question(question);
    throw new AquiferError("There is no terminal to ask on", {
      code: "no-terminal",
      exitCode: exitCodes.usage,
      hint: `Give ${instead}.`,
    });
  };
  return {
    text: async (what, standard, option) =>
      (await answer(`${what} (${standard}): `, option)).trim() || standard,
    async secret(what, variable) {
      const asked = answer(`${what}: `, variable);
      isHidden = true;
      try {
        return await asked;
      } finally {
        isHidden = false;
        if (reader) process.stderr.write("\n");
      }
    },
    close: () => reader?.close(),
  };
}

import { InvalidArgumentError, Option, type Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { parseDuration } from "../base/duration.js";
import type { ProjectOverrides } from "../project/compile.js";

/** What commander hands over for the options added by `addProjectOptions`. */
export interface ProjectOptionValues {
  readonly defaultDatabase?: string;
  readonly defaultSchema?: string;
  readonly assertionSchema?: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly disableAssertions?: true;
  readonly timeout?: number;
}

/** The options that override the project's settings, shared by every command that compiles. */
export function addProjectOptions(command: Command): Command {
  command
    .option("--default-database <name>", "database of the project; must be the connected one")
    .option("--default-schema <name>", "schema of actions that name none")
    .option("--assertion-schema <name>", "schema of assertions")
    .option("--vars <k=v,...>", "variables of the project, over those of its settings", collectVars)
    .option("--schema-suffix <suffix>", "appended with _ to every schema, for a copy beside the original")
    .option("--table-prefix <prefix>", "put with _ before every table name")
    .option("--disable-assertions", "disable all assertions")
    .option("--timeout <duration>", "give up compiling after this long (30s, 2m)", duration);
  for (const [flag, reason] of Object.entries(bigQueryOnly)) {
    const refuse = (): never => {
      throw new AquiferError(`--${flag} is not available on PostgreSQL: ${reason}`, {
        code: "bigquery-only",
        exitCode: exitCodes.usage,
      });
    };
    command.addOption(new Option(`--${flag} [value]`).hideHelp().argParser(refuse));
    command.on(`option:${flag}`, refuse);
  }
  return command;
}

/** Flags of Google's CLI that only mean something on BigQuery, each with the reason it is refused. */
const bigQueryOnly: Readonly<Record<string, string>> = {
  "default-location": "a PostgreSQL database has no location.",
  "database-suffix": "a connection reaches one database; use --schema-suffix.",
  "emit-lineage": "it reports to Google's Knowledge Catalog.",
  "job-prefix": "PostgreSQL has no jobs; every statement carries a comment with its run and action.",
  "job-labels": "PostgreSQL has no jobs; every statement carries a comment with its run and action.",
  "bigquery-job-labels": "PostgreSQL has no jobs; every statement carries a comment with its run and action.",
  "default-reservation": "PostgreSQL has no reservations.",
  iceberg: "Iceberg tables are BigQuery's.",
};

/** The overrides among parsed options. */
export function projectOverrides(values: ProjectOptionValues): ProjectOverrides {
  const {
    defaultDatabase,
    defaultSchema,
    assertionSchema,
    vars,
    schemaSuffix,
    tablePrefix,
    disableAssertions,
  } = values;
  return Object.fromEntries(
    Object.entries({
      defaultDatabase,
      defaultSchema,
      assertionSchema,
      vars,
      schemaSuffix,
      tablePrefix,
      disableAssertions,
    }).filter(([, value]) => value !== undefined),
  );
}

/** For commander's `argParser`: milliseconds of a duration. */
export function duration(text: string): number {
  return parseDuration(text);
}

function collectVars(
  text: string,
  previous: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const vars: Record<string, string> = { ...previous };
  for (const pair of text.split(",").filter((each) => each !== "")) {
    const at = pair.indexOf("=");
    if (at < 1) throw new InvalidArgumentError(`"${pair}" is not of the form name=value.`);
    vars[pair.slice(0, at).trim()] = pair.slice(at + 1);
  }
  return vars;
}

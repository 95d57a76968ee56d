import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import picomatch from "picomatch";
import { resolveConfig } from "prettier";
import { glob } from "tinyglobby";
import { AquiferError, AquiferErrors, asError, exitCodes } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { excerpt } from "../base/source-location.js";
import { findProject } from "../project/find-project.js";
import { formatJs, formatSqlx, type FormattedFile } from "../project/format-sqlx.js";
import { collectList, type CommandContext, type CommandFactory } from "./command.js";

interface FormatValues {
  readonly actions?: readonly string[];
  readonly ignoreJsFiles?: true;
  readonly check?: true;
}

export const formatCommand: CommandFactory = (context) =>
  new Command("format")
    .description(
      "Format the SQL and JavaScript of definitions/, includes/ and tests/models/; changes white space only.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--actions <globs>", "only these files, such as definitions/shop/**", collectList)
    .option("--ignore-js-files", "leave .js files alone")
    .option("--check", "change nothing; exit code 1 when a file is not formatted")
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform format\n  $ dataform format --check --actions 'definitions/shop/**'",
    )
    .action((dir: string, values: FormatValues) => formatProject(context, dir, values));

async function formatProject(context: CommandContext, dir: string, values: FormatValues): Promise<void> {
  const { stdout, stderr } = context.effects;
  const { root } = findProject(resolve(context.cwd, dir));
  const files = await filesToFormat(root, values);
  const errors: AquiferError[] = [];
  let changed = 0;
  for (const file of files) {
    const path = join(root, file);
    const source = await readFile(path, "utf8");
    const { text, notes } = await formatFile(path, file, source).catch((thrown: unknown): FormattedFile => {
      errors.push(unreadable(file, source, thrown));
      return { text: source, notes: [] };
    });
    for (const note of notes) stderr.write(`${file}: ${note}\n`);
    if (text === source) continue;
    changed += 1;
    stdout.write(`${values.check === true ? "Not formatted" : "Formatted"}:  ${file}\n`);
    if (values.check !== true) await writeFile(path, text);
  }
  stdout.write(summary(files.length, changed, values.check === true));
  if (errors.length > 0) {
    throw new AquiferErrors(`${formatPlural(errors.length, "file")} cannot be formatted`, errors, {
      code: "format",
    });
  }
  if (values.check === true && changed > 0) context.setExitCode(exitCodes.failure);
}

async function filesToFormat(root: string, values: FormatValues): Promise<string[]> {
  const kinds = values.ignoreJsFiles === true ? "sqlx" : "{sqlx,js}";
  const patterns = ["definitions", "includes", "tests/models"].map((folder) => `${folder}/**/*.${kinds}`);
  const files = (await glob(patterns, { cwd: root })).sort();
  if (values.actions === undefined) return files;
  const wanted = picomatch([...values.actions]);
  const chosen = files.filter((file) => wanted(file));
  if (chosen.length === 0) {
    throw new AquiferError(`No file matches ${values.actions.join(", ")}`, {
      code: "unknown-path",
      exitCode: exitCodes.usage,
      hint: "Patterns are relative to the project: definitions/shop/**.",
    });
  }
  return chosen;
}

async function formatFile(path: string, file: string, source: string): Promise<FormattedFile> {
  const options = (await resolveConfig(path, { editorconfig: true })) ?? {};
  return file.endsWith(".js") ? formatJs(source, options) : formatSqlx(source, options);
}

function unreadable(file: string, source: string, thrown: unknown): AquiferError {
  const error = asError(thrown) as Error & { loc?: { start?: { line: number; column: number } } };
  const start = file.endsWith(".js") ? error.loc?.start : undefined;
  return new AquiferError(error.message.split("\n")[0] ?? "", {
    code: "format",
    location: start ? { file, line: start.line, column: start.column } : { file },
    ...(start ? { excerpt: excerpt(source, start.line, start.column) } : {}),
    ...(start ? {} : { hint: "`dataform compile` shows the place." }),
    cause: thrown,
  });
}

function summary(files: number, changed: number, isCheck: boolean): string {
  if (changed === 0) return `${formatPlural(files, "file")} checked, all formatted.\n`;
  return `${formatPlural(files, "file")} checked, ${changed} ${isCheck ? "not formatted" : "formatted"}.\n`;
}

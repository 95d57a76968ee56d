import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { packageVersion } from "../base/package-version.js";
import { scaffold } from "../project/scaffold.js";
import type { CommandContext, CommandFactory } from "./command.js";

export const initCommand: CommandFactory = (context) =>
  new Command("init")
    .description(
      "Start a project: one source, one model with its test, one report, and data to try them with.",
    )
    .argument("[dir]", "folder of the project, made if need be", ".")
    .addHelpText("after", "\nExample:\n  $ dataform init shop && cd shop && npm install && npm start")
    .action((dir: string) => init(context, dir));

async function init(context: CommandContext, dir: string): Promise<void> {
  const root = resolve(context.cwd, dir);
  const settings = ["dataform.json", "workflow_settings.yaml"].find((file) => existsSync(join(root, file)));
  if (settings !== undefined) {
    throw new AquiferError(`${root} is a Dataform project already: it has ${settings}`, {
      code: "project-exists",
      exitCode: exitCodes.usage,
      hint: "Name another folder: dataform init <dir>",
    });
  }
  const { stdout } = context.effects;
  // Someone's package.json, such as the one that `npm install aquifer` made, has no `start` of ours.
  const isOurPackage = !existsSync(join(root, "package.json"));
  const name =
    basename(root)
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-") || "project";
  const files = scaffold({ name, aquiferVersion: `^${packageVersion()}` });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    // A file that is there already stays as it is.
    const written = !existsSync(join(root, path));
    if (written) await writeFile(join(root, path), text, { flag: "wx" });
    stdout.write(`${written ? "Wrote" : "Kept "} ${path}\n`);
  }
  const enter = root === resolve(context.cwd) ? "" : `cd ${dir} && `;
  stdout.write(`\nNext: ${enter}${isOurPackage ? "npm install && npm start" : "npx dataform refresh"}\n`);
}

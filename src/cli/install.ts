import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { AquiferError } from "../base/errors.js";
import { findProject } from "../project/find-project.js";
import type { CommandContext, CommandFactory } from "./command.js";

export const installCommand: CommandFactory = (context) =>
  new Command("install")
    .description(
      "Install the npm packages that the project's package.json names; the same as npm install there.",
    )
    .argument("[dir]", "folder of the project", ".")
    .addHelpText("after", "\nExample:\n  $ dataform install")
    .action((dir: string) => install(context, dir));

async function install(context: CommandContext, dir: string): Promise<void> {
  const { stdout, stderr, env, signal } = context.effects;
  const { root } = findProject(resolve(context.cwd, dir));
  if (!existsSync(join(root, "package.json"))) {
    stdout.write("Nothing to install: the project has no package.json, and Aquifer brings @dataform/core.\n");
    return;
  }
  stdout.write("Installing NPM dependencies...\n\n");
  const code = await new Promise<number | null>((done, fail) => {
    // npm is a .cmd file on Windows, which only a shell starts; the arguments are ours alone.
    const npm = spawn("npm", ["install"], { cwd: root, env, signal, shell: process.platform === "win32" });
    npm.stdout.on("data", (chunk: Buffer) => stdout.write(chunk.toString()));
    npm.stderr.on("data", (chunk: Buffer) => stderr.write(chunk.toString()));
    npm.on("error", (error) =>
      fail(new AquiferError(`npm cannot be started: ${error.message}`, { code: "npm", cause: error })),
    );
    npm.on("close", done);
  });
  if (code !== 0) throw new AquiferError(`npm install failed (exit code ${code ?? "none"})`, { code: "npm" });
  stdout.write("Project dependencies successfully installed.\n");
}

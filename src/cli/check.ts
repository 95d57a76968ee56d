import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { formatDuration, formatPlural } from "../base/format-quantity.js";
import { exitCodes } from "../base/errors.js";
import { checkProject, type CheckResult } from "../check/check-project.js";
import { describeFinding, type Finding } from "../check/finding.js";
import { findProject } from "../project/find-project.js";
import { loadConfig } from "../project/config.js";
import { startEmbedded } from "../warehouse/embedded/embedded-server.js";
import { prepareCheck } from "./check-inputs.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addProjectOptions, type ProjectOptionValues } from "./project-options.js";

interface CheckValues extends ProjectOptionValues {
  readonly json?: true;
  readonly strict?: true;
}

export const checkCommand: CommandFactory = (context) => {
  const command = new Command("check")
    .description(
      "Let PostgreSQL judge the whole project without data or credentials: every statement is parsed and every model built empty on the embedded server.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--strict", "warnings count as errors")
    .option("--json", "print findings and the model of the warehouse as JSON and nothing else");
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform check\n  $ dataform check --strict --json")
    .action((dir: string, values: CheckValues) => check(context, resolve(context.cwd, dir), values));
};

async function check(context: CommandContext, folder: string, values: CheckValues): Promise<void> {
  const { stdout, clock } = context.effects;
  const started = clock.elapsed();
  const { root } = findProject(folder);
  const { historySchema } = await loadConfig(root);
  const inputs = await prepareCheck(context, root, values);
  const server = await startEmbedded(root, {
    onStart: (what) => context.effects.stderr.write(`Starting ${what}...\n`),
  });
  const result = await checkProject({ ...inputs, server, historySchema });
  await mkdir(join(root, ".aquifer"), { recursive: true });
  await writeFile(join(root, ".aquifer", "warehouse.json"), `${JSON.stringify(result.model, null, 2)}\n`);
  const fails = (finding: Finding): boolean =>
    finding.severity === "error" || (values.strict === true && finding.severity === "warning");
  if (result.findings.some(fails)) context.setExitCode(exitCodes.failure);
  if (values.json === true) {
    const { findings, model, actions, queries, unchecked } = result;
    stdout.write(
      `${JSON.stringify({ findings, actions, queries, unchecked: Object.fromEntries(unchecked), model }, null, 2)}\n`,
    );
  } else {
    stdout.write(summary(result, clock.elapsed() - started));
  }
}

function summary({ findings, actions, queries, unchecked }: CheckResult, elapsed: number): string {
  const count = (severity: Finding["severity"]): number =>
    findings.filter((each) => each.severity === severity).length;
  const lines = findings.map((finding) => `${describeFinding(finding)}\n`);
  const reasons = [...unchecked].map(([key, reason]) => `not checked: ${key} ${reason}`);
  const total = `Checked ${formatPlural(actions, "action")} and ${formatPlural(queries, "report query", "report queries")} in ${formatDuration(elapsed)}: `;
  const result = [
    formatPlural(count("error"), "error"),
    formatPlural(count("warning"), "warning"),
    ...(unchecked.size > 0 ? [`${unchecked.size} not checked`] : []),
  ].join(", ");
  return [...lines, ...reasons, `${total}${result}`].join("\n") + "\n";
}

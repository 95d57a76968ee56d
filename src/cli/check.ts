import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { formatDuration, formatPlural } from "../base/format-quantity.js";
import { AquiferError, exitCodes } from "../base/errors.js";
import { checkProject, type CheckOptions, type CheckResult } from "../check/check-project.js";
import { describeFinding, type Finding } from "../check/finding.js";
import { changesAsMarkdown, compareModels, describeChanges, isBreak } from "../check/impact.js";
import { readLineage, type Lineage } from "../check/project-lineage.js";
import { reportTypes, typesDifference } from "../check/report-types.js";
import type { WarehouseModel } from "../check/warehouse-model.js";
import { findProject } from "../project/find-project.js";
import { loadConfig } from "../project/config.js";
import { startEmbedded } from "../warehouse/embedded/embedded-server.js";
import { prepareCheck } from "./check-inputs.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { withRevision } from "./git-revision.js";
import { addProjectOptions, type ProjectOptionValues } from "./project-options.js";

/** The model of the last check, and the types of the reports' queries, relative to the root. */
const lastModel = join(".aquifer", "warehouse.json");
const typesFile = "types/warehouse.d.ts";

interface CheckValues extends ProjectOptionValues {
  readonly json?: true;
  readonly strict?: true;
  readonly against?: string;
  readonly markdown?: true;
  readonly locked?: true;
}

export const checkCommand: CommandFactory = (context) => {
  const command = new Command("check")
    .description(
      "Let PostgreSQL judge the whole project without data or credentials: every statement is parsed and every model built empty on the embedded server.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--strict", "warnings count as errors")
    .option("--locked", `fail when ${typesFile} is not what the check would write, instead of writing it`)
    .option(
      "--against <revision>",
      "also say what changes against a git revision, or against the `last` check, and who reads it",
    )
    .option("--markdown", "print the changes as a table for a pull request's comment")
    .option("--json", "print findings and the model of the warehouse as JSON and nothing else");
  return addProjectOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform check --strict --locked\n  $ dataform check --against main --markdown",
    )
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
  const common = { server, historySchema };
  const before = values.against === undefined ? undefined : await earlier(context, root, values, common);
  let lineage: Lineage = new Map();
  const judged = await checkProject({ ...inputs, ...common }, async (session, checked) => {
    if (before === undefined || before.lineage !== undefined) return;
    lineage = await readLineage(session, checked, inputs.reports, inputs.relationOf);
  });
  const stale = await keepTypes(root, judged, inputs.reports, values.locked === true);
  const result = { ...judged, findings: [...judged.findings, ...stale] };
  const changes = before && compareModels(before.model, result.model, before.lineage ?? lineage);
  await mkdir(join(root, ".aquifer"), { recursive: true });
  await writeFile(join(root, lastModel), `${JSON.stringify(result.model, null, 2)}\n`);
  const fails = (finding: Finding): boolean =>
    finding.severity === "error" || (values.strict === true && finding.severity === "warning");
  if (result.findings.some(fails) || changes?.some(isBreak) === true) context.setExitCode(exitCodes.failure);
  if (values.json === true) {
    const { findings, model, actions, queries, unchecked } = result;
    stdout.write(
      `${JSON.stringify({ findings, actions, queries, unchecked: Object.fromEntries(unchecked), changes, model }, null, 2)}\n`,
    );
    return;
  }
  if (changes !== undefined && values.markdown === true) {
    stdout.write(changesAsMarkdown(changes, values.against ?? ""));
    return;
  }
  stdout.write(summary(result, clock.elapsed() - started));
  if (changes !== undefined) stdout.write(`\nAgainst ${values.against ?? ""}:\n${describeChanges(changes)}`);
}

/**
 * Writes the types of the reports' queries, or says how the committed ones differ. Nothing is written while a query cannot
 * be judged: its types would go.
 */
async function keepTypes(
  root: string,
  { model }: CheckResult,
  reports: CheckOptions["reports"],
  locked: boolean,
): Promise<Finding[]> {
  const committed = await readFile(join(root, typesFile), "utf8").catch(() => undefined);
  const isWhole = reports.every(({ name, report }) =>
    Object.keys(report.data).every((query) => model.reports[name]?.[query] !== undefined),
  );
  if (!isWhole || (reports.length === 0 && committed === undefined)) return [];
  const current = reportTypes(model.reports);
  const details = typesDifference(committed, current);
  if (details.length === 0) return [];
  if (locked) {
    return [
      {
        severity: "error",
        code: "stale-types",
        message: committed === undefined ? "is not there" : "is not what the reports' queries return",
        subject: typesFile,
        location: { file: typesFile },
        details,
        hint: "Run dataform check and commit the file.",
      },
    ];
  }
  await mkdir(join(root, "types"), { recursive: true });
  await writeFile(join(root, typesFile), current);
  return [];
}

/** The earlier state that `--against` names; a git revision comes with the lineage that it had. */
async function earlier(
  context: CommandContext,
  root: string,
  values: CheckValues,
  common: Pick<CheckOptions, "server" | "historySchema">,
): Promise<{ readonly model: WarehouseModel; readonly lineage?: Lineage }> {
  const against = values.against ?? "";
  if (against === "last") {
    const text = await readFile(join(root, lastModel), "utf8").catch(() => undefined);
    if (text !== undefined) return { model: JSON.parse(text) as WarehouseModel };
    throw new AquiferError("There is no earlier check to compare with", {
      code: "no-last-check",
      exitCode: exitCodes.usage,
      hint: "Run dataform check once without --against.",
    });
  }
  return withRevision(root, against, async (folder) => {
    const inputs = await prepareCheck(context, folder, values);
    let lineage: Lineage = new Map();
    const { model } = await checkProject({ ...inputs, ...common }, async (session, checked) => {
      lineage = await readLineage(session, checked, inputs.reports, inputs.relationOf);
    });
    return { model, lineage };
  });
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

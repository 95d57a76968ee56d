import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { formatDuration, formatPlural } from "../base/format-quantity.js";
import { AquiferError, describeError, exitCodes } from "../base/errors.js";
import { checkProject, type CheckOptions, type CheckResult } from "../check/check-project.js";
import { readMemory, writeMemory } from "../check/check-memory.js";
import { describeFinding, type Finding } from "../check/finding.js";
import { changesAsMarkdown, describeChanges, isBreak } from "../check/impact.js";
import { readLineage, type Lineage } from "../check/project-lineage.js";
import { snapshotFile } from "../check/snapshot.js";
import { findProject } from "../project/find-project.js";
import { assessImpact, lastModel, readEarlier, type Impact } from "./check-against.js";
import { prepareCheck, withCheckInputs } from "./check-inputs.js";
import { startCheckServer } from "./check-server.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, type ConnectionOptions } from "./connection-options.js";
import { keepTypes, typesFile } from "./keep-types.js";
import { addProjectOptions, type ProjectOptionValues } from "./project-options.js";
import { pullSources } from "./pull-sources.js";
import { watchProject } from "./watch-project.js";
import { writeWhole } from "../base/write-whole.js";

interface CheckValues extends ProjectOptionValues, ConnectionOptions {
  readonly json?: true;
  readonly strict?: true;
  readonly against?: string;
  readonly markdown?: true;
  readonly locked?: true;
  readonly pull?: true;
  readonly full?: true;
  readonly watch?: true;
}

/** Folders whose files a check judges. */
const watched = ["definitions", "includes", "tests/models", "ingest", "seeds", "reports"];

/** Wipes a terminal's screen and what was scrolled off it. */
const clearScreen = "\x1b[2J\x1b[3J\x1b[H";

export const checkCommand: CommandFactory = (context) => {
  const command = new Command("check")
    .description(
      "Let PostgreSQL judge the whole project without data or credentials: every statement is parsed and every model built empty on the embedded server.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--strict", "warnings count as errors")
    .option(
      "--locked",
      `fail when ${typesFile} (with --pull, ${snapshotFile}) is not what would be written, instead of writing it`,
    )
    .option(
      "--pull",
      `first take columns of declarations, functions, types and extensions from the live warehouse into ${snapshotFile}`,
    )
    .option(
      "--against <state>",
      "also say what changes against a git revision, the `last-run`, or the `last` check, and who reads it",
    )
    .option("--full", "judge everything anew, also what has not changed since the last check")
    .addOption(
      new Option(
        "--watch",
        "check again whenever a file of the project changes, one screen a change",
      ).conflicts(["json", "pull", "against", "markdown"]),
    )
    .option("--markdown", "print the changes as a table for a pull request's comment")
    .option("--json", "print findings and the model of the warehouse as JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  $ dataform check --strict --locked\n  $ dataform check --against main --markdown\n  $ dataform check --pull --credentials production.json",
    )
    .action(async (dir: string, values: CheckValues) => {
      const { root } = findProject(resolve(context.cwd, dir));
      if (values.watch === true) return watch(context, root, values);
      const { text, isFailure } = await check(context, root, values);
      if (isFailure) context.setExitCode(exitCodes.failure);
      context.effects.stdout.write(text);
    });
};

async function watch(context: CommandContext, root: string, values: CheckValues): Promise<void> {
  const { stdout, stderr, signal } = context.effects;
  const screen = stdout.isTerminal ? clearScreen : "";
  await watchProject(
    root,
    signal,
    async () => {
      try {
        const { text } = await check(context, root, values);
        stdout.write(screen + text);
      } catch (thrown) {
        if (!(thrown instanceof AquiferError)) throw thrown;
        if (signal.aborted) return;
        stdout.write(screen);
        stderr.write(`${describeError(thrown)}\n`);
      }
      if (!signal.aborted) stdout.write("\nWatching for changes...\n");
    },
    watched,
  );
}

interface Answer {
  readonly text: string;
  readonly isFailure: boolean;
}

async function check(context: CommandContext, root: string, values: CheckValues): Promise<Answer> {
  const started = context.effects.clock.elapsed();
  // Lineage is read from what is built, so everything is.
  const isWhole = values.against !== undefined || values.full === true;
  const remembered = isWhole ? undefined : readMemory(root);
  if (values.pull !== true) {
    return withCheckInputs(context, root, values, async (inputs) => {
      const memory = await remembered;
      return judge(context, root, values, { ...inputs, ...(memory && { memory }) }, started);
    });
  }
  const prepared = await prepareCheck(context, root, values);
  const { snapshot, findings } = await pullSources(context, root, prepared, values);
  const server = await startCheckServer(context, root, prepared.serverVersion);
  const memory = await remembered;
  const inputs = { ...prepared, snapshot, server, ...(memory && { memory }) };
  return judge(context, root, values, inputs, started, findings);
}

async function judge(
  context: CommandContext,
  root: string,
  values: CheckValues,
  inputs: CheckOptions,
  started: number,
  pulled: readonly Finding[] = [],
): Promise<Answer> {
  const { clock } = context.effects;
  const asked = values.against === undefined ? undefined : { ...values, against: values.against };
  const before = asked && (await readEarlier(context, root, asked, inputs));
  let lineage: Lineage = new Map();
  const checked = await checkProject(inputs, async (session, scratch) => {
    if (before === undefined || before.lineage !== undefined) return;
    lineage = await readLineage(session, scratch, inputs.reports, inputs.relationOf);
  });
  const stale = await keepTypes(root, checked, inputs.reports, values.locked === true);
  const result = { ...checked, findings: [...checked.findings, ...stale, ...pulled] };
  const impact =
    asked && before && (await assessImpact(context, root, asked, { before, after: result, lineage }));
  await Promise.all([
    writeWhole(join(root, lastModel), `${JSON.stringify(result.model, null, 2)}\n`),
    writeMemory(root, result.memory),
  ]);
  const isFailure =
    result.findings.some((each) => fails(each, values)) || impact?.changes.some(isBreak) === true;
  return { text: answer(result, impact, values, clock.elapsed() - started), isFailure };
}

function fails({ severity }: Finding, { strict }: CheckValues): boolean {
  return severity === "error" || (strict === true && severity === "warning");
}

function answer(
  result: CheckResult,
  impact: Impact | undefined,
  values: CheckValues,
  elapsed: number,
): string {
  const { findings, model, actions, queries, tests, unchecked, server } = result;
  if (values.json === true) {
    const all = {
      findings,
      server,
      actions,
      queries,
      tests,
      unchecked: Object.fromEntries(unchecked),
      ...impact,
      model,
    };
    return `${JSON.stringify(all, null, 2)}\n`;
  }
  const text = summary(result, elapsed);
  if (impact === undefined) return text;
  const { changes, othersUnknown } = impact;
  const against = values.against ?? "";
  const note =
    othersUnknown === undefined
      ? ""
      : `\nOther people's views are not among the readers: ${othersUnknown}.\n`;
  if (values.markdown === true) return changesAsMarkdown(changes, against) + note;
  return `${text}\nAgainst ${against}:\n${describeChanges(changes)}${note}`;
}

/** Findings, what was not checked, and one line of counts. */
export function summary(
  { findings, actions, anew, queries, tests, unchecked, server }: CheckResult,
  elapsed: number,
): string {
  const count = (severity: Finding["severity"]): number =>
    findings.filter((each) => each.severity === severity).length;
  const lines = findings.map((finding) => `${describeFinding(finding)}\n`);
  const reasons = [...unchecked].map(([key, reason]) => `not checked: ${key} ${reason}`);
  const judged = [
    `${formatPlural(actions, "action")}${anew === undefined ? "" : ` (${anew} anew)`}`,
    ...(tests === 0 ? [] : [formatPlural(tests, "unit test")]),
    formatPlural(queries, "report query", "report queries"),
  ];
  const result = [
    formatPlural(count("error"), "error"),
    formatPlural(count("warning"), "warning"),
    ...(unchecked.size > 0 ? [`${unchecked.size} not checked`] : []),
  ].join(", ");
  const total = `Checked ${formatList(judged)} by PostgreSQL ${server} in ${formatDuration(elapsed)}: ${result}`;
  return [...lines, ...reasons, total].join("\n") + "\n";
}

function formatList(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), words.at(-1)].filter((each) => each !== "").join(" and ");
}

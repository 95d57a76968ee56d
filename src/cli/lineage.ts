import { resolve } from "node:path";
import { Command } from "commander";
import { AquiferError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { checkProject } from "../check/check-project.js";
import { readLineage, reversed, type ColumnKey, type Lineage } from "../check/project-lineage.js";
import { findProject } from "../project/find-project.js";
import { withCheckInputs } from "./check-inputs.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addProjectOptions, type ProjectOptionValues } from "./project-options.js";

interface LineageValues extends ProjectOptionValues {
  readonly json?: true;
}

export const lineageCommand: CommandFactory = (context) => {
  const command = new Command("lineage")
    .description("Show where a column comes from and what is computed from it, from source to report.")
    .argument("<column>", "schema.table.column")
    .argument("[dir]", "folder of the project", ".")
    .option("--json", "print both directions as JSON and nothing else");
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform lineage gold.orders.amount")
    .action((column: string, dir: string, values: LineageValues) =>
      showLineage(context, column, resolve(context.cwd, dir), values),
    );
};

async function showLineage(
  context: CommandContext,
  column: string,
  folder: string,
  values: LineageValues,
): Promise<void> {
  const { stdout, stderr } = context.effects;
  const { root } = findProject(folder);
  let lineage: Lineage = new Map();
  const { findings } = await withCheckInputs(context, root, values, (inputs) =>
    checkProject(inputs, async (session, checked) => {
      lineage = await readLineage(session, checked, inputs.reports, inputs.relationOf);
    }),
  );
  const errors = findings.filter((finding) => finding.severity === "error").length;
  if (errors > 0)
    stderr.write(`${errors} errors in the project (see dataform check): its lineage is incomplete.\n`);
  const readers = reversed(lineage);
  const known = new Set([...lineage.keys(), ...readers.keys()]);
  if (!known.has(column)) throw unknownColumn(column, known);
  const sources = (key: ColumnKey): readonly ColumnKey[] => lineage.get(key)?.from ?? [];
  const dependents = (key: ColumnKey): readonly ColumnKey[] => readers.get(key) ?? [];
  const through = lineage.get(column)?.through ?? [];
  if (values.json === true) {
    const answer = {
      column,
      from: nested(column, sources),
      through,
      feeds: nested(column, dependents),
    };
    stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const sections: [string, string[]][] = [
    ["computed from", tree(column, sources)],
    ["in rows chosen by", through.map((key) => `  ${key}`)],
    ["feeds", tree(column, dependents)],
  ];
  const lines = sections.flatMap(([title, body]) => (body.length === 0 ? [] : [title, ...body]));
  stdout.write(`${[column, ...lines].join("\n")}\n`);
}

interface Branch {
  readonly column: ColumnKey;
  readonly next: readonly Branch[];
}

/** Everything reachable, as a tree; models form no circle, an incremental one that reads itself is cut there. */
function nested(
  start: ColumnKey,
  next: (key: ColumnKey) => readonly ColumnKey[],
  above: readonly ColumnKey[] = [],
): Branch[] {
  const path = [...above, start];
  return next(start)
    .filter((key) => !path.includes(key))
    .map((key) => ({ column: key, next: nested(key, next, path) }));
}

function tree(start: ColumnKey, next: (key: ColumnKey) => readonly ColumnKey[]): string[] {
  const lines = (branches: readonly Branch[], indent: string): string[] =>
    branches.flatMap((branch) => [`${indent}${branch.column}`, ...lines(branch.next, `${indent}  `)]);
  return lines(nested(start, next), "  ");
}

function unknownColumn(column: string, known: ReadonlySet<string>): AquiferError {
  const near = nearestName(column, known);
  return new AquiferError(`The project has no column "${column}"`, {
    code: "unknown-column",
    hint: near === undefined ? "Name it schema.table.column." : `Did you mean ${near}?`,
  });
}

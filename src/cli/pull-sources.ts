import { loadParser } from "../check/parse-statement.js";
import { namedObjects } from "../check/named-objects.js";
import { pullSnapshot } from "../check/pull-snapshot.js";
import type { Finding } from "../check/finding.js";
import { snapshotDifference, snapshotFile, writeSnapshot, type Snapshot } from "../check/snapshot.js";
import { formatRelation } from "../base/identifiers.js";
import { formatPlural } from "../base/format-quantity.js";
import { describeTarget } from "../warehouse/connect.js";
import { toActions } from "../project/action.js";
import type { CheckInputs } from "./check-inputs.js";
import type { CommandContext } from "./command.js";
import { openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";

export interface PulledSources {
  readonly snapshot: Snapshot;
  /** How a locked `sources.json` differs from the warehouse. */
  readonly findings: readonly Finding[];
}

/**
 * Takes what the project uses of its live warehouse and does not make itself into `sources.json`; with `locked` the
 * committed one is compared instead.
 */
export async function pullSources(
  context: CommandContext,
  root: string,
  inputs: CheckInputs,
  options: ConnectionOptions & { readonly locked?: true },
): Promise<PulledSources> {
  const { stderr } = context.effects;
  await loadParser();
  const actions = toActions(inputs.project);
  const known = new Set(inputs.known.map(({ name }) => formatRelation(name)));
  const declarations = [...actions.values()]
    .filter(({ kind, target }) => kind === "declaration" && !known.has(formatRelation(target)))
    .map(({ target }) => target);
  const warehouse = await openProjectWarehouse(context, root, options, { maxSessions: 1, purpose: "read" });
  try {
    stderr.write(`${describeTarget(warehouse.target)}\n`);
    const { snapshot, absent } = await pullSnapshot(
      warehouse,
      declarations,
      namedObjects(actions.values(), inputs.reports),
    );
    for (const each of absent) {
      stderr.write(`${formatRelation(each)} is declared, but the warehouse does not show it to this role.\n`);
    }
    const details = snapshotDifference(inputs.snapshot, snapshot);
    if (options.locked === true) {
      if (details.length === 0) return { snapshot, findings: [] };
      const finding: Finding = {
        ...{ severity: "error", code: "stale-sources", subject: snapshotFile, details },
        message: inputs.snapshot === undefined ? "is not there" : "is not what the warehouse has",
        location: { file: snapshotFile },
        hint: "Run dataform check --pull and commit the file.",
      };
      return { snapshot: inputs.snapshot ?? snapshot, findings: [finding] };
    }
    if (details.length > 0 || inputs.snapshot === undefined) await writeSnapshot(root, snapshot);
    const { relations, functions, types } = snapshot;
    const counts = [
      formatPlural(relations.length, "declared relation"),
      formatPlural(functions.length, "function"),
      formatPlural(types.length, "type"),
    ];
    stderr.write(`${snapshotFile}: ${counts.join(", ")}; ${formatPlural(details.length, "difference")}\n`);
    return { snapshot, findings: [] };
  } finally {
    await warehouse.close();
  }
}

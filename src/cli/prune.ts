import { Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import { quoteRelation, type RelationName } from "../base/identifiers.js";
import { hasHistory } from "../history/migrate.js";
import { builtRelations } from "../history/run-query.js";
import { toActions } from "../project/action.js";
import { compileProject } from "../project/compile.js";
import { loadConfig } from "../project/config.js";
import { findProject } from "../project/find-project.js";
import { projectName } from "../run/project-name.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { addProjectOptions, projectOverrides, type ProjectOptionValues } from "./project-options.js";

interface PruneValues extends ProjectOptionValues, ConnectionOptions {
  readonly apply?: true;
  readonly json?: true;
}

interface Orphan {
  readonly relation: RelationName;
  readonly kind: string;
}

export const pruneCommand: CommandFactory = (context) => {
  const command = new Command("prune")
    .description("List tables and views that Aquifer made and whose model is gone; drop them with --apply.")
    .option("--apply", "drop them, never what something else still reads")
    .option("--json", "print JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform prune\n  $ dataform prune --apply")
    .action((values: PruneValues) => prune(context, values));
};

async function prune(context: CommandContext, values: PruneValues): Promise<void> {
  const { stdout, signal } = context.effects;
  const { root } = findProject(context.cwd);
  const { historySchema } = await loadConfig(root);
  const project = await compileProject({ projectRoot: root, overrides: projectOverrides(values), signal });
  const kept = new Set(
    [...toActions(project).values()].map(({ target }) => JSON.stringify([target.schema, target.name])),
  );
  const purpose = values.apply === true ? "write" : "read";
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 1, purpose });
  try {
    const built = (await hasHistory(warehouse, historySchema))
      ? await builtRelations(warehouse, historySchema, projectName(project))
      : [];
    const gone = built.filter(({ schema, name }) => !kept.has(JSON.stringify([schema, name])));
    const existing = await readExistingRelations(warehouse, gone);
    const orphans = gone.flatMap((relation): Orphan[] => {
      const kind = existing.relations.get(`${relation.schema}.${relation.name}`);
      return kind === undefined ? [] : [{ relation, kind }];
    });
    const dropped = values.apply === true ? await drop(context, warehouse, orphans) : [];
    if (values.json === true) {
      const list = orphans.map(({ relation, kind }) => ({
        ...relation,
        kind,
        dropped: dropped.includes(relation),
      }));
      stdout.write(`${JSON.stringify(list, null, 2)}\n`);
      return;
    }
    if (orphans.length === 0) stdout.write("Nothing to prune.\n");
    else if (values.apply !== true) {
      for (const { relation, kind } of orphans)
        stdout.write(`${relation.schema}.${relation.name} [${kind}]\n`);
      stdout.write(
        `\n${formatPlural(orphans.length, "relation")} without a model. Drop with: dataform prune --apply\n`,
      );
    }
  } finally {
    await warehouse.close();
  }
}

/** Drops what nothing else reads, again and again until a round drops nothing: what reads an orphan may be one itself. */
async function drop(
  context: CommandContext,
  warehouse: Warehouse,
  orphans: readonly Orphan[],
): Promise<RelationName[]> {
  const dropped: RelationName[] = [];
  let left = [...orphans];
  let refusals: string[] = [];
  for (let progress = true; progress && left.length > 0;) {
    progress = false;
    refusals = [];
    const again: Orphan[] = [];
    for (const orphan of left) {
      const { relation } = orphan;
      const noun = orphan.kind === "partitioned table" ? "table" : orphan.kind;
      try {
        await warehouse.query(`drop ${noun} ${quoteRelation(relation)} restrict`);
        context.effects.stdout.write(`Dropped: ${relation.schema}.${relation.name} [${orphan.kind}]\n`);
        dropped.push(relation);
        progress = true;
      } catch (thrown) {
        if (!(thrown instanceof WarehouseError) || thrown.server.sqlState !== "2BP01") throw thrown;
        again.push(orphan);
        refusals.push(`${relation.schema}.${relation.name}: ${thrown.server.detail ?? thrown.message}`);
      }
    }
    left = again;
  }
  if (left.length > 0) {
    throw new AquiferError(
      `${formatPlural(left.length, "relation")} not dropped: something still depends on them`,
      {
        code: "has-dependents",
        exitCode: exitCodes.failure,
        details: refusals,
        hint: "Drop or change what is named, then prune again.",
      },
    );
  }
  return dropped;
}

import { resolve } from "node:path";
import { Command } from "commander";
import { AquiferError, exitCodes } from "../base/errors.js";
import { formatRelation } from "../base/identifiers.js";
import { isRelationAction, toActions, type Action } from "../project/action.js";
import { compileProject } from "../project/compile.js";
import { findProject } from "../project/find-project.js";
import { selectActions } from "../project/select.js";
import { ActionSession } from "../run/action-session.js";
import { locateIn } from "../run/action-error.js";
import { aroundUser } from "../statements/statement.js";
import { readExistingRelations } from "../warehouse/catalog/existing-relations.js";
import type { CommandContext, CommandFactory } from "./command.js";
import { addConnectionOptions, openProjectWarehouse, type ConnectionOptions } from "./connection-options.js";
import { addProjectOptions, projectOverrides, type ProjectOptionValues } from "./project-options.js";
import { wholeNumber } from "./run-options.js";
import { formatTable } from "./text-table.js";

interface ShowValues extends ProjectOptionValues, ConnectionOptions {
  readonly limit: number;
  readonly json?: true;
}

export const showCommand: CommandFactory = (context) => {
  const command = new Command("show")
    .description("Print a model's resolved SQL and the first rows that it gives now; builds nothing.")
    .argument("<model>", "name or schema.name")
    .option("--limit <n>", "how many rows", wholeNumber(0), 10)
    .option("--json", "print JSON and nothing else");
  addConnectionOptions(command);
  return addProjectOptions(command)
    .addHelpText("after", "\nExample:\n  $ dataform show gold.orders --limit 5")
    .action((model: string, values: ShowValues) => show(context, model, values));
};

async function show(context: CommandContext, model: string, values: ShowValues): Promise<void> {
  const { stdout, newId, signal } = context.effects;
  const { root } = findProject(resolve(context.cwd));
  const project = await compileProject({ projectRoot: root, overrides: projectOverrides(values), signal });
  const actions = toActions(project);
  const action = chooseModel(model, actions, selectActions(project.graph, { actions: [model] }));
  const warehouse = await openProjectWarehouse(context, root, values, { maxSessions: 1, purpose: "read" });
  try {
    const existing = await readExistingRelations(warehouse, [action.target]);
    const sql = queryOf(action, existing.relations.has(formatRelation(action.target)));
    const rows = await warehouse.withSession(async (connection) => {
      const session = new ActionSession(connection, action, newId(), locateIn(project));
      await session.query("begin read only");
      try {
        const query = aroundUser("select * from (\n", sql, `\n) as model limit ${values.limit}`);
        return (await session.send(query)).rows;
      } finally {
        await connection.query("rollback");
      }
    });
    if (values.json === true) {
      stdout.write(`${JSON.stringify({ model: action.key, file: action.file, sql, rows }, null, 2)}\n`);
      return;
    }
    stdout.write(`-- ${action.key} (${action.file})\n${sql.trim()}\n\n`);
    const [first] = rows;
    if (first === undefined) stdout.write("(no rows)\n");
    else {
      const columns = Object.keys(first);
      stdout.write(
        formatTable(
          columns,
          rows.map((row) => columns.map((column) => cellText(row[column]))),
        ),
      );
    }
  } finally {
    await warehouse.close();
  }
}

function chooseModel(name: string, actions: ReadonlyMap<string, Action>, keys: ReadonlySet<string>): Action {
  const found = [...keys].flatMap((key) => actions.get(key) ?? []);
  const only = found.find(isRelationAction) ?? found.find((action) => action.kind === "assertion");
  if (only !== undefined) return only;
  throw new AquiferError(`"${name}" has no query to show: it is a ${found[0]?.kind ?? "nothing"}`, {
    code: "no-query",
    exitCode: exitCodes.usage,
    hint: "Name a table, view, incremental table or assertion.",
  });
}

function queryOf(action: Action, exists: boolean): string {
  if (action.kind === "incremental") return exists ? action.incrementalQuery : action.query;
  return action.kind === "operations" || action.kind === "declaration" ? "" : action.query;
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value.replace(/\s+/g, " ") : JSON.stringify(value);
}

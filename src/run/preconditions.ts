import { AquiferError, asError, exitCodes } from "../base/errors.js";
import { formatRelation, quoteIdentifier } from "../base/identifiers.js";
import type { Action } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { ExistingRelations } from "../warehouse/catalog/existing-relations.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { RunNode } from "./execution-graph.js";

/** A PostgreSQL connection reaches one database, which must be the project's. */
export function checkDatabase(project: CompiledProject, existing: ExistingRelations): void {
  const wanted = project.graph.projectConfig?.defaultDatabase ?? "";
  if (wanted === "" || wanted === existing.database) return;
  throw new AquiferError(
    `The project is for database "${wanted}", the connection is to "${existing.database}"`,
    {
      code: "wrong-database",
      exitCode: exitCodes.usage,
      hint: "A PostgreSQL connection reaches one database: connect to that one, or leave defaultDatabase away.",
    },
  );
}

/** Declared relations that the selected actions read must be there before anything is run. */
export function checkDeclarations(
  actions: ReadonlyMap<string, Action>,
  nodes: ReadonlyMap<string, RunNode>,
  existing: ExistingRelations,
): void {
  const missing = new Map<string, string[]>();
  for (const [key, node] of nodes) {
    for (const dependency of node.action.dependencies) {
      const action = actions.get(dependency);
      if (action?.kind !== "declaration" || existing.relations.has(formatRelation(action.target))) continue;
      missing.set(dependency, [...(missing.get(dependency) ?? []), key]);
    }
  }
  if (missing.size === 0) return;
  const [first] = missing.keys();
  throw new AquiferError(
    missing.size === 1
      ? `The declared relation ${first ?? ""} does not exist`
      : `${missing.size} declared relations do not exist`,
    {
      code: "missing-declaration",
      location: { file: actions.get(first ?? "")?.file ?? "" },
      details: [...missing].map(([key, readers]) => `${key}, read by ${readers.join(", ")}`),
      hint: "If ingest fills it, run: dataform ingest (it makes every table, empty ones too). Else create it, or correct its name.",
    },
  );
}

/** Makes the schemas that a run writes to. */
export async function createSchemas(warehouse: Warehouse, schemas: readonly string[]): Promise<void> {
  for (const schema of schemas) {
    try {
      await warehouse.query(`create schema if not exists ${quoteIdentifier(schema)}`);
    } catch (thrown) {
      // Another project's first run made it at the same moment.
      if (thrown instanceof WarehouseError && thrown.server.sqlState === "23505") continue;
      throw new AquiferError(
        `Schema "${schema}" does not exist and cannot be created: ${asError(thrown).message}`,
        {
          code: "no-schema",
          exitCode: exitCodes.usage,
          hint: `Have an administrator run: create schema ${quoteIdentifier(schema)} authorization <the role of this connection>`,
          cause: thrown,
        },
      );
    }
  }
}

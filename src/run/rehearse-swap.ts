import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { Successor } from "../statements/carry-over.js";
import { aroundUser } from "../statements/statement.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { PlanningContext } from "./action-context.js";
import { lostWithColumns } from "./in-place-obstacles.js";
import { SwapPlan } from "./swap-plan.js";

/** A new version that has not been built yet. */
export interface Unbuilt {
  readonly name: RelationName;
  readonly query: string;
  readonly kind: Successor["kind"];
  readonly columnTypes: ReadonlyMap<string, string>;
}

/**
 * Why a new version whose columns differ could not take the place of the old one; empty when it could. An empty one is put
 * through everything that a swap prepares, and undone: nothing is locked that anybody else uses.
 */
export async function rehearseSwap(
  context: PlanningContext,
  next: Unbuilt,
  facts: RelationFacts,
): Promise<readonly string[]> {
  const removed = facts.columns.map(({ name }) => name).filter((name) => !next.columnTypes.has(name));
  const lost = await lostWithColumns(context, next.name, facts, removed);
  if (lost.length > 0) return lost;
  const { session } = context;
  const relation = { schema: context.newSchema(), name: next.name.name };
  const isTable = next.kind === "table" || next.kind === "partitioned table";
  await session.query("savepoint rehearsal");
  try {
    const create = `create ${isTable ? "table" : next.kind} ${quoteRelation(relation)} as\n`;
    await session.query(`create schema ${quoteIdentifier(relation.schema)}`);
    await session.send(aroundUser(create, next.query, next.kind === "view" ? "\n" : "\nwith no data"));
    const successor: Successor = {
      relation,
      kind: next.kind,
      columns: [...next.columnTypes.keys()],
      indexNames: new Set(),
      keepsManaged: false,
      describedColumns: new Set(),
      keyColumns: new Set(),
      ownOptions: new Set(),
    };
    const { name, columnTypes } = next;
    await SwapPlan.rehearse(context, { name, successor, columnTypes, partitions: [], isKept: false });
    return [];
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || thrown.code !== "cannot-replace") throw thrown;
    return thrown.details;
  } finally {
    await session.query("rollback to savepoint rehearsal");
  }
}

import type { RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import {
  defaultPartition,
  neededPartitions,
  partitionName,
  type PartitionBound,
} from "../statements/partitions.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { ActionContext } from "./action-context.js";

/** Partitions that the rows of a relation need, the default one included. */
export async function neededBounds(
  context: ActionContext,
  rows: RelationName,
  action: TableAction | IncrementalAction,
): Promise<PartitionBound[]> {
  const partition = action.postgres.partitionBy;
  if (partition === undefined) return [];
  const needed = await context.session.query<{ suffix: string; bound: string }>(
    neededPartitions(rows, partition),
  );
  const others = defaultPartition(partition);
  return [...needed.rows, ...(others === undefined ? [] : [others])];
}

/** Partitions that new rows need and a table lacks. */
export async function missingPartitions(
  context: ActionContext,
  rows: RelationName,
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
): Promise<PartitionBound[]> {
  const known = new Set(facts.partitions.map((partition) => partition.name));
  const bounds = await neededBounds(context, rows, action);
  return bounds.filter((bound) => !known.has(partitionName(action.target.name, bound)));
}

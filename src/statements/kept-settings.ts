import { isDeepStrictEqual } from "node:util";
import { formatRelation, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { PostgresSettings } from "../project/postgres-settings.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { partitionMismatch } from "./partitions.js";

/** How a table that is kept follows the storage settings of its model. */
export interface SettingChanges {
  readonly statements: readonly string[];
  /** Settings that only another table can have, in words. */
  readonly obstacles: readonly string[];
}

/** Compares the storage of a table that stands there with its model's settings. */
export function settingChanges(
  target: RelationName,
  settings: PostgresSettings,
  facts: RelationFacts,
): SettingChanges {
  const { unlogged, fillfactor, partitionBy } = settings;
  const isPartitioned = facts.kind === "partitioned table";
  const parts = isPartitioned
    ? facts.partitions.map(({ name, ...part }) => ({ ...part, relation: { schema: target.schema, name } }))
    : [{ unlogged: facts.unlogged, options: facts.options, relation: target }];
  const name = formatRelation(target);
  const kind = (isUnlogged: boolean): string => (isUnlogged ? "unlogged" : "logged");
  const wanted = partitionBy === undefined ? null : { kind: partitionBy.kind, columns: [partitionBy.column] };
  const mismatch = isDeepStrictEqual(facts.partitionedBy, wanted)
    ? partitionMismatch(target, partitionBy, facts.partitions)
    : `${name} is ${partitioning(facts.partitionedBy)} and becomes ${partitioning(wanted)}`;
  return {
    statements:
      fillfactor === undefined
        ? []
        : parts
            .filter(({ options }) => !options.includes(`fillfactor=${fillfactor}`))
            .map(({ relation }) => `alter table ${quoteRelation(relation)} set (fillfactor = ${fillfactor})`),
    obstacles: [
      ...parts
        .filter((part) => part.unlogged !== unlogged)
        .slice(0, 1)
        .map(({ relation }) => {
          const change = `${name} is ${kind(!unlogged)} and becomes ${kind(unlogged)}, which rewrites the table`;
          return `${change}: alter table ${quoteRelation(relation)} set ${kind(unlogged)}, or unlogged: ${String(!unlogged)} in the model`;
        }),
      ...(mismatch === undefined ? [] : [mismatch]),
    ],
  };
}

function partitioning(by: RelationFacts["partitionedBy"]): string {
  if (by === null) return "not partitioned";
  return `partitioned by ${by.kind} (${by.columns.map((column) => column ?? "an expression").join(", ")})`;
}

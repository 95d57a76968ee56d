import {
  derivedIdentifier,
  hash32,
  quoteIdentifier,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import type { PostgresSettings } from "../project/postgres-settings.js";
import type { IndexFact, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { isManaged, managedComment } from "./managed-comment.js";
import { makeKey, markKey, modelKeys, type ModelKey } from "./model-keys.js";

/** How the keys of a table that is kept follow its model. */
export interface KeyChanges {
  /** Makes what is missing, and the new form of what has changed beside the old one: nothing that readers wait for. */
  readonly make: readonly string[];
  /** Puts new forms in the place of old ones and drops what the model no longer has, under the strongest lock. */
  readonly exchange: readonly string[];
  /** What stands in the way, in words. */
  readonly obstacles: readonly string[];
}

/** What stands there that has keys of a model. */
export type KeyedFacts = Pick<RelationFacts, "kind" | "indexes" | "constraints" | "replicaIdentity">;

/** Compares the keys that stand on a table with those of its model. */
export function keyChanges(target: RelationName, settings: PostgresSettings, facts: KeyedFacts): KeyChanges {
  const keys = modelKeys(target.name, settings);
  const make: string[] = [];
  const exchange: string[] = [];
  const obstacles: string[] = [];
  for (const key of keys) {
    const { standing, comment } = find(key, facts);
    if (standing === undefined) {
      const added = addKey(target, key, facts, false);
      make.push(...added.make);
      exchange.push(...added.exchange);
    } else if (isManaged(comment)) {
      // The mark may be an earlier version's: what stands there decides.
      if (comment === managedComment(key.setting) || isSame(key, standing, target.schema)) continue;
      const changed = addKey(target, key, facts, true);
      make.push(...changed.make);
      exchange.push(...changed.exchange);
    } else if (!isSame(key, standing, target.schema)) {
      obstacles.push(`${key.kind} ${key.name} has a name of the model's settings, which did not make it`);
    }
  }
  const names = new Set(keys.map(({ name }) => name));
  for (const old of [...facts.indexes, ...facts.constraints]) {
    if (names.has(old.name) || !isManaged(old.comment)) continue;
    if (isReplicaIdentity(old.name, facts))
      obstacles.push(`index ${old.name}, which the model no longer has, is the replica identity`);
    exchange.push(dropKey(target, old));
  }
  return { make, exchange, obstacles };
}

/** True when every key of a model stands there as the model says, and no other one of its making. */
export function hasKeys(target: RelationName, settings: PostgresSettings, facts: KeyedFacts): boolean {
  const { make, exchange, obstacles } = keyChanges(target, settings, facts);
  return make.length + exchange.length + obstacles.length === 0;
}

type Standing = IndexFact | RelationFacts["constraints"][number];

function find(key: ModelKey, facts: KeyedFacts): { standing?: Standing; comment: string | null } {
  const among: readonly Standing[] = key.kind === "foreign key" ? facts.constraints : facts.indexes;
  const standing = among.find((each) => each.name === key.name);
  return standing === undefined ? { comment: null } : { standing, comment: standing.comment };
}

/** @param isThere true when an older form stands under the name */
function addKey(
  target: RelationName,
  key: ModelKey,
  facts: KeyedFacts,
  isThere: boolean,
): Pick<KeyChanges, "make" | "exchange"> {
  const table = `alter table ${quoteRelation(target)}`;
  const name = quoteIdentifier(key.name);
  // No other index of the schema, nor another key of the model, has such a name.
  const beside = {
    ...key,
    name: derivedIdentifier(key.name, `_new_${hash32(quoteRelation({ ...target, name: key.name }))}`),
  };
  const drop = isThere ? [`drop constraint ${name}`] : [];
  if (key.kind === "primary key") {
    // Partitions cannot take over an index.
    if (facts.kind === "partitioned table")
      return { make: [], exchange: [...drop.map((each) => `${table} ${each}`), ...makeKey(target, key)] };
    const columns = key.setting.map(quoteIdentifier).join(", ");
    const index = quoteIdentifier(beside.name);
    const add = [...drop, `add constraint ${name} primary key using index ${index}`].join(", ");
    return {
      make: [`create unique index ${index} on ${quoteRelation(target)} (${columns})`],
      exchange: [`${table} ${add}`, markKey(target, key)],
    };
  }
  if (!isThere) return { make: makeKey(target, key), exchange: [] };
  const rename =
    key.kind === "index"
      ? [
          `drop index ${quoteRelation({ schema: target.schema, name: key.name })}`,
          `alter index ${quoteRelation({ schema: target.schema, name: beside.name })} rename to ${name}`,
          ...(isReplicaIdentity(key.name, facts) ? [`${table} replica identity using index ${name}`] : []),
        ]
      : [
          `${table} drop constraint ${name}`,
          `${table} rename constraint ${quoteIdentifier(beside.name)} to ${name}`,
        ];
  return { make: makeKey(target, beside), exchange: rename };
}

function dropKey(target: RelationName, old: Standing): string {
  const isIndex = "columns" in old && old.constraint === null;
  return isIndex
    ? `drop index ${quoteRelation({ schema: target.schema, name: old.name })}`
    : `alter table ${quoteRelation(target)} drop constraint ${quoteIdentifier(old.name)}`;
}

function isReplicaIdentity(index: string, { replicaIdentity }: KeyedFacts): boolean {
  return (
    replicaIdentity === `using index ${index}` || replicaIdentity === `using index ${quoteIdentifier(index)}`
  );
}

/** True when what stands under the model's name is what the model says; false where that is not plain to see. */
function isSame(key: ModelKey, standing: Standing, schema: string): boolean {
  const shown = unquoted(
    "columns" in standing ? (standing.constraint ?? standing.definition) : standing.definition,
  );
  switch (key.kind) {
    case "primary key":
      return shown === unquoted(`PRIMARY KEY (${key.setting.join(", ")})`);
    case "index": {
      const { columns, include, method = "btree", unique, where } = key.setting;
      const rest = include.length === 0 ? "" : ` INCLUDE (${include.join(", ")})`;
      const isUnique = "unique" in standing && standing.unique;
      return (
        where === undefined &&
        unique === isUnique &&
        shown.endsWith(unquoted(` USING ${method} (${columns.join(", ")})${rest}`))
      );
    }
    case "foreign key": {
      const { columns, referencedColumns, references } = key.setting;
      const own = `${schema}.`;
      const table = references.startsWith(own) ? references.slice(own.length) : references;
      return (
        shown ===
        unquoted(`FOREIGN KEY (${columns.join(", ")}) REFERENCES ${table}(${referencedColumns.join(", ")})`)
      );
    }
  }
}

/** The server quotes a name where it must, and what is compared here has no other use for quotes. */
function unquoted(sql: string): string {
  return sql.replaceAll('"', "");
}

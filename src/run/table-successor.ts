import { AquiferError } from "../base/errors.js";
import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import type { PostgresSettings } from "../project/postgres-settings.js";
import { commentStatements, createTableAs, describedColumns } from "../statements/create-relation.js";
import { keyNames, keyStatements } from "../statements/model-keys.js";
import { createPartition, createPartitionedTable, partitionName } from "../statements/partitions.js";
import { aroundUser } from "../statements/statement.js";
import { columnTypes } from "../warehouse/catalog/column-types.js";
import { AuditFailure, type ActionContext } from "./action-context.js";
import type { ActionSession } from "./action-session.js";
import { audit } from "./audit.js";
import { checkMergeKey } from "./merge-key.js";
import { neededBounds } from "./needed-partitions.js";
import type { AssertionOutcome } from "./outcome.js";
import type { PrivateSchema } from "./private-schema.js";
import type { Replacement } from "./replacement.js";

/** A table's new version, standing aside. */
export interface BuiltTable extends Replacement {
  readonly rowCount: number;
  readonly assertions: readonly AssertionOutcome[];
  /** The names in `successor.indexNames`, to which post-operations add. */
  readonly madeNames: Set<string>;
}

/** The kind of table that settings make. */
export function kindOf(settings: PostgresSettings): "table" | "partitioned table" {
  return settings.partitionBy === undefined ? "table" : "partitioned table";
}

/**
 * Settings of a version whose rows are only compared with those that stand there: unlogged, which is cheaper and keeps a
 * publication of all tables from sending it to subscribers.
 */
export function asShadow(settings: PostgresSettings): PostgresSettings {
  const { indexes, primaryKey, foreignKeys, grants, replace } = settings;
  return { indexes, primaryKey, foreignKeys, grants, replace, unlogged: true };
}

/** Builds a new version in its place, with its keys, comments and statistics, and audits it. */
export async function buildAside(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  place: RelationName & PrivateSchema,
  settings: PostgresSettings,
): Promise<BuiltTable> {
  const { session } = context;
  const at: RelationName = { schema: place.schema, name: place.name };
  let rowCount: number;
  let partitions: readonly string[] = [];
  if (settings.partitionBy === undefined) {
    rowCount = (await session.send(createTableAs(at, action.query, settings))).rowCount;
  } else {
    const rows = { schema: "pg_temp", name: "aquifer_rows" };
    const create = aroundUser(
      `create temporary table "aquifer_rows" on commit drop as\n`,
      action.query,
      "\n",
    );
    rowCount = (await session.send(create)).rowCount;
    await session.query(createPartitionedTable(at, rows, settings.partitionBy));
    const bounds = await neededBounds(context, rows, action);
    await session.batch(bounds.map((bound) => createPartition(at, bound, settings)));
    await session.batch([
      `insert into ${quoteRelation(at)} select * from ${quoteRelation(rows)}`,
      `drop table ${quoteRelation(rows)}`,
    ]);
    partitions = bounds.map((bound) => partitionName(at.name, bound));
  }
  const columns = await columnTypes(session, at);
  const names = new Set(columns.keys());
  const kind = kindOf(settings);
  if (action.kind === "incremental") await checkMergeKey(session, action, at, columns);
  const provenKeys = await addKeys(context, action, at);
  await session.batch([...commentStatements(at, kind, action, names), `analyze ${quoteRelation(at)}`]);
  const assertions = await audit(session, { at, name: action.target, provenKeys }, context.audits);
  if (assertions.some((each) => each.status === "failed")) throw new AuditFailure(action, assertions);
  const madeNames = new Set(keyNames(at.name, settings));
  const successor = {
    relation: at,
    kind,
    columns: [...names],
    indexNames: madeNames,
    keepsManaged: false,
    describedColumns: describedColumns(action),
    keyColumns: new Set(settings.primaryKey),
    ownOptions: new Set(settings.fillfactor === undefined ? [] : ["fillfactor"]),
  } as const;
  return {
    name: action.target,
    successor,
    columnTypes: columns,
    partitions,
    isKept: place.isKept,
    rowCount,
    assertions,
    madeNames,
  };
}

/**
 * Makes primary key, indexes and foreign keys. Where a unique one finds duplicates and an assertion covers its columns,
 * the assertion tells the story: it counts and samples them.
 */
async function addKeys(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  at: RelationName,
): Promise<readonly (readonly string[])[]> {
  const statements = keyStatements(at, action.postgres);
  if (statements.length === 0) return [];
  const proven = [
    ...(action.postgres.primaryKey.length > 0 ? [action.postgres.primaryKey] : []),
    ...action.postgres.indexes
      .filter((index) => index.unique && index.where === undefined)
      .map((index) => index.columns),
  ];
  const auditsKeys = context.audits.some((each) => each.check?.kind === "uniqueKey");
  if (auditsKeys) await context.session.query("savepoint keys");
  try {
    await context.session.batch(statements);
    return proven;
  } catch (thrown) {
    if (!auditsKeys || !(thrown instanceof AquiferError) || thrown.code !== "sql-23505") throw thrown;
    await context.session.query("rollback to savepoint keys");
    const outcomes = await audit(
      context.session,
      { at, name: action.target, provenKeys: [] },
      context.audits,
    );
    if (outcomes.some((each) => each.status === "failed")) throw new AuditFailure(action, outcomes);
    throw thrown;
  }
}

/** Indexes and constraints that post-operations made on the new version are not carried over once more. */
export async function addMadeNames(session: ActionSession, built: BuiltTable): Promise<void> {
  const relation = `${quoteLiteral(quoteRelation(built.successor.relation))}::regclass`;
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_catalog.pg_index join pg_catalog.pg_class on pg_class.oid = indexrelid where indrelid = ${relation}
union all select conname from pg_catalog.pg_constraint where conrelid = ${relation}`,
  );
  for (const { name } of rows) built.madeNames.add(name);
}

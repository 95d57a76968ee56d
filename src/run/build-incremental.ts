import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteRelation } from "../base/identifiers.js";
import { formatPlural } from "../base/format-quantity.js";
import type { IncrementalAction } from "../project/action.js";
import {
  alterColumns,
  appendRows,
  compareColumns,
  createDelta,
  deleteOverwritten,
  keyFaults,
  mergeRows,
  type ColumnDifference,
} from "../statements/incremental.js";
import { createPartition, partitionName } from "../statements/partitions.js";
import { commentStatements, grantStatements } from "../statements/create-relation.js";
import { userStatement } from "../statements/statement.js";
import { readRelationFacts, type RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { audit } from "./audit.js";
import { buildTable, partitionsFor } from "./build-table.js";
import { takeLocks } from "./lock-budget.js";
import { columnTypes } from "./swap.js";

const delta = { schema: "pg_temp", name: "aquifer_delta" };

/** Builds an incremental table: anew the first time or on a full refresh, else by adding what its query brings. */
export async function buildIncremental(
  context: ActionContext,
  action: IncrementalAction,
): Promise<BuildReport> {
  const { session } = context;
  if (!isUpdatable(context, action)) return buildTable(context, action);
  const facts = await readRelationFacts(session.plain, action.target);
  await session.query(`set local search_path = ${context.searchPath || '""'}`);
  if (facts === undefined) return buildTable(context, action);

  for (const operation of action.incrementalPreOperations) await session.send(userStatement(operation));
  await session.send(createDelta(delta.name, action.incrementalQuery));
  const types = await columnTypes(session, delta);
  const difference = compareColumns(
    facts.columns,
    [...types].map(([name, type]) => ({ name, type, notNull: false })),
  );
  await checkKey(context, action);
  const isKeyed = action.strategy === "merge";
  await session.batch([
    ...(isKeyed
      ? [`create index on ${quoteRelation(delta)} (${action.uniqueKey.map(quoteIdentifier).join(", ")})`]
      : []),
    `analyze ${quoteRelation(delta)}`,
  ]);
  const locks = await changeColumns(context, action, facts, difference);
  const kept =
    action.onSchemaChange === "ignore" || action.onSchemaChange === "fail"
      ? [...types.keys()].filter((name) => facts.columns.some((column) => column.name === name))
      : [...types.keys()];
  const rowCount = await write(context, action, facts, kept);
  const assertions = await audit(
    session,
    {
      at: action.target,
      name: action.target,
      provenKeys: facts.indexes.filter((index) => index.isKey).map((index) => index.columns),
    },
    context.audits,
  );
  if (assertions.some((each) => each.status === "failed")) throw new AuditFailure(action, assertions);
  const existing = new Set([...facts.columns.map((column) => column.name), ...kept]);
  const kind = facts.kind === "partitioned table" ? "partitioned table" : "table";
  await session.batch([
    ...changedComments(action, facts, existing, kind),
    ...grantStatements(action.target, action.postgres),
  ]);
  for (const operation of action.incrementalPostOperations) await session.send(userStatement(operation));
  return {
    path: action.strategy,
    rowCount,
    attempts: locks?.attempts ?? 1,
    assertions,
    ...(locks ? { lockedAt: locks.lockedAt } : {}),
  };
}

/** True when the table stands there and is to be kept. */
export function isUpdatable(
  context: Pick<ActionContext, "existing" | "fullRefresh">,
  action: IncrementalAction,
): boolean {
  const kind = context.existing.get(action.key);
  return (kind === "table" || kind === "partitioned table") && (!context.fullRefresh || action.protected);
}

async function checkKey(context: ActionContext, action: IncrementalAction): Promise<void> {
  if (action.strategy !== "merge") return;
  const answer = await context.session.query<{ null_keys: string; duplicate_keys: string }>(
    keyFaults(delta, action.uniqueKey),
  );
  const nulls = Number(answer.rows[0]?.null_keys);
  const duplicates = Number(answer.rows[0]?.duplicate_keys);
  if (nulls === 0 && duplicates === 0) return;
  const key = action.uniqueKey.join(", ");
  throw new AquiferError(
    nulls > 0
      ? `${formatPlural(nulls, "new row")} of ${action.key} without a unique key (${key} is null)`
      : `${formatPlural(duplicates, "key")} (${key}) of ${action.key} on several new rows`,
    {
      code: nulls > 0 ? "null-key" : "duplicate-key",
      location: { file: action.file },
      hint:
        nulls > 0
          ? "A null never equals a null, so each run would add these rows again: filter them out or give them a key."
          : "Keep one row a key in the model's query (distinct on, or row_number() = 1), or widen uniqueKey.",
    },
  );
}

/** Follows `onSchemaChange`. The lock that adding a column takes is held until the end of the transaction. */
async function changeColumns(
  context: ActionContext,
  action: IncrementalAction,
  facts: RelationFacts,
  difference: ColumnDifference,
): Promise<{ attempts: number; lockedAt: number } | undefined> {
  const names = (columns: readonly { readonly name: string }[]): string =>
    columns.map((column) => column.name).join(", ");
  const changes = [
    ...(difference.added.length > 0 ? [`new: ${names(difference.added)}`] : []),
    ...(difference.removed.length > 0 ? [`gone: ${names(difference.removed)}`] : []),
  ];
  const refuse = (why: string): AquiferError =>
    new AquiferError(`The columns of ${action.key} changed (${changes.join("; ")})${why}`, {
      code: "schema-change",
      location: { file: action.file },
      hint: "Set onSchemaChange to EXTEND or SYNCHRONIZE, or rebuild with --full-refresh.",
    });
  if (changes.length === 0 || action.onSchemaChange === "ignore") return undefined;
  if (action.onSchemaChange === "fail") throw refuse(" and onSchemaChange is FAIL");
  if (action.onSchemaChange === "extend" && difference.removed.length > 0) {
    throw refuse(" and onSchemaChange is EXTEND, which only adds");
  }
  const removed = action.onSchemaChange === "synchronize" ? difference.removed : [];
  return takeLocks(context, action.target, async () => {
    const lockedAt = milliseconds();
    await context.session.batch([
      `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
      ...alterColumns(action.target, difference.added, removed),
      "set local lock_timeout = default",
    ]);
    return lockedAt;
  });
}

async function write(
  context: ActionContext,
  action: IncrementalAction,
  facts: RelationFacts,
  columns: readonly string[],
): Promise<number> {
  const { session } = context;
  if (facts.kind === "partitioned table" && action.postgres.partitionBy !== undefined) {
    const known = new Set(facts.partitions.map((partition) => partition.name));
    const bounds = await partitionsFor(context, delta, action);
    const missing = bounds.filter((bound) => !known.has(partitionName(action.target.name, bound)));
    await session.batch(missing.map((bound) => createPartition(action.target, bound)));
  }
  switch (action.strategy) {
    case "append":
      return (await session.query(appendRows(action.target, delta, columns))).rowCount;
    case "merge":
      return (await session.query(mergeRows(action.target, delta, columns, action.uniqueKey))).rowCount;
    case "insert_overwrite": {
      const partition = action.postgres.partitionBy;
      if (partition === undefined) {
        throw new AquiferError(`${action.key} overwrites partitions but does not say which`, {
          code: "bad-setting",
          location: { file: action.file },
          hint: 'Give extraProperties.postgres.partitionBy, such as { column: "day", granularity: "day" }.',
        });
      }
      await session.query(deleteOverwritten(action.target, delta, partition));
      return (await session.query(appendRows(action.target, delta, columns))).rowCount;
    }
  }
}

/** Comments that the table does not carry yet: writing one takes a lock, so none is written twice. */
function changedComments(
  action: IncrementalAction,
  facts: RelationFacts,
  existing: ReadonlySet<string>,
  kind: "table" | "partitioned table",
): string[] {
  const known = new Map(facts.comments.map((comment) => [comment.column ?? "", comment.text]));
  const columns = action.columns.filter((column) => known.get(column.name) !== column.description);
  const { description } = action;
  const own = description === undefined || known.get("") === description ? {} : { description };
  return commentStatements(action.target, kind, { ...own, columns }, existing);
}

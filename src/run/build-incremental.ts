import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteRelation } from "../base/identifiers.js";
import type { IncrementalAction } from "../project/action.js";
import {
  alterColumns,
  appendRows,
  createDelta,
  deleteOverwritten,
  mergeRows,
} from "../statements/incremental.js";
import { createPartition } from "../statements/partitions.js";
import { commentStatements, grantStatements } from "../statements/create-relation.js";
import { userStatement } from "../statements/statement.js";
import { columnTypes } from "../warehouse/catalog/column-types.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { audit } from "./audit.js";
import { buildTable } from "./build-table.js";
import { checkIncrement, type Increment } from "./check-increment.js";
import { followSettings } from "./follow-settings.js";
import { firstLock, takeLocks, type LockReport } from "./lock-budget.js";
import { checkMergeKey } from "./merge-key.js";
import { missingPartitions } from "./needed-partitions.js";
import { incrementOutlook } from "./outlook.js";

const delta = { schema: "pg_temp", name: "aquifer_delta" };

/** Builds an incremental table: anew the first time or on a full refresh, else by adding what its query brings. */
export async function buildIncremental(
  context: ActionContext,
  action: IncrementalAction,
): Promise<BuildReport> {
  const { session } = context;
  const facts = await readRelationFacts(session.plain, action.target);
  const existing = new Map(facts === undefined ? [] : [[action.key, facts.kind]]);
  const { fullRefresh } = context;
  if (facts === undefined || !isUpdatable({ existing, fullRefresh }, action))
    return buildTable(context, action);

  // A policy that hid rows from us would make duplicates of them: better an error.
  await session.query("set local row_security = off");
  for (const operation of action.incrementalPreOperations) await session.send(userStatement(operation));
  await incrementOutlook(context, action, facts);
  await session.send(createDelta(delta.name, action.incrementalQuery));
  const types = await columnTypes(session, delta);
  const increment = await checkIncrement(context, action, facts, types);
  await checkMergeKey(session, action, delta, types);
  const isKeyed = action.strategy === "merge";
  await session.batch([
    ...(isKeyed
      ? [`create index on ${quoteRelation(delta)} (${action.uniqueKey.map(quoteIdentifier).join(", ")})`]
      : []),
    `analyze ${quoteRelation(delta)}`,
  ]);
  const locks = await changeTable(context, action, facts, increment);
  const kept =
    action.onSchemaChange === "ignore" || action.onSchemaChange === "fail"
      ? [...types.keys()].filter((name) => facts.columns.some((column) => column.name === name))
      : [...types.keys()];
  if (kept.length === 0)
    throw new AquiferError(`The query of ${action.key} has no column in common with its table`, {
      code: "schema-change",
      location: { file: action.file },
      hint: "Rebuild it with --full-refresh, or set onSchemaChange.",
    });
  const rowCount = await write(context, action, kept);
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
  const columns = new Set([...facts.columns.map((column) => column.name), ...kept]);
  const followed = await followSettings(context, action, facts, increment.removed.length > 0);
  const kind = facts.kind === "partitioned table" ? "partitioned table" : "table";
  await session.batch([
    ...changedComments(action, facts, columns, kind),
    ...grantStatements(action.target, action.postgres),
  ]);
  for (const operation of action.incrementalPostOperations) await session.send(userStatement(operation));
  return {
    path: action.strategy,
    rowCount,
    attempts: Math.max(locks?.attempts ?? 1, followed?.attempts ?? 1),
    assertions,
    ...firstLock(locks, followed),
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

/** Adds and drops columns and makes the partitions that the new rows need; the locks are held until the transaction ends. */
async function changeTable(
  context: ActionContext,
  action: IncrementalAction,
  facts: RelationFacts,
  { added, removed, abandoned }: Increment,
): Promise<LockReport | undefined> {
  const bounds =
    facts.kind === "partitioned table" ? await missingPartitions(context, delta, action, facts) : [];
  const changes = [
    ...abandoned.map((view) => `drop view ${quoteRelation(view)} restrict`),
    ...alterColumns(action.target, added, removed),
    ...bounds.map((bound) => createPartition(action.target, bound, action.postgres)),
  ];
  if (changes.length === 0) return undefined;
  return takeLocks(context, action.target, async () => {
    const lockedAt = milliseconds();
    await context.session.batch([
      `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
      ...changes,
      "set local lock_timeout = default",
    ]);
    return lockedAt;
  });
}

async function write(
  context: ActionContext,
  action: IncrementalAction,
  columns: readonly string[],
): Promise<number> {
  const { session } = context;
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

import { AquiferError } from "../base/errors.js";
import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import { commentStatements } from "../statements/create-relation.js";
import { deltaStatements, type RowDelta } from "../statements/delta.js";
import { alterColumns, keyFaults } from "../statements/incremental.js";
import { keyNames } from "../statements/model-keys.js";
import { createPartition } from "../statements/partitions.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import type { ActionContext, BuildReport } from "./action-context.js";
import { milliseconds, type ActionSession } from "./action-session.js";
import { inPlace } from "./in-place-obstacles.js";
import { followSettings } from "./follow-settings.js";
import { firstLock, takeLocks, type LockReport } from "./lock-budget.js";
import { missingPartitions } from "./needed-partitions.js";
import { closePrivateSchema } from "./private-schema.js";
import type { BuiltTable } from "./table-successor.js";

/** How a new version took the place of the old one. */
export type Replaced = Pick<BuildReport, "path" | "reason" | "attempts" | "lockedAt">;

/**
 * Changes the rows of the table that stands there: it keeps its identity and all that hangs on it. Returns why that cannot
 * be done, in words, before anything is changed.
 */
export async function replaceInPlace(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  built: BuiltTable,
  facts: RelationFacts,
  reason: string,
): Promise<Replaced | readonly string[]> {
  const { session } = context;
  const { difference, obstacles, abandoned } = await inPlace(context, action, facts, built.columnTypes);
  const remade = (await madeOtherwise(session, action, built)).map(
    (name) => `a post-operation makes ${name} otherwise than it stands there`,
  );
  if (obstacles.length + remade.length > 0) return [...obstacles, ...remade];
  // A policy that hid rows from us would make the difference a wrong one: better an error.
  await session.query("set local row_security = off");
  let locks: LockReport | undefined;
  const bounds =
    facts.kind === "partitioned table"
      ? await missingPartitions(context, built.successor.relation, action, facts)
      : [];
  const changes = [
    ...abandoned.map((view) => `drop view ${quoteRelation(view)} restrict`),
    ...alterColumns(action.target, difference.added, difference.removed),
    ...bounds.map((bound) => createPartition(action.target, bound, action.postgres)),
  ];
  if (changes.length > 0)
    locks = await takeLocks(context, action.target, async () => {
      const started = milliseconds();
      await session.batch([
        `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
        ...changes,
        "set local lock_timeout = default",
      ]);
      return started;
    });
  const columns = [...built.columnTypes.keys()];
  const key = facts.indexes.find(
    (index) =>
      index.isKey &&
      index.columns.every((column) => isNotNull(facts.columns, column) && columns.includes(column)),
  );
  const delta = {
    current: action.target,
    next: built.successor.relation,
    columns,
    only: facts.kind === "table",
  };
  await applyDelta(context, delta, key?.columns);
  const followed = await followSettings(context, action, facts, difference.removed.length > 0);
  await session.batch([
    ...commentStatements(action.target, "table", action, new Set(columns)),
    `drop table ${quoteRelation(built.successor.relation)}`,
    ...closePrivateSchema({ schema: built.successor.relation.schema, isKept: built.isKept }),
  ]);
  const attempts = Math.max(locks?.attempts ?? 1, followed?.attempts ?? 1);
  return { path: "delta", reason, attempts, ...firstLock(locks, followed) };
}

/** Indexes and constraints that post-operations made on the new version, and that stand on the old one in another form. */
async function madeOtherwise(
  session: ActionSession,
  action: TableAction | IncrementalAction,
  { successor, madeNames }: BuiltTable,
): Promise<string[]> {
  const own = new Set(keyNames(action.target.name, action.postgres));
  const made = [...madeNames].filter((name) => !own.has(name));
  if (made.length === 0) return [];
  const definitions = (relation: RelationName): string => {
    const oid = `${quoteLiteral(quoteRelation(relation))}::regclass`;
    return `(select relname as name, indisunique || substr(pg_get_indexdef(indexrelid), strpos(pg_get_indexdef(indexrelid), ' USING ')) as definition
  from pg_catalog.pg_index join pg_catalog.pg_class on pg_class.oid = indexrelid where indrelid = ${oid}
  union all select conname, pg_get_constraintdef(oid) from pg_catalog.pg_constraint where conrelid = ${oid} and contype in ('c', 'f'))`;
  };
  const { rows } = await session.query<{ name: string }>(
    `select name from ${definitions(successor.relation)} as made join ${definitions(action.target)} as standing using (name)
where made.definition <> standing.definition and name in (${made.map(quoteLiteral).join(", ")}) order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** By key where there is one; where two rows trade a unique value, which updates cannot do, by whole rows. */
async function applyDelta(
  context: ActionContext,
  delta: RowDelta,
  key: readonly string[] | undefined,
): Promise<void> {
  const { session } = context;
  // A key of people's need not be one of the new rows: then the table itself refuses what stands twice.
  if (key === undefined || !(await isKeyOf(session, delta.next, key)))
    return session.batch(deltaStatements(delta));
  await session.query("savepoint delta");
  try {
    await session.batch(deltaStatements({ ...delta, key }));
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || thrown.code !== "sql-23505") throw thrown;
    await session.query("rollback to savepoint delta");
    await session.batch(deltaStatements(delta));
  }
}

async function isKeyOf(
  session: ActionSession,
  relation: RelationName,
  key: readonly string[],
): Promise<boolean> {
  const { rows } = await session.query<{ null_keys: string; duplicate_keys: string }>(
    keyFaults(relation, key),
  );
  return rows[0]?.null_keys === "0" && rows[0].duplicate_keys === "0";
}

function isNotNull(
  columns: readonly { readonly name: string; readonly notNull: boolean }[],
  name: string,
): boolean {
  return columns.some((column) => column.name === name && column.notNull);
}

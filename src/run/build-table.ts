import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import type { PostgresSettings } from "../project/postgres-settings.js";
import {
  commentStatements,
  createTableAs,
  describedColumns,
  grantStatements,
  keyNames,
  keyStatements,
} from "../statements/create-relation.js";
import { alterColumns, compareColumns, keyFaults, type ColumnDifference } from "../statements/incremental.js";
import { deltaStatements, type RowDelta } from "../statements/delta.js";
import {
  createPartition,
  createPartitionedTable,
  defaultPartition,
  neededPartitions,
  partitionName,
  type PartitionBound,
} from "../statements/partitions.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import { leadingWords, splitStatements } from "../statements/sql-tokens.js";
import { aroundUser, userStatement } from "../statements/statement.js";
import {
  readRelationFacts,
  type DependentView,
  type RelationFacts,
} from "../warehouse/catalog/relation-facts.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { milliseconds, type ActionSession } from "./action-session.js";
import { audit } from "./audit.js";
import { takeLocks } from "./lock-budget.js";
import { checkMergeKey } from "./merge-key.js";
import { isOwnOperation } from "./own-operation.js";
import type { AssertionOutcome } from "./outcome.js";
import {
  cannotReplace,
  columnTypes,
  isAbandonedAssertion,
  swap,
  swapObstacles,
  type KnownFacts,
  type Replacement,
} from "./swap.js";

/** A table's new version, standing aside. */
interface BuiltTable extends Replacement {
  readonly rowCount: number;
  readonly assertions: readonly AssertionOutcome[];
  /** The names in `successor.indexNames`, to which post-operations add. */
  readonly madeNames: Set<string>;
}

/**
 * Builds a table anew: aside, with its keys, audited, then put in place of the old version. All in the caller's
 * transaction, so a failure or a kill at any moment leaves nothing behind.
 */
export async function buildTable(
  context: ActionContext,
  action: TableAction | IncrementalAction,
): Promise<BuildReport> {
  const { session } = context;
  for (const operation of action.preOperations) await session.send(userStatement(operation));
  const facts = await readFacts(context, action.target);
  const readAt = milliseconds();
  const obstacles = facts === undefined ? [] : obstaclesOf(action, facts);
  // A first version is made where it belongs, so that the schema's default privileges apply to it.
  const schema = facts === undefined ? action.target.schema : context.newSchema();
  if (facts !== undefined) await session.query(`create schema ${quoteIdentifier(schema)}`);
  const settings = obstacles.length === 0 ? action.postgres : asShadow(action.postgres);
  const built = await buildAside(context, action, { schema, name: action.target.name }, settings);
  const isOwn = (operation: string): boolean => isOwnOperation(operation, action.target);
  const own = action.postOperations.filter(isOwn);
  for (const operation of own) {
    const text = rewriteRelation(operation, action.target, built.successor.relation);
    await session.send(userStatement(text));
  }
  if (own.length > 0) await addMadeNames(session, built);
  const report =
    facts === undefined
      ? { path: "create" as const, attempts: 1 }
      : await replace(context, action, built, { facts, readAt }, obstacles);
  if (report.path === "delta") {
    // What changed rows has done so on the new version already; what the table itself is to have comes now.
    for (const operation of own.filter((each) => !changesRows(each))) await sendOnce(session, operation);
  }
  await session.batch(grantStatements(action.target, action.postgres));
  for (const operation of action.postOperations.filter((each) => !isOwn(each))) {
    await session.send(userStatement(operation));
  }
  return { ...report, rowCount: built.rowCount, assertions: built.assertions };
}

/** Indexes and constraints that post-operations made on the new version are not carried over once more. */
async function addMadeNames(session: ActionSession, built: BuiltTable): Promise<void> {
  const relation = `${quoteLiteral(quoteRelation(built.successor.relation))}::regclass`;
  const { rows } = await session.query<{ name: string }>(
    `select relname as name from pg_catalog.pg_index join pg_catalog.pg_class on pg_class.oid = indexrelid where indrelid = ${relation}
union all select conname from pg_catalog.pg_constraint where conrelid = ${relation}`,
  );
  for (const { name } of rows) built.madeNames.add(name);
}

function changesRows(operation: string): boolean {
  return splitStatements(operation).every((statement) => /^(update|delete)\b/.test(leadingWords(statement)));
}

/** Runs an operation on a table that may have what it makes from an earlier run. */
async function sendOnce(session: ActionSession, operation: string): Promise<void> {
  await session.query("savepoint operation");
  try {
    await session.send(userStatement(operation));
  } catch (thrown) {
    const stands =
      thrown instanceof AquiferError && (thrown.code === "sql-42P07" || thrown.code === "sql-42710");
    if (!stands) throw thrown;
    await session.query("rollback to savepoint operation");
  }
}

/** The facts of a relation as the transaction sees it now; undefined when it does not exist. */
export function readFacts(
  context: ActionContext,
  relation: RelationName,
): Promise<RelationFacts | undefined> {
  return readRelationFacts(context.session.plain, relation);
}

/**
 * Why the table that stands there cannot be exchanged for another one; empty when it can.
 *
 * @throws AquiferError `cannot-replace` when its rows cannot be changed in place either
 */
function obstaclesOf(action: TableAction | IncrementalAction, facts: RelationFacts): string[] {
  const kind = kindOf(action.postgres);
  const foreignViews = facts.views
    .filter((view) => !view.replaceable)
    .map(
      (view) => `${view.kind} ${view.schema}.${view.name} belongs to another role, which we may not act for`,
    );
  const obstacles = [...swapObstacles(action.target, facts, kind), ...foreignViews];
  if (obstacles.length > 0 && (facts.kind !== kind || !facts.ownedByUs))
    throw cannotReplace(action.target, action.file, obstacles);
  return obstacles;
}

function kindOf(settings: PostgresSettings): "table" | "partitioned table" {
  return settings.partitionBy === undefined ? "table" : "partitioned table";
}

/**
 * Settings of a version whose rows are only compared with those that stand there: unlogged, which is cheaper and keeps a
 * publication of all tables from sending it to subscribers.
 */
function asShadow(settings: PostgresSettings): PostgresSettings {
  const { indexes, primaryKey, foreignKeys, grants, replace } = settings;
  return { indexes, primaryKey, foreignKeys, grants, replace, unlogged: true };
}

async function buildAside(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  at: RelationName,
  settings: PostgresSettings,
): Promise<BuiltTable> {
  const { session } = context;
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
    const bounds = await partitionsFor(context, rows, action);
    await session.batch(bounds.map((bound) => createPartition(at, bound)));
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
    rowCount,
    assertions,
    madeNames,
  };
}

/** Partitions that the rows of a relation need, the default one included. */
async function partitionsFor(
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

type Replaced = Pick<BuildReport, "path" | "reason" | "attempts" | "lockedAt">;

/** By swap, or in place where the model asks for it or something depends on the table's identity. */
async function replace(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  built: BuiltTable,
  known: KnownFacts,
  obstacles: readonly string[],
): Promise<Replaced> {
  const { facts } = known;
  if (obstacles.length > 0) {
    const done = await replaceInPlace(context, action, built, facts, obstacles.join("; "));
    if (!Array.isArray(done)) return done;
    throw cannotReplace(action.target, action.file, [...new Set([...obstacles, ...done])]);
  }
  let reason: string | undefined;
  if (action.postgres.replace === "delta") {
    const done = await replaceInPlace(context, action, built, facts, "the model says so");
    if (!Array.isArray(done)) return done;
    reason = `not in place: ${done.join("; ")}`;
  }
  try {
    return {
      path: "swap",
      ...(await swap(context, { ...built, known })),
      ...(reason === undefined ? {} : { reason }),
    };
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || thrown.code !== "cannot-replace" || reason !== undefined)
      throw thrown;
    const done = await replaceInPlace(context, action, built, facts, thrown.details.join("; "));
    if (!Array.isArray(done)) return done;
    throw cannotReplace(action.target, action.file, [...new Set([...thrown.details, ...done])], thrown);
  }
}

/**
 * Changes the rows of the table that stands there: it keeps its identity and all that hangs on it. Returns why that cannot
 * be done, in words, before anything is changed.
 */
async function replaceInPlace(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  built: BuiltTable,
  facts: RelationFacts,
  reason: string,
): Promise<Replaced | string[]> {
  const { session } = context;
  const next = [...built.columnTypes].map(([name, type]) => ({ name, type, notNull: false }));
  const difference = compareColumns(facts.columns, next);
  const removed = new Set(difference.removed.map((column) => column.name));
  const readers = facts.views.filter((view) => view.readsColumns.some((column) => removed.has(column)));
  const abandoned: DependentView[] = [];
  for (const view of readers) if (await isAbandonedAssertion(context, view)) abandoned.push(view);
  const faults = inPlaceFaults(
    action,
    facts,
    difference,
    readers.filter((view) => !abandoned.includes(view)),
  );
  if (faults.length > 0) return faults;
  // A policy that hid rows from us would make the difference a wrong one: better an error.
  await session.query("set local row_security = off");
  let lockedAt: number | undefined;
  let attempts = 1;
  const bounds =
    facts.kind === "partitioned table"
      ? await missingPartitions(context, built.successor.relation, action, facts)
      : [];
  const changes = [
    ...abandoned.map((view) => `drop view ${quoteRelation(view)} restrict`),
    ...alterColumns(action.target, difference.added, difference.removed),
    ...bounds.map((bound) => createPartition(action.target, bound)),
  ];
  if (changes.length > 0)
    ({ lockedAt, attempts } = await takeLocks(context, action.target, async () => {
      const started = milliseconds();
      await session.batch([
        `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
        ...changes,
        "set local lock_timeout = default",
      ]);
      return started;
    }));
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
  const standing = new Set([...facts.indexes, ...facts.constraints].map((each) => each.name));
  await session.batch([
    ...missingKeys(action, standing),
    ...commentStatements(action.target, "table", action, new Set(columns)),
    `drop table ${quoteRelation(built.successor.relation)}`,
    `drop schema ${quoteIdentifier(built.successor.relation.schema)} restrict`,
  ]);
  return { path: "delta", reason, attempts, ...(lockedAt === undefined ? {} : { lockedAt }) };
}

function inPlaceFaults(
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
  difference: ColumnDifference,
  readers: readonly DependentView[],
): string[] {
  const removed = new Set(difference.removed.map((column) => column.name));
  return [
    ...(facts.kind === kindOf(action.postgres)
      ? []
      : [`${action.key} is a ${facts.kind} and becomes a ${kindOf(action.postgres)}`]),
    ...difference.retyped.map(
      ({ name, from, to }) =>
        `column ${action.key}.${name} becomes ${to} (was ${from}), which rewrites the table`,
    ),
    ...readers.flatMap((view) =>
      view.readsColumns
        .filter((column) => removed.has(column))
        .map(
          (column) =>
            `${view.kind} ${view.schema}.${view.name} reads column ${action.key}.${column}, which goes away`,
        ),
    ),
  ];
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

/** Partitions that new rows need and a table lacks. */
export async function missingPartitions(
  context: ActionContext,
  rows: RelationName,
  action: TableAction | IncrementalAction,
  facts: RelationFacts,
): Promise<PartitionBound[]> {
  const known = new Set(facts.partitions.map((partition) => partition.name));
  const bounds = await partitionsFor(context, rows, action);
  return bounds.filter((bound) => !known.has(partitionName(action.target.name, bound)));
}

function isNotNull(
  columns: readonly { readonly name: string; readonly notNull: boolean }[],
  name: string,
): boolean {
  return columns.some((column) => column.name === name && column.notNull);
}

/** Statements for the keys of the model that the table does not have yet. */
export function missingKeys(
  action: TableAction | IncrementalAction,
  existing: ReadonlySet<string>,
): string[] {
  const { primaryKey, indexes, foreignKeys } = action.postgres;
  const lacks = (part: Partial<typeof action.postgres>): boolean => {
    const settings = { ...action.postgres, primaryKey: [], indexes: [], foreignKeys: [], ...part };
    return keyNames(action.target.name, settings).some((name) => !existing.has(name));
  };
  return keyStatements(action.target, {
    ...action.postgres,
    primaryKey: lacks({ primaryKey }) ? primaryKey : [],
    indexes: indexes.filter((index) => lacks({ indexes: [index] })),
    foreignKeys: foreignKeys.filter((key) => lacks({ foreignKeys: [key] })),
  });
}

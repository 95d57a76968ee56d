import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import {
  commentStatements,
  createTableAs,
  describedColumns,
  grantStatements,
  keyNames,
  keyStatements,
} from "../statements/create-relation.js";
import { alterColumns, compareColumns } from "../statements/incremental.js";
import { deltaStatements } from "../statements/delta.js";
import {
  createPartition,
  createPartitionedTable,
  defaultPartition,
  neededPartitions,
  partitionName,
  type PartitionBound,
} from "../statements/partitions.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import { aroundUser, userStatement } from "../statements/statement.js";
import { readRelationFacts } from "../warehouse/catalog/relation-facts.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { audit } from "./audit.js";
import { takeLocks } from "./lock-budget.js";
import { isOwnOperation } from "./own-operation.js";
import type { AssertionOutcome } from "./outcome.js";
import { columnTypes, swap, type Replacement } from "./swap.js";

/** A table's new version, standing aside. */
interface BuiltTable extends Replacement {
  readonly rowCount: number;
  readonly assertions: readonly AssertionOutcome[];
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
  const exists = context.existing.has(action.key);
  // A first version is made where it belongs, so that the schema's default privileges apply to it.
  const schema = exists ? context.newSchema() : action.target.schema;
  if (exists) await session.query(`create schema ${quoteIdentifier(schema)}`);
  const built = await buildAside(context, action, { schema, name: action.target.name });
  const isOwn = (operation: string): boolean => isOwnOperation(operation, action.target);
  for (const operation of action.postOperations.filter(isOwn)) {
    const text = rewriteRelation(operation, action.target, built.successor.relation);
    await session.send(userStatement(text));
  }
  const report = exists ? await replace(context, action, built) : { path: "create" as const, attempts: 1 };
  await session.batch(grantStatements(action.target, action.postgres));
  for (const operation of action.postOperations.filter((each) => !isOwn(each))) {
    await session.send(userStatement(operation));
  }
  return { ...report, rowCount: built.rowCount, assertions: built.assertions };
}

async function buildAside(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  at: RelationName,
): Promise<BuiltTable> {
  const { session } = context;
  const settings = action.postgres;
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
  const kind = settings.partitionBy === undefined ? "table" : "partitioned table";
  const provenKeys = await addKeys(context, action, at);
  await session.batch([...commentStatements(at, kind, action, names), `analyze ${quoteRelation(at)}`]);
  const assertions = await audit(session, { at, name: action.target, provenKeys }, context.audits);
  if (assertions.some((each) => each.status === "failed")) throw new AuditFailure(action, assertions);
  const successor = {
    relation: at,
    kind,
    columns: [...names],
    indexNames: new Set(keyNames(at.name, settings)),
    keepsManaged: false,
    describedColumns: describedColumns(action),
  } as const;
  return { name: action.target, successor, columnTypes: columns, partitions, rowCount, assertions };
}

/** Partitions that the rows of a relation need, the default one included. */
export async function partitionsFor(
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
): Promise<Replaced> {
  if (action.postgres.replace === "delta") return replaceInPlace(context, action, built, "the model says so");
  try {
    return { path: "swap", ...(await swap(context, built)) };
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || thrown instanceof WarehouseError) throw thrown;
    if (thrown.code !== "cannot-replace") throw thrown;
    return await replaceInPlace(context, action, built, thrown.details.join("; ")).catch(
      (second: unknown) => {
        // Neither way is open: the first refusal names what stands in the way of a new version.
        throw second instanceof AquiferError && second.code === "cannot-change-in-place" ? thrown : second;
      },
    );
  }
}

/** Changes the rows of the table that stands there: it keeps its identity and all that hangs on it. */
async function replaceInPlace(
  context: ActionContext,
  action: TableAction | IncrementalAction,
  built: BuiltTable,
  reason: string,
): Promise<Replaced> {
  const { session } = context;
  const facts = await readRelationFacts(session.plain, action.target);
  await session.query(`set local search_path = ${context.searchPath || '""'}`);
  const next = [...built.columnTypes].map(([name, type]) => ({ name, type, notNull: false }));
  const difference = facts === undefined ? undefined : compareColumns(facts.columns, next);
  const isTable = facts?.kind === "table" || facts?.kind === "partitioned table";
  if (facts === undefined || difference === undefined || !isTable || difference.retyped.length > 0) {
    throw new AquiferError("This change cannot be made in place", { code: "cannot-change-in-place" });
  }
  const key = facts.indexes.find(
    (index) => index.isKey && index.columns.every((column) => isNotNull(facts.columns, column)),
  );
  let lockedAt: number | undefined;
  let attempts = 1;
  if (difference.added.length + difference.removed.length > 0) {
    const readers = facts.views.filter((view) =>
      view.readsColumns.some((column) => difference.removed.some((removed) => removed.name === column)),
    );
    if (readers.length > 0) {
      throw new AquiferError("This change cannot be made in place", { code: "cannot-change-in-place" });
    }
    ({ lockedAt, attempts } = await takeLocks(context, action.target, async () => {
      const started = milliseconds();
      await session.batch([
        `set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`,
        ...alterColumns(action.target, difference.added, difference.removed),
        "set local lock_timeout = default",
      ]);
      return started;
    }));
  }
  if (facts.kind === "partitioned table") {
    const known = new Set(facts.partitions.map((partition) => partition.name));
    const bounds = await partitionsFor(context, built.successor.relation, action);
    const missing = bounds.filter((bound) => !known.has(partitionName(action.target.name, bound)));
    await session.batch(missing.map((bound) => createPartition(action.target, bound)));
  }
  const columns = [...built.columnTypes.keys()];
  const plainKey =
    key?.columns.every((column) => columns.includes(column)) === true ? key.columns : undefined;
  await session.batch(
    deltaStatements({
      current: action.target,
      next: built.successor.relation,
      columns,
      ...(plainKey === undefined ? {} : { key: plainKey }),
    }),
  );
  const existing = new Set(facts.indexes.map((index) => index.name));
  const wanted = keyNames(action.target.name, action.postgres).filter((name) => !existing.has(name));
  if (wanted.length > 0) {
    const constraints = new Set(facts.constraints.map((constraint) => constraint.name));
    const missing = missingKeys(action, new Set([...existing, ...constraints]));
    await session.batch(missing);
  }
  await session.batch([
    ...commentStatements(action.target, "table", action, new Set(columns)),
    `drop table ${quoteRelation(built.successor.relation)}`,
    `drop schema ${quoteIdentifier(built.successor.relation.schema)} restrict`,
  ]);
  return { path: "delta", reason, attempts, ...(lockedAt === undefined ? {} : { lockedAt }) };
}

function isNotNull(
  columns: readonly { readonly name: string; readonly notNull: boolean }[],
  name: string,
): boolean {
  return columns.some((column) => column.name === name && column.notNull);
}

/** Statements for the keys of the model that the table does not have yet. */
function missingKeys(action: TableAction | IncrementalAction, existing: ReadonlySet<string>): string[] {
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

import { AquiferError } from "../base/errors.js";
import type { IncrementalAction, TableAction } from "../project/action.js";
import { grantStatements } from "../statements/create-relation.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import { leadingWords, splitStatements } from "../statements/sql-tokens.js";
import { userStatement } from "../statements/statement.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { ActionContext, BuildReport } from "./action-context.js";
import { milliseconds, type ActionSession } from "./action-session.js";
import { isOwnOperation } from "./own-operation.js";
import { openPrivateSchema } from "./private-schema.js";
import { tableOutlook } from "./outlook.js";
import { replaceInPlace, type Replaced } from "./replace-in-place.js";
import { cannotReplace } from "./replace-refusal.js";
import type { KnownFacts } from "./replacement.js";
import { swap } from "./swap.js";
import { addMadeNames, asShadow, buildAside, type BuiltTable } from "./table-successor.js";

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
  const facts = await readRelationFacts(session.plain, action.target);
  const readAt = milliseconds();
  const outlook = facts === undefined ? undefined : await tableOutlook(context, action, facts);
  const isForced = outlook?.path === "delta" && action.postgres.replace !== "delta";
  const obstacles = isForced ? outlook.reasons : [];
  // A first version is made where it belongs, so that the schema's default privileges apply to it.
  const { schema, isKept } =
    facts === undefined
      ? { schema: action.target.schema, isKept: true }
      : await openPrivateSchema(context, facts);
  const settings = obstacles.length === 0 ? action.postgres : asShadow(action.postgres);
  const built = await buildAside(context, action, { schema, name: action.target.name, isKept }, settings);
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
    if ("path" in done) return done;
    throw cannotReplace(action.target, action.file, [...new Set([...obstacles, ...done])]);
  }
  let reason: string | undefined;
  if (action.postgres.replace === "delta") {
    const done = await replaceInPlace(context, action, built, facts, "the model says so");
    if ("path" in done) return done;
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
    if ("path" in done) return done;
    throw cannotReplace(action.target, action.file, [...new Set([...thrown.details, ...done])], thrown);
  }
}

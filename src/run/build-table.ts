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
  const place =
    facts === undefined
      ? { schema: action.target.schema, isKept: true }
      : await openPrivateSchema(context, facts);
  const settings = obstacles.length === 0 ? action.postgres : asShadow(action.postgres);
  const built = await buildAside(context, action, { ...place, name: action.target.name }, settings);
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
  const isKept = report.path === "delta";
  if (isKept) {
    // What changed rows has done so on the new version already; what the table itself is to have comes now.
    const statements = own.flatMap(splitStatements).filter((statement) => !changesRows(statement));
    for (const statement of statements) await sendOnce(session, statement);
  }
  await session.batch(grantStatements(action.target, action.postgres));
  for (const operation of action.postOperations.filter((each) => !isOwn(each))) {
    await session.send(userStatement(operation)).catch((thrown: unknown) => {
      throw isKept ? explainStanding(thrown) : thrown;
    });
  }
  return { ...report, rowCount: built.rowCount, assertions: built.assertions };
}

function changesRows(statement: string): boolean {
  return /^(update|delete)\b/.test(leadingWords(statement));
}

/** Runs a statement on a table that may have what it makes from an earlier version. */
async function sendOnce(session: ActionSession, statement: string): Promise<void> {
  await session.query("savepoint operation");
  try {
    await session.send(userStatement(statement));
  } catch (thrown) {
    if (!isStanding(thrown)) throw thrown;
    await session.query("rollback to savepoint operation");
  }
}

/** True when the server says that something of this name stands there already. */
function isStanding(thrown: unknown): thrown is AquiferError {
  return thrown instanceof AquiferError && (thrown.code === "sql-42P07" || thrown.code === "sql-42710");
}

function explainStanding(thrown: unknown): unknown {
  if (!isStanding(thrown)) return thrown;
  const { message, code, location, excerpt, details } = thrown;
  return new AquiferError(message, {
    code,
    details,
    hint: "The rows of this table are changed in place, so it stands there from an earlier version: write `if not exists`, or give it a post-operation of its own (---) that names only self().",
    ...(location === undefined ? {} : { location }),
    ...(excerpt === undefined ? {} : { excerpt }),
    cause: thrown,
  });
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
  let kept: readonly string[] = [];
  if (action.postgres.replace === "delta") {
    const done = await replaceInPlace(context, action, built, facts, "the model says so");
    if ("path" in done) return done;
    kept = done;
  }
  try {
    const report = await swap(context, { ...built, known });
    const reason = kept.length === 0 ? {} : { reason: `not in place: ${kept.join("; ")}` };
    return { path: "swap", ...report, ...reason };
  } catch (thrown) {
    if (!(thrown instanceof AquiferError) || thrown.code !== "cannot-replace") throw thrown;
    const done =
      kept.length > 0 ? kept : await replaceInPlace(context, action, built, facts, thrown.details.join("; "));
    if ("path" in done) return done;
    throw cannotReplace(action.target, action.file, [...new Set([...thrown.details, ...done])], thrown);
  }
}

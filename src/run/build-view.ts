import { AquiferError } from "../base/errors.js";
import { quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { ViewAction } from "../project/action.js";
import { quoteOption } from "../statements/carry-over.js";
import {
  commentStatements,
  createMaterializedView,
  createView,
  describedColumns,
  grantStatements,
} from "../statements/create-relation.js";
import { hasKeys } from "../statements/key-changes.js";
import { keyNames, keyStatements } from "../statements/model-keys.js";
import { aroundUser, userStatement } from "../statements/statement.js";
import { columnTypes } from "../warehouse/catalog/column-types.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { AuditFailure, type ActionContext, type BuildReport } from "./action-context.js";
import { milliseconds } from "./action-session.js";
import { audit } from "./audit.js";
import { takeLocks } from "./lock-budget.js";
import type { AssertionOutcome } from "./outcome.js";
import { closePrivateSchema, openPrivateSchema, type PrivateSchema } from "./private-schema.js";
import { viewOutlook } from "./outlook.js";
import { swap } from "./swap.js";

/** A new version in a private schema. */
type Aside = RelationName & PrivateSchema;

/** Builds a view or materialized view; see `buildTable` for the promises. */
export async function buildView(context: ActionContext, action: ViewAction): Promise<BuildReport> {
  const { session } = context;
  for (const operation of action.preOperations) await session.send(userStatement(operation));
  const report = await (action.materialized
    ? buildMaterialized(context, action)
    : buildPlain(context, action));
  await session.batch(grantStatements(action.target, action.postgres));
  for (const operation of action.postOperations) await session.send(userStatement(operation));
  return report;
}

async function buildPlain(context: ActionContext, action: ViewAction): Promise<BuildReport> {
  const { session } = context;
  const facts = await standing(context, action);
  if (facts === undefined) {
    await session.send(createView(action.target, action.query, false));
    await describe(context, action, action.target, "view");
    return { path: "create", attempts: 1, assertions: await auditAt(context, action, action.target) };
  }
  const makeAside = async (): Promise<Aside> => {
    const made = { ...(await openPrivateSchema(context, facts)), name: action.target.name };
    await session.send(createView(made, action.query, false));
    return made;
  };
  let aside: Aside | undefined;
  let assertions: readonly AssertionOutcome[] = [];
  if (context.audits.length > 0 || facts.kind !== "view") {
    aside = await makeAside();
    assertions = await auditAt(context, action, aside);
  }
  if (facts.kind === "view") {
    const replaced = await replaceText(context, action, facts);
    if (replaced !== undefined) {
      if (aside !== undefined)
        await session.batch([`drop view ${quoteRelation(aside)}`, ...closePrivateSchema(aside)]);
      return { path: "replace", ...replaced, assertions };
    }
  }
  aside ??= await makeAside();
  await describe(context, action, aside, "view");
  return { path: "swap", ...(await swapIn(context, action, aside, "view")), assertions };
}

/** `create or replace view`; undefined when PostgreSQL cannot, because a column went away, moved or changed its type. */
async function replaceText(
  context: ActionContext,
  action: ViewAction,
  facts: RelationFacts,
): Promise<{ attempts: number; lockedAt: number } | undefined> {
  const { session } = context;
  const options = facts.options.length === 0 ? "" : ` with (${facts.options.map(quoteOption).join(", ")})`;
  try {
    return await takeLocks(context, action.target, async () => {
      session.defer(`set local lock_timeout = ${Math.floor(facts.deadlockTimeout * 0.7)}`);
      const lockedAt = milliseconds();
      await session.send(
        aroundUser(
          `create or replace view ${quoteRelation(action.target)}${options} as\n`,
          action.query,
          "\n",
        ),
      );
      session.defer("set local lock_timeout = default");
      await describe(context, action, action.target, "view");
      return lockedAt;
    });
  } catch (thrown) {
    if (thrown instanceof AquiferError && thrown.code === "sql-42P16") return undefined;
    throw thrown;
  }
}

async function buildMaterialized(context: ActionContext, action: ViewAction): Promise<BuildReport> {
  const { session } = context;
  const facts = await standing(context, action);
  if (facts === undefined) {
    const rowCount = (await session.send(createMaterializedView(action.target, action.query))).rowCount;
    await session.batch(keyStatements(action.target, action.postgres));
    await describe(context, action, action.target, "materialized view");
    await session.query(`analyze ${quoteRelation(action.target)}`);
    return {
      path: "create",
      rowCount,
      attempts: 1,
      assertions: await auditAt(context, action, action.target),
    };
  }
  const aside = { ...(await openPrivateSchema(context, facts)), name: action.target.name };
  if (facts.kind === "materialized view" && (await canRefresh(context, action, facts, aside))) {
    // Takes no lock that readers wait for; they see the new rows when the transaction commits.
    await session.query(`refresh materialized view concurrently ${quoteRelation(action.target)}`);
    await describe(context, action, action.target, "materialized view");
    const assertions = await auditAt(context, action, action.target);
    return { path: "refresh", attempts: 1, assertions };
  }
  const rowCount = (await session.send(createMaterializedView(aside, action.query))).rowCount;
  await session.batch([...keyStatements(aside, action.postgres), `analyze ${quoteRelation(aside)}`]);
  await describe(context, action, aside, "materialized view");
  const assertions = await auditAt(context, action, aside);
  const swapped = await swapIn(context, action, aside, "materialized view");
  return { path: "swap", rowCount, ...swapped, assertions };
}

/** True when only the rows differ: same text, same indexes, and a unique one to match rows by. Leaves nothing aside. */
async function canRefresh(
  context: ActionContext,
  action: ViewAction,
  facts: RelationFacts,
  aside: Aside,
): Promise<boolean> {
  const { session } = context;
  if (!hasKeys(action.target, action.postgres, facts)) return false;
  if (!facts.indexes.some((index) => index.isKey)) return false;
  await session.send(
    aroundUser(`create materialized view ${quoteRelation(aside)} as\n`, action.query, "\nwith no data"),
  );
  const answer = await session.query<{ same: boolean }>(
    `select pg_get_viewdef(${quoteLiteral(quoteRelation(aside))}::regclass) = pg_get_viewdef(${quoteLiteral(quoteRelation(action.target))}::regclass)
  and (select relispopulated from pg_catalog.pg_class where oid = ${quoteLiteral(quoteRelation(action.target))}::regclass) as same`,
  );
  const isSame = answer.rows[0]?.same === true;
  await session.query(`drop materialized view ${quoteRelation(aside)}`);
  if (isSame) await session.batch(closePrivateSchema(aside));
  return isSame;
}

async function swapIn(
  context: ActionContext,
  action: ViewAction,
  aside: Aside,
  kind: "view" | "materialized view",
): Promise<{ attempts: number; lockedAt: number }> {
  const columns = await columnTypes(context.session, aside);
  const successor = {
    relation: { schema: aside.schema, name: aside.name },
    kind,
    columns: [...columns.keys()],
    indexNames: new Set(keyNames(aside.name, action.postgres)),
    keepsManaged: false,
    describedColumns: describedColumns(action),
    keyColumns: new Set<string>(),
    ownOptions: new Set<string>(),
  };
  return swap(context, {
    name: action.target,
    successor,
    columnTypes: columns,
    partitions: [],
    isKept: aside.isKept,
  });
}

async function auditAt(
  context: ActionContext,
  action: ViewAction,
  at: RelationName,
): Promise<readonly AssertionOutcome[]> {
  if (context.audits.length === 0) return [];
  const outcomes = await audit(context.session, { at, name: action.target, provenKeys: [] }, context.audits);
  if (outcomes.some((each) => each.status === "failed")) throw new AuditFailure(action, outcomes);
  return outcomes;
}

async function describe(
  context: ActionContext,
  action: ViewAction,
  at: RelationName,
  kind: "view" | "materialized view",
): Promise<void> {
  if (describedColumns(action).size === 0) return;
  const columns = await columnTypes(context.session, at);
  await context.session.batch(commentStatements(at, kind, action, new Set(columns.keys())));
}

/** What stands under the view's name; refused at once where the view cannot take its place. */
async function standing(context: ActionContext, action: ViewAction): Promise<RelationFacts | undefined> {
  const facts = await readRelationFacts(context.session.plain, action.target);
  if (facts !== undefined) await viewOutlook(context, action, facts);
  return facts;
}

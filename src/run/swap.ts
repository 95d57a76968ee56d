import { AquiferError } from "../base/errors.js";
import {
  formatRelation,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import { carryOver, lostByKind, quoteOption, type Successor } from "../statements/carry-over.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import {
  readCarriedState,
  readRelationFacts,
  type DependentView,
  type RelationFacts,
} from "../warehouse/catalog/relation-facts.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { ActionContext } from "./action-context.js";
import { takeLocks, type LockReport } from "./lock-budget.js";
import { milliseconds, type ActionSession } from "./action-session.js";

/** A view, materialized view or assertion of this project, which may be rebuilt when it stands above a changed relation. */
export interface ManagedView {
  readonly query: string;
  readonly materialized: boolean;
}

/** A new version and the old one whose place it is to take. */
export interface Replacement {
  readonly name: RelationName;
  readonly successor: Successor;
  readonly columnTypes: ReadonlyMap<string, string>;
  /** Partitions that stand beside the successor and move with it. */
  readonly partitions: readonly string[];
  /** What hangs on the old version, as it was read a moment ago. */
  readonly known?: KnownFacts;
}

/** Facts with the time at which they were read, see `milliseconds`. */
export interface KnownFacts {
  readonly facts: RelationFacts;
  readonly readAt: number;
}

/** Reading the facts is the dearest statement of a small model: younger ones than this are not read again. */
const freshMs = 100;

/**
 * Puts a new version in the place of the old one, in the caller's transaction, without dropping anything that depends on
 * it: views are given their own text again, read with the new version in reach (they keep their identity, grants,
 * comments and what stands on them), materialized views get a successor of their own, the rest is carried over.
 *
 * Locks are taken from the top down, the relation last, as readers take them, and all within less than the server's
 * `deadlock_timeout`; where that fails they are given back and tried for again after a random pause.
 *
 * @throws AquiferError `cannot-replace` when a dependent cannot survive; nothing has changed then
 */
export function swap(context: ActionContext, replacement: Replacement): Promise<LockReport> {
  return takeLocks(context, replacement.name, async () => {
    try {
      const plan = await SwapPlan.make(context, replacement);
      return await pounce(context, plan);
    } catch (thrown) {
      throw refusedByServer(thrown, replacement.name);
    }
  });
}

/** Longest waits for a lock of the tries that follow each other without new preparation, in milliseconds. */
const pounces = [3, 3, 5, 5, 10, 10, 20, 20, 40, 80, Infinity];

/**
 * Tries for the locks with short waits first. Who waits long for a view makes readers queue behind it that hold the table
 * already, and those would never let it have the table: free locks are had at once or better asked for again.
 */
async function pounce(context: ActionContext, plan: SwapPlan): Promise<number> {
  const { session } = context;
  for (const [index, longestWait] of pounces.entries()) {
    await session.query("savepoint pounce");
    const lockedAt = milliseconds();
    try {
      await plan.execute(longestWait);
      return lockedAt;
    } catch (thrown) {
      const isBusy = thrown instanceof WarehouseError && thrown.server.sqlState === "55P03";
      if (!isBusy || index === pounces.length - 1 || context.signal.aborted) throw thrown;
      await session.query("rollback to savepoint pounce");
      await context.pause(context.random() * 12);
    }
  }
  throw new Error("the last try returns or throws");
}

/**
 * True for the view of an assertion that the project once had. Nobody keeps it up to date, so it must not stand in the way
 * of a new version.
 */
export async function isAbandonedAssertion(context: ActionContext, view: DependentView): Promise<boolean> {
  const key = formatRelation(view);
  if (view.kind !== "view" || context.known.has(key)) return false;
  const answer = await context.session.query(
    `select from ${quoteIdentifier(context.historySchema)}.action_run join ${quoteIdentifier(context.historySchema)}.run using (run_id)
where action = ${quoteLiteral(key)} and kind = 'assertion' group by action having bool_and(project = ${quoteLiteral(context.project)})`,
  );
  return answer.rowCount > 0;
}

/** What only the server could tell: something depends on the old version that the catalog query does not know, or a right is missing. */
function refusedByServer(thrown: unknown, name: RelationName): unknown {
  if (!(thrown instanceof AquiferError) || thrown instanceof WarehouseError) return thrown;
  if (thrown.code !== "sql-2BP01" && thrown.code !== "sql-42501") return thrown;
  return cannotReplace(name, thrown.location?.file ?? "", [thrown.message, ...thrown.details], thrown);
}

/** The refusal of a new version, with what stands in its way. */
export function cannotReplace(
  name: RelationName,
  file: string,
  obstacles: readonly string[],
  cause?: unknown,
): AquiferError {
  return new AquiferError(`${formatRelation(name)} cannot be replaced: nothing has changed`, {
    code: "cannot-replace",
    location: { file },
    details: obstacles,
    hint: "Change or drop what is named, or keep the column; see docs/models.md on replacing tables.",
    cause,
  });
}

/** What keeps a relation from being exchanged for another one of a kind, as the catalog tells before anything is built. */
export function swapObstacles(name: RelationName, facts: RelationFacts, kind: Successor["kind"]): string[] {
  const own = formatRelation(name);
  return [
    ...(facts.ownedByUs ? [] : [`${own} belongs to ${facts.owner}, which we may not act for`]),
    ...(facts.kind === "other" ? [`${own} is a foreign table, which no model makes`] : []),
    ...facts.identityUsers.map((user) => `${own} cannot change its identity: ${user}`),
    ...facts.otherDependents
      .filter((other) => !other.replaceable)
      .map((other) => `${other.description} belongs to another role, which we may not act for`),
    ...lostByKind(facts, kind),
  ];
}

/** One relation that is exchanged: the action's own, or one above it that cannot just be re-read. */
interface Exchange extends Replacement {
  readonly facts: RelationFacts;
  readonly depth: number;
}

interface Repoint {
  readonly view: DependentView;
  readonly depth: number;
  /** The exchanged relations that it reads. */
  readonly reads: Exchange[];
}

class SwapPlan {
  private readonly exchanges: Exchange[] = [];
  private readonly repoints = new Map<string, Repoint>();
  private readonly refusals: string[] = [];
  /** Views of assertions that the project no longer has. */
  private readonly abandoned: DependentView[] = [];

  private readonly session: ActionSession;

  private constructor(private readonly context: ActionContext) {
    this.session = context.session;
  }

  static async make(context: ActionContext, replacement: Replacement): Promise<SwapPlan> {
    const { session } = context;
    const plan = new SwapPlan(context);
    await plan.collect(replacement);
    if (plan.refusals.length > 0) throw cannotReplace(replacement.name, session.action.file, plan.refusals);
    await plan.prepare();
    return plan;
  }

  /** Finds everything that reads the old version, nearest first, and builds the successors that it needs. */
  private async collect(root: Replacement): Promise<void> {
    const { known } = root;
    const isFresh = known !== undefined && milliseconds() - known.readAt < freshMs;
    const facts = isFresh ? known.facts : await this.read(root.name);
    if (facts === undefined)
      throw cannotReplace(root.name, this.session.action.file, [`${formatRelation(root.name)} has gone`]);
    const queue = this.add({ ...root, facts, depth: 0 });
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { view, depth } = next;
      const key = formatRelation(view);
      if (this.exchanges.some((exchange) => formatRelation(exchange.name) === key)) continue;
      const reads = this.exchanges.filter((exchange) => readsRelation(exchange, view));
      const lost = reads.flatMap((exchange) => lostColumns(exchange, view));
      const managed = this.context.managed.get(key);
      if (!view.replaceable) {
        this.refusals.push(`${view.kind} ${key} belongs to another role, which we may not act for`);
      } else if (view.kind === "view" && lost.length === 0) {
        this.repoints.set(key, { view, depth, reads });
      } else if (managed !== undefined) {
        queue.push(...(await this.rebuildManaged(view, managed, depth)));
      } else if (lost.length > 0 && (await isAbandonedAssertion(this.context, view))) {
        this.abandoned.push(view);
      } else if (lost.length > 0) {
        this.refusals.push(`${view.kind} ${key} reads ${lost.join(", ")}`);
      } else if (reads.length > 1) {
        this.refusals.push(`materialized view ${key} reads several of the relations that change`);
      } else {
        for (const exchange of reads) queue.push(...(await this.rebuildMaterialized(view, exchange, depth)));
      }
      queue.sort((a, b) => a.depth - b.depth);
    }
  }

  private add(exchange: Exchange): { view: DependentView; depth: number }[] {
    const { facts, name, successor } = exchange;
    this.exchanges.push(exchange);
    this.refusals.push(...swapObstacles(name, facts, successor.kind));
    return facts.views
      .map((view) => ({ view, depth: exchange.depth + view.depth }))
      .sort((a, b) => a.depth - b.depth);
  }

  /** A view of this project that reads what is going away is rebuilt from its model, in the same transaction. */
  private async rebuildManaged(
    view: DependentView,
    managed: ManagedView,
    depth: number,
  ): Promise<{ view: DependentView; depth: number }[]> {
    const query = this.exchanges.reduce(
      (text, exchange) => rewriteRelation(text, exchange.name, exchange.successor.relation),
      managed.query,
    );
    return this.addChild(view, depth, managed.materialized, `as\n${query}`).catch((thrown: unknown) => {
      if (!(thrown instanceof AquiferError) || !thrown.code.startsWith("sql-42")) throw thrown;
      const why = `${view.kind} ${formatRelation(view)} of this project does not fit the new columns: ${thrown.message}`;
      throw cannotReplace(this.exchanges[0]?.name ?? view, this.session.action.file, [why], thrown);
    });
  }

  /** A materialized view cannot be given a new text: its successor is built aside and goes along. */
  private async rebuildMaterialized(
    view: DependentView,
    reads: Exchange,
    depth: number,
  ): Promise<{ view: DependentView; depth: number }[]> {
    await this.session.query(inReachOf(reads));
    const text = `as ${view.definition.replace(/;\s*$/, "")} with ${view.populated ? "" : "no "}data`;
    const found = await this.addChild(view, depth, true, text);
    return found;
  }

  private async addChild(
    view: DependentView,
    depth: number,
    materialized: boolean,
    text: string,
  ): Promise<{ view: DependentView; depth: number }[]> {
    const at = { schema: this.context.newSchema(), name: view.name };
    const kind = materialized ? "materialized view" : "view";
    await this.session.batch([
      `create schema ${quoteIdentifier(at.schema)}`,
      `create ${kind} ${quoteRelation(at)} ${text}`,
    ]);
    const columns = await columnTypes(this.session, at);
    const facts = await this.read({ schema: view.schema, name: view.name });
    if (facts === undefined)
      throw cannotReplace(view, this.session.action.file, [`${formatRelation(view)} has gone`]);
    const successor: Successor = {
      relation: at,
      kind,
      columns: [...columns.keys()],
      indexNames: new Set(),
      keepsManaged: true,
      describedColumns: new Set(),
      keyColumns: new Set(),
      ownOptions: new Set(),
    };
    this.repoints.delete(formatRelation(view));
    const name = { schema: view.schema, name: view.name };
    return this.add({ name, successor, columnTypes: columns, partitions: [], facts, depth });
  }

  /** Gives every successor what hangs on its old version. Locks nothing that anybody else uses. */
  private async prepare(): Promise<void> {
    for (const exchange of this.exchanges) {
      const { facts, successor } = exchange;
      await this.session.batch([
        inReachOf(exchange),
        revokeDefaults(successor.relation),
        // A new owner must be able to own things in the schema where the successor stands for now.
        `grant create, usage on schema ${quoteIdentifier(successor.relation.schema)} to ${quoteIdentifier(facts.owner)}`,
        ...carryOver(facts, successor),
      ]);
    }
    await this.restoreSearchPath();
  }

  /** Everything that takes a lock others may wait for, from the top down. */
  async execute(longestWait: number): Promise<void> {
    // What cannot be locked by itself is looked at before: between its views' locks and its own no time may pass.
    for (const exchange of this.exchanges)
      if (!isTableLike(exchange.facts.kind)) await this.requireUnchanged(exchange);
    const deadlockTimeout = this.exchanges[0]?.facts.deadlockTimeout ?? 1000;
    const repoints = [...this.repoints.values()].sort((a, b) => b.depth - a.depth);
    const exchanges = [...this.exchanges].sort((a, b) => b.depth - a.depth);
    const others = exchanges.reduce((sum, exchange) => sum + exchange.facts.otherDependents.length, 0);
    const locks = repoints.length + this.abandoned.length + others + 2 * exchanges.length;
    // Each wait gets its share of the budget, so that all waits together stay below it.
    const share = Math.max(3, Math.floor(Math.min((deadlockTimeout * 0.7) / locks, longestWait)));
    const statements = [
      `set local lock_timeout = ${share}`,
      ...this.abandoned.map((view) => `drop view ${quoteRelation(view)} restrict`),
    ];
    for (const repoint of repoints) {
      if (repoint.reads.length === 1)
        statements.push(...repoint.reads.flatMap((exchange) => repointView(repoint.view, exchange)));
      else {
        // Read again after each step: the text names what the step before has put in reach.
        await this.session.batch(statements.splice(0));
        for (const exchange of repoint.reads) await this.repointAnew(repoint.view, exchange);
      }
    }
    const rewritten = new Set<string>();
    for (const exchange of exchanges) {
      let { otherDependents } = exchange.facts;
      if (otherDependents.some((other) => rewritten.has(other.description))) {
        // What the exchange before has given a new text is read again.
        await this.session.batch(statements.splice(0));
        otherDependents = (await this.read(exchange.name))?.otherDependents ?? [];
      }
      for (const other of otherDependents) {
        rewritten.add(other.description);
        statements.push(inReachOf(exchange), other.statement);
      }
    }
    for (const exchange of exchanges) {
      if (isTableLike(exchange.facts.kind)) {
        statements.push(`lock table ${quoteRelation(exchange.name)} in access exclusive mode`);
        await this.session.batch(statements.splice(0));
        await this.requireUnchanged(exchange);
      }
      statements.push(...exchangeStatements(exchange));
    }
    statements.push(
      `set local lock_timeout = default`,
      `set local search_path = ${this.context.searchPath || '""'}`,
    );
    await this.session.batch(statements);
  }

  /** A grant or policy that somebody has given since the facts were read must not be lost: all is read again then. */
  private async requireUnchanged({ name, facts }: Exchange): Promise<void> {
    if ((await readCarriedState(this.session.plain, facts.oid)) === facts.carried) return;
    const message = `${formatRelation(name)} was changed by somebody while its new version was made`;
    throw new WarehouseError({ sqlState: "40001", message }, undefined);
  }

  private async read(name: RelationName): Promise<RelationFacts | undefined> {
    const facts = await readRelationFacts(this.session.plain, name);
    await this.restoreSearchPath();
    return facts;
  }

  private async repointAnew(view: DependentView, exchange: Exchange): Promise<void> {
    await this.session.query(`set local search_path = ${quoteIdentifier(exchange.name.schema)}`);
    const answer = await this.session.query<{ definition: string }>(
      `select pg_catalog.pg_get_viewdef(${quoteLiteral(quoteRelation(view))}::regclass) as definition`,
    );
    const definition = answer.rows[0]?.definition ?? view.definition;
    await this.session.batch(repointView({ ...view, definition }, exchange));
  }

  private async restoreSearchPath(): Promise<void> {
    await this.session.query(`set local search_path = ${this.context.searchPath || '""'}`);
  }
}

/** The same words mean the new version as long as its schema comes first. */
function inReachOf({ successor, name }: Exchange): string {
  const schemas = [successor.relation.schema, name.schema].map(quoteIdentifier);
  return `set local search_path = ${schemas.join(", ")}`;
}

function readsRelation(exchange: Exchange, view: DependentView): boolean {
  return exchange.facts.views.some((each) => each.schema === view.schema && each.name === view.name);
}

/** Columns that a view reads and the new version lacks or has with another type. */
function lostColumns(exchange: Exchange, view: DependentView): string[] {
  const reads = exchange.facts.views.find((each) => each.schema === view.schema && each.name === view.name);
  const before = new Map(exchange.facts.columns.map((column) => [column.name, column.type]));
  return (reads?.readsColumns ?? []).flatMap((column) => {
    const type = exchange.columnTypes.get(column);
    if (type === undefined) return [`column ${formatRelation(exchange.name)}.${column}, which goes away`];
    if (type === before.get(column)) return [];
    return [
      `column ${formatRelation(exchange.name)}.${column}, which becomes ${type} (was ${before.get(column) ?? "?"})`,
    ];
  });
}

function repointView(view: DependentView, exchange: Exchange): string[] {
  const columns = view.columns.map(quoteIdentifier).join(", ");
  const options = view.options.length === 0 ? "" : ` with (${view.options.map(quoteOption).join(", ")})`;
  return [
    inReachOf(exchange),
    `create or replace view ${quoteRelation(view)} (${columns})${options} as ${view.definition.replace(/;\s*$/, "")}`,
  ];
}

const dropNouns = {
  table: "table",
  "partitioned table": "table",
  view: "view",
  "materialized view": "materialized view",
  other: "table",
} as const;

/** Drops the old version, never with cascade: an overlooked dependent stops the swap. Then moves the new one in. */
function exchangeStatements({ name, facts, successor, partitions }: Exchange): string[] {
  const schema = quoteIdentifier(name.schema);
  const from = successor.relation.schema;
  const isTable = successor.kind === "table" || successor.kind === "partitioned table";
  return [
    `drop ${dropNouns[facts.kind]} ${quoteRelation(name)} restrict`,
    `alter ${dropNouns[successor.kind]} ${quoteRelation(successor.relation)} set schema ${schema}`,
    ...partitions.map(
      (partition) => `alter table ${quoteRelation({ schema: from, name: partition })} set schema ${schema}`,
    ),
    ...(isTable || successor.kind === "materialized view"
      ? facts.statistics.map(
          (each) =>
            `alter statistics ${quoteRelation({ schema: from, name: each.name })} set schema ${quoteIdentifier(each.schema)}`,
        )
      : []),
    `drop schema ${quoteIdentifier(from)} restrict`,
  ];
}

function isTableLike(kind: RelationFacts["kind"]): boolean {
  return kind === "table" || kind === "partitioned table";
}

/** Takes back what default privileges gave to a successor: the old version's grants are all it is to have. */
function revokeDefaults(relation: RelationName): string {
  return `do $aquifer$
declare grantee text;
begin
  for grantee in
    select distinct case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
    from pg_catalog.pg_class, pg_catalog.aclexplode(relacl) as acl
    where pg_class.oid = ${quoteLiteral(quoteRelation(relation))}::regclass and acl.grantee <> relowner
  loop
    execute ${quoteLiteral(`revoke all on ${quoteRelation(relation)} from `)} || grantee;
  end loop;
end $aquifer$`;
}

/** Columns and types of a relation, in order. */
export async function columnTypes(
  session: ActionSession,
  relation: RelationName,
): Promise<Map<string, string>> {
  const answer = await session.query<{ name: string; type: string }>(
    `select attname as name, pg_catalog.format_type(atttypid, atttypmod) as type from pg_catalog.pg_attribute
where attrelid = ${quoteLiteral(quoteRelation(relation))}::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  return new Map(answer.rows.map((row) => [row.name, row.type]));
}

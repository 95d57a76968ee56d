import {
  formatRelation,
  quoteIdentifier,
  quoteLiteral,
  quoteRelation,
  type RelationName,
} from "../base/identifiers.js";
import { carryOver, type Successor } from "../statements/carry-over.js";
import {
  exchangeStatements,
  inReachOf,
  isTableLike,
  lostColumns,
  readsRelation,
  repointView,
  revokeDefaults,
  type Exchange,
} from "../statements/exchange.js";
import { rewriteRelation } from "../statements/rewrite-relation.js";
import { readCarriedState } from "../warehouse/catalog/carried-state.js";
import { columnTypes } from "../warehouse/catalog/column-types.js";
import { readRelationFacts } from "../warehouse/catalog/read-relation-facts.js";
import type { DependentView, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { isAbandonedAssertion } from "./abandoned-assertion.js";
import type { PlanningContext } from "./action-context.js";
import { milliseconds, type ActionSession } from "./action-session.js";
import type { ManagedView } from "./managed-view.js";
import { cannotReplace, isServerRefusal, swapObstacles } from "./replace-refusal.js";
import type { Replacement } from "./replacement.js";

/** Reading the facts is the dearest statement of a small model: younger ones than this are not read again. */
const freshMs = 100;

/** One relation that is exchanged: the action's own, or one above it that cannot just be re-read. */
interface PlannedExchange extends Exchange {
  readonly depth: number;
}

interface Repoint {
  readonly view: DependentView;
  readonly depth: number;
  /** The exchanged relations that it reads. */
  readonly reads: PlannedExchange[];
}

/**
 * What a swap does: the relations that are exchanged, the views that are pointed to them, the rest that is carried over.
 * Making it locks nothing that anybody else uses.
 */
export class SwapPlan {
  private readonly exchanges: PlannedExchange[] = [];
  private readonly repoints = new Map<string, Repoint>();
  private readonly refusals: string[] = [];
  /** Views of assertions that the project no longer has. */
  private readonly abandoned: DependentView[] = [];

  private readonly session: ActionSession;

  private constructor(
    private readonly context: PlanningContext,
    private readonly isRehearsal: boolean,
  ) {
    this.session = context.session;
  }

  static make(context: PlanningContext, replacement: Replacement): Promise<SwapPlan> {
    return SwapPlan.prepared(context, replacement, false);
  }

  /** Does with an empty new version, which is undone afterwards, all that a swap prepares, and refuses what a swap refuses. */
  static async rehearse(context: PlanningContext, replacement: Replacement): Promise<void> {
    const plan = await SwapPlan.prepared(context, replacement, true);
    await plan.tryFunctions();
  }

  private static async prepared(
    context: PlanningContext,
    replacement: Replacement,
    isRehearsal: boolean,
  ): Promise<SwapPlan> {
    const plan = new SwapPlan(context, isRehearsal);
    await plan.collect(replacement);
    if (plan.refusals.length > 0)
      throw cannotReplace(replacement.name, context.session.action.file, plan.refusals);
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

  private add(exchange: PlannedExchange): { view: DependentView; depth: number }[] {
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
    const text = `as\n${query}${managed.materialized && this.isRehearsal ? "\nwith no data" : ""}`;
    return this.addChild(view, depth, managed.materialized, text).catch((thrown: unknown) => {
      throw this.misfit(thrown, `${view.kind} ${formatRelation(view)} of this project`);
    });
  }

  /** The refusal of a new version that something above it cannot be made for; other errors as they are. */
  private misfit(thrown: unknown, what: string): unknown {
    if (!isServerRefusal(thrown)) return thrown;
    const { name = this.session.action.target } = this.exchanges[0] ?? {};
    const why = `${what} does not fit the new version: ${thrown.message}`;
    return cannotReplace(name, this.session.action.file, [why], thrown);
  }

  /** A materialized view cannot be given a new text: its successor is built aside and goes along. */
  private async rebuildMaterialized(
    view: DependentView,
    reads: PlannedExchange,
    depth: number,
  ): Promise<{ view: DependentView; depth: number }[]> {
    await this.session.query(inReachOf(reads));
    const holdsRows = view.populated && !this.isRehearsal;
    const text = `as ${view.definition.replace(/;\s*$/, "")} with ${holdsRows ? "" : "no "}data`;
    return this.addChild(view, depth, true, text).catch((thrown: unknown) => {
      throw this.misfit(thrown, `${view.kind} ${formatRelation(view)}`);
    });
  }

  private async addChild(
    view: DependentView,
    depth: number,
    materialized: boolean,
    text: string,
  ): Promise<{ view: DependentView; depth: number }[]> {
    const at = { schema: this.context.newSchema(), name: view.name };
    const kind = materialized ? "materialized view" : "view";
    await this.session.query(`create schema ${quoteIdentifier(at.schema)}`);
    // On its own: the text of a model may have a fault of syntax.
    await this.session.query(`create ${kind} ${quoteRelation(at)} ${text}`);
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
    return this.add({ name, successor, columnTypes: columns, partitions: [], isKept: false, facts, depth });
  }

  /** Gives every successor what hangs on its old version. Locks nothing that anybody else uses. */
  private async prepare(): Promise<void> {
    for (const exchange of this.exchanges) {
      const { facts, successor } = exchange;
      await this.carry([
        inReachOf(exchange),
        ...(facts.hasDefaultGrants ? [revokeDefaults(successor.relation)] : []),
        // A new owner must be able to own things in the schema where the successor stands for now.
        ...(exchange.isKept
          ? []
          : [
              `grant create, usage on schema ${quoteIdentifier(successor.relation.schema)} to ${quoteIdentifier(facts.owner)}`,
            ]),
        ...carryOver(facts, successor),
      ]);
    }
    this.restoreSearchPath();
  }

  /** All in one round trip; where the server refuses, again one by one, to name what does not fit. */
  private async carry(statements: readonly string[]): Promise<void> {
    try {
      await this.session.batch(["savepoint carry", ...statements, "release savepoint carry"]);
    } catch (thrown) {
      if (!isServerRefusal(thrown)) throw thrown;
      await this.session.query("rollback to savepoint carry");
      for (const statement of statements)
        await this.session.query(statement).catch((refused: unknown) => {
          throw this.misfit(refused, statement.slice(0, 300));
        });
    }
  }

  /** Functions with SQL bodies are given their text again, which locks nothing; to be undone. */
  private async tryFunctions(): Promise<void> {
    for (const exchange of this.exchanges)
      for (const { description, statement } of exchange.facts.otherDependents) {
        if (!description.startsWith("function ")) continue;
        await this.session.batch([inReachOf(exchange), statement]).catch((thrown: unknown) => {
          throw this.misfit(thrown, description);
        });
      }
    this.restoreSearchPath();
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
        await this.requireUnchanged(exchange, statements.splice(0));
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
  private async requireUnchanged({ name, facts }: Exchange, before: readonly string[] = []): Promise<void> {
    if ((await readCarriedState(this.session, facts.oid, before)) === facts.carried) return;
    const message = `${formatRelation(name)} was changed by somebody while its new version was made`;
    throw new WarehouseError({ sqlState: "40001", message }, undefined);
  }

  private async read(name: RelationName): Promise<RelationFacts | undefined> {
    const facts = await readRelationFacts(this.session.plain, name);
    this.restoreSearchPath();
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

  private restoreSearchPath(): void {
    this.session.defer(`set local search_path = ${this.context.searchPath || '""'}`);
  }
}

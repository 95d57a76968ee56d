import { quoteIdentifier, quoteRelation } from "../base/identifiers.js";
import { isRelationAction, type Action } from "../project/action.js";
import { keyStatements } from "../statements/model-keys.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { actionReads } from "./action-reads.js";
import type { CheckContext } from "./check-context.js";
import { digest, type ActionJudgement, type CheckMemory } from "./check-memory.js";
import { buildEmpty } from "./empty-build.js";
import { fixedActions } from "./fixed-actions.js";
import { readColumns, type Columns } from "./read-columns.js";
import { sqlFingerprint } from "./sql-fingerprint.js";

/** Errors that a stand-in may cause: something is absent, or there twice. Only a whole build can tell. */
const doubtful = new Set(
  ["42P01", "42704", "42P10", "42P07", "42710", "42723", "42809", "3F000"].map((state) => `sql-${state}`),
);

/**
 * Builds the actions of a project empty. Of those that are as they were, and read what is as it was, the last check's
 * judgement stands; where another action reads them, an empty table of the remembered columns stands in for them. Actions
 * that may do more than make their relation (`fixedActions`) are built in every check; should one of them have changed, or
 * what it reads, nothing that is remembered holds.
 */
export class ChangedBuild {
  /** Judgements so far, remembered ones included. */
  private readonly judgements = new Map<string, ActionJudgement>();
  /** Digest of what readers see of each action. */
  private readonly offers = new Map<string, string>();
  private readonly isThere = new Set<string>();
  private readonly fixed: ReadonlySet<string> | undefined;
  private readonly ground: string;
  /** How many of the fixed actions come before each action. */
  private readonly places = new Map<string, number>();
  private readonly contents = new WeakMap<Action, string>();
  private hasDoubt = false;
  /** What may be used of the last check's memory. */
  readonly remembered: CheckMemory | undefined;
  /** Number of actions that were judged anew. */
  judged = 0;

  /**
   * @param actions each after those that it depends on
   * @param memory of the last check; undefined: everything is judged
   * @param basis all beside the actions that judgements rest on
   */
  constructor(
    private readonly session: Queryable,
    private readonly context: CheckContext,
    private readonly actions: readonly Action[],
    memory: CheckMemory | undefined,
    basis: unknown,
  ) {
    this.fixed = fixedActions(context.actions);
    const fixed: Action[] = [];
    for (const action of actions) {
      this.places.set(action.key, fixed.length);
      if (this.fixed?.has(action.key)) fixed.push(action);
    }
    this.ground =
      this.fixed === undefined ? nothing : digest([basis, fixed.map((action) => this.contentOf(action))]);
    this.remembered = this.ground !== nothing && memory?.ground === this.ground ? memory : undefined;
  }

  async build(): Promise<void> {
    const { actions, remembered } = this;
    if (remembered === undefined) return this.judge(actions);
    let pending: Action[] = [];
    /** What waits to be judged, and what this may read. */
    const waiting = new Set<string>();
    const wanted = new Set<string>();
    const judgePending = async (): Promise<void> => {
      const judged = pending;
      pending = [];
      waiting.clear();
      await this.standIn(wanted);
      wanted.clear();
      await this.judge(judged);
    };
    for (const action of actions) {
      const known = remembered.actions[action.key];
      const isSame = known?.content === this.contentOf(action);
      const reads = isSame ? known.reads : actionReads(action);
      // Whether it has to be judged depends on how those came out.
      if (reads.some((key) => waiting.has(key))) await judgePending();
      const isAsBefore = isSame && known.inputs === this.inputsAt(action, reads);
      if (this.fixed?.has(action.key)) {
        if (!isAsBefore) this.hasDoubt = true;
        if (this.hasDoubt) return;
      } else if (isAsBefore && known.found === undefined) {
        // What is judged before it in a whole build must not find it there already.
        if (wanted.has(action.key)) await judgePending();
        if (known.broken !== undefined) this.context.broken.set(action.key, known.broken);
        this.keep(action, known);
        continue;
      }
      pending.push(action);
      waiting.add(action.key);
      for (const key of reads) wanted.add(key);
    }
    await judgePending();
  }

  /** True when a finding may be the fault of a stand-in, or what all may see can have come out differently. */
  get isDoubtful(): boolean {
    if (this.remembered === undefined) return false;
    const { actions } = this.remembered;
    // What was found before, when nothing stood in for anything, is no stand-in's fault.
    const isTold = (key: string): boolean => {
      const [before, now] = [actions[key], this.judgements.get(key)];
      return before?.found !== undefined && digest(before) === digest(now);
    };
    return (
      this.hasDoubt ||
      this.context.findings.some(({ code, subject }) => doubtful.has(code) && !isTold(subject))
    );
  }

  /** Digest of what relations offer their readers. */
  inputsOf(reads: readonly string[]): string {
    return digest(reads.map((key) => this.offers.get(key) ?? key));
  }

  private inputsAt({ key }: Action, reads: readonly string[]): string {
    return digest([this.places.get(key), this.inputsOf(reads)]);
  }

  /** Makes the remembered relations among these, for what is going to read them. */
  async standIn(reads: Iterable<string>): Promise<void> {
    const statements: string[] = [];
    for (const key of reads) {
      const action = this.context.actions.get(key);
      const columns = this.judgements.get(key)?.columns;
      if (action === undefined || columns === undefined || this.isThere.has(key)) continue;
      this.isThere.add(key);
      statements.push(...standInTable(action, columns));
    }
    if (statements.length === 0) return;
    try {
      await this.session.query(statements.join(";\n"));
    } catch (error) {
      if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
      this.hasDoubt = true;
    }
  }

  /** The judgement of an action, of this check or remembered. */
  judgementOf(key: string): ActionJudgement | undefined {
    return this.judgements.get(key);
  }

  /** What to remember of the actions. */
  get memory(): Pick<CheckMemory, "ground" | "actions"> {
    const actions = Object.fromEntries(this.judgements);
    // What reads a column that is a row of another model depends on columns that no digest holds.
    const holdsRows = Object.values(actions).some(({ columns = [] }) =>
      columns.some(({ type }) => this.context.actions.has(relationOfType(type))),
    );
    return { ground: holdsRows ? nothing : this.ground, actions };
  }

  private async judge(actions: readonly Action[]): Promise<void> {
    if (actions.length === 0) return;
    const { context, remembered } = this;
    this.judged += actions.length;
    for (const { key } of actions) this.isThere.add(key);
    await buildEmpty(this.session, context, actions);
    context.settleReasons(actions);
    const makers = actions.filter((action) => isRelationAction(action) || action.kind === "operations");
    const made = await readColumns(
      this.session,
      makers.map(({ target }) => target),
    );
    const found = new Map<string, string[]>();
    for (const { subject, code, message } of context.findings) {
      found.set(subject, [...(found.get(subject) ?? []), code, message]);
    }
    for (const action of actions) {
      const reads = actionReads(action, context.named.get(action.key) ?? []);
      const broken = context.broken.get(action.key);
      // Another one may change them later; all that does is as it was.
      const columns = this.fixed?.has(action.key)
        ? (remembered?.actions[action.key] ?? { columns: made.get(quoteRelation(action.target)) }).columns
        : made.get(quoteRelation(action.target));
      this.keep(action, {
        ...{ content: this.contentOf(action), reads, inputs: this.inputsAt(action, reads) },
        ...(found.has(action.key) ? { found: digest(found.get(action.key)) } : {}),
        ...(broken === undefined ? {} : { broken }),
        ...(action.kind === "declaration" || action.kind === "assertion"
          ? {}
          : { sql: sqlFingerprint(action) }),
        ...(columns === undefined ? {} : { columns }),
      });
    }
  }

  /** Digest of what an action says, and of how its statements are sent. */
  private contentOf(action: Action): string {
    const known = this.contents.get(action) ?? digest([action, this.context.inTransaction(action)]);
    this.contents.set(action, known);
    return known;
  }

  private keep(action: Action, judgement: ActionJudgement): void {
    const { columns, broken } = judgement;
    this.judgements.set(action.key, judgement);
    const keys = isRelationAction(action) ? action.postgres : undefined;
    this.offers.set(action.key, digest([columns, broken, keys]));
  }
}

/** The ground of what cannot be relied on. */
const nothing = "nothing";

function standInTable(action: Action, columns: Columns): string[] {
  const list = columns.map(
    ({ name, type, collation, notNull }) =>
      `${quoteIdentifier(name)} ${type}${collation === undefined ? "" : ` collate ${collation}`}${notNull ? " not null" : ""}`,
  );
  const table = `create table ${quoteRelation(action.target)} (${list.join(", ")})`;
  if (!isRelationAction(action) || (action.kind === "view" && !action.materialized)) return [table];
  // A key says by what a query may group, and what may refer to the table; nothing else is seen of keys.
  const indexes = action.postgres.indexes.filter(({ unique }) => unique);
  return [table, ...keyStatements(action.target, { ...action.postgres, indexes, foreignKeys: [] })];
}

/** The `schema.name` of which a type would be the rows, or an array of these. */
function relationOfType(type: string): string {
  const name = type.replace(/(\[\])+$/, "").replaceAll('"', "");
  return name.includes(".") ? name : `public.${name}`;
}

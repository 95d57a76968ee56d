import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { GrantFact, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { isManaged } from "./managed-comment.js";

/** What the new version of a relation is, as far as carrying over depends on it. */
export interface Successor {
  /** Where it stands until it takes the place of the old version. */
  readonly relation: RelationName;
  readonly kind: "table" | "partitioned table" | "view" | "materialized view";
  readonly columns: readonly string[];
  /** Indexes and constraints that it already has. */
  readonly indexNames: ReadonlySet<string>;
  /** True when the model's own indexes are to be carried over too, because its action is not the one that runs. */
  readonly keepsManaged: boolean;
  /** Columns (and "" for the relation) whose comment the model gives. */
  readonly describedColumns: ReadonlySet<string>;
  /** Columns that the model's primary key keeps from being null. */
  readonly keyColumns: ReadonlySet<string>;
  /** Storage parameters that the model gives. */
  readonly ownOptions: ReadonlySet<string>;
}

/**
 * Statements that give a successor what hangs on the old version: owner, grants, options, comments, row security,
 * policies, people's own indexes and constraints, triggers, rules, statistics objects. To be run with `search_path` set to
 * the successor's schema, then the old version's: definitions name the relation without its schema.
 */
export function carryOver(old: RelationFacts, successor: Successor): string[] {
  const name = quoteRelation(successor.relation);
  const noun = alterNoun(successor.kind);
  const isTable = isTableKind(successor.kind);
  const wasTable = isTableKind(old.kind);
  const holdsRows = isTable || successor.kind === "materialized view";
  const hasActions = (isTable && wasTable) || (successor.kind === "view" && old.kind === "view");
  const sameKind = successor.kind === old.kind || (isTable && wasTable);
  return [
    ...relationComments(old, successor, name),
    ...(isTable && wasTable ? notNulls(old, successor, name) : []),
    ...columnSettings(old, successor, name),
    ...(holdsRows ? [...indexes(old, successor, name), ...statistics(old, successor)] : []),
    ...(isTable && wasTable ? [...constraints(old, successor, name), ...rowSecurity(old, name)] : []),
    ...(hasActions ? triggersAndRules(old, name) : []),
    ...(sameKind ? options(old, successor, `alter ${noun} ${name}`) : []),
    ...grantStatements(old.grants, name, new Set(successor.columns)),
    // Last: from here on the successor may belong to somebody else.
    `alter ${noun} ${name} owner to ${quoteIdentifier(old.owner)}`,
  ];
}

/** What hangs on a relation, made by people, and cannot hang on one of another kind: words for a refusal. */
export function lostByKind(old: RelationFacts, kind: Successor["kind"]): string[] {
  const isTable = isTableKind(kind);
  const wasTable = isTableKind(old.kind);
  const holdsRows = isTable || kind === "materialized view";
  const hasActions = (isTable && wasTable) || (kind === "view" && old.kind === "view");
  const lost: string[] = [];
  for (const index of old.indexes) {
    if (isManaged(index.comment)) continue;
    if (!holdsRows || (index.constraint !== null && !isTable)) lost.push(`index ${index.name}`);
  }
  if (!holdsRows) lost.push(...old.statistics.map((each) => `statistics object ${each.name}`));
  if (!isTable && wasTable) {
    const own = old.constraints.filter((each) => !isManaged(each.comment));
    lost.push(...own.map((each) => `constraint ${each.name}`));
    lost.push(...old.policies.map((each) => `policy ${each.name}`));
    if (old.rowSecurity && old.policies.length === 0) lost.push("row-level security");
  }
  if (!hasActions) {
    lost.push(...old.triggers.map((each) => `trigger ${each.name}`));
    lost.push(...old.rules.map((each) => `rule ${each.name}`));
  }
  return lost.map((each) => `${each}, which a ${kind} cannot have`);
}

function isTableKind(kind: RelationFacts["kind"]): boolean {
  return kind === "table" || kind === "partitioned table";
}

/** True for what follows the model, which makes it anew itself. */
function isModelOwn(
  old: { readonly name: string; readonly comment: string | null },
  next: Successor,
): boolean {
  return (isManaged(old.comment) && !next.keepsManaged) || next.indexNames.has(old.name);
}

function relationComments(old: RelationFacts, successor: Successor, name: string): string[] {
  return old.comments.flatMap((comment) => {
    if (successor.describedColumns.has(comment.column ?? "")) return [];
    if (comment.column === null)
      return [`comment on ${alterNoun(successor.kind)} ${name} is ${quoteLiteral(comment.text)}`];
    if (!successor.columns.includes(comment.column)) return [];
    const column = `${name}.${quoteIdentifier(comment.column)}`;
    return [`comment on column ${column} is ${quoteLiteral(comment.text)}`];
  });
}

/** Those that people demanded: what only a key of the model demands follows the model. */
function notNulls(old: RelationFacts, successor: Successor, name: string): string[] {
  const byModel = new Set(
    old.indexes
      .filter((index) => isManaged(index.comment) && index.constraint !== null)
      .flatMap((index) => index.columns),
  );
  return old.notNulls.flatMap(({ column, constraint }) => {
    if (byModel.has(column) || successor.keyColumns.has(column) || !successor.columns.includes(column))
      return [];
    const quoted = quoteIdentifier(column);
    return [
      constraint === null
        ? `alter table ${name} alter column ${quoted} set not null`
        : `alter table ${name} add constraint ${quoteIdentifier(constraint)} not null ${quoted}`,
    ];
  });
}

function columnSettings(old: RelationFacts, successor: Successor, name: string): string[] {
  return old.columnSettings.flatMap(({ column, action, isDefault }) => {
    const fits = isDefault ? successor.kind !== "materialized view" : successor.kind !== "view";
    if (!fits || !successor.columns.includes(column)) return [];
    return [`alter ${alterNoun(successor.kind)} ${name} alter column ${quoteIdentifier(column)} ${action}`];
  });
}

function indexes(old: RelationFacts, successor: Successor, name: string): string[] {
  const statements = old.indexes.flatMap((index) => {
    if (isModelOwn(index, successor)) return [];
    const quoted = quoteIdentifier(index.name);
    const inSchema = quoteRelation({ schema: successor.relation.schema, name: index.name });
    return [
      index.constraint === null
        ? index.definition
        : `alter table ${name} add constraint ${quoted} ${index.constraint}`,
      ...(index.comment === null ? [] : [`comment on index ${inSchema} is ${quoteLiteral(index.comment)}`]),
    ];
  });
  if (isTableKind(successor.kind) && isTableKind(old.kind) && old.replicaIdentity !== null)
    statements.push(`alter table ${name} replica identity ${old.replicaIdentity}`);
  return statements;
}

function statistics(old: RelationFacts, successor: Successor): string[] {
  return old.statistics.flatMap((each) => {
    const inSchema = quoteRelation({ schema: successor.relation.schema, name: each.name });
    return [
      `create statistics ${inSchema}${each.definition}`,
      ...(each.comment === null
        ? []
        : [`comment on statistics ${inSchema} is ${quoteLiteral(each.comment)}`]),
    ];
  });
}

function constraints(old: RelationFacts, successor: Successor, name: string): string[] {
  return old.constraints.flatMap((constraint) => {
    if (isModelOwn(constraint, successor)) return [];
    const quoted = quoteIdentifier(constraint.name);
    return [
      `alter table ${name} add constraint ${quoted} ${constraint.definition}`,
      ...commentOn(`constraint ${quoted} on ${name}`, constraint.comment),
    ];
  });
}

function rowSecurity(old: RelationFacts, name: string): string[] {
  return [
    ...old.policies.flatMap((policy) => [
      policy.definition,
      ...commentOn(`policy ${quoteIdentifier(policy.name)} on ${name}`, policy.comment),
    ]),
    ...(old.rowSecurity ? [`alter table ${name} enable row level security`] : []),
    ...(old.forceRowSecurity ? [`alter table ${name} force row level security`] : []),
  ];
}

function triggersAndRules(old: RelationFacts, name: string): string[] {
  const triggers = old.triggers.flatMap((trigger) => {
    const quoted = quoteIdentifier(trigger.name);
    const state = { D: "disable", R: "enable replica", A: "enable always" }[trigger.enabled];
    return [
      trigger.definition,
      ...(state === undefined ? [] : [`alter table ${name} ${state} trigger ${quoted}`]),
      ...commentOn(`trigger ${quoted} on ${name}`, trigger.comment),
    ];
  });
  const rules = old.rules.flatMap((rule) => [
    rule.definition,
    ...commentOn(`rule ${quoteIdentifier(rule.name)} on ${name}`, rule.comment),
  ]);
  return [...triggers, ...rules];
}

function commentOn(what: string, comment: string | null): string[] {
  return comment === null ? [] : [`comment on ${what} is ${quoteLiteral(comment)}`];
}

/** People's storage parameters and view options; a partitioned table holds none. */
function options(old: RelationFacts, successor: Successor, alter: string): string[] {
  if (successor.kind === "partitioned table") return [];
  const kept = old.options.filter((option) => !successor.ownOptions.has(option.split("=")[0] ?? ""));
  return kept.length === 0 ? [] : [`${alter} set (${kept.map(quoteOption).join(", ")})`];
}

/** `grant` for each recorded grant; grants on columns that are gone are left out. */
function grantStatements(grants: readonly GrantFact[], name: string, columns: ReadonlySet<string>): string[] {
  return grants.flatMap((grant) => {
    if (grant.column !== null && !columns.has(grant.column)) return [];
    const privilege =
      grant.column === null ? grant.privilege : `${grant.privilege} (${quoteIdentifier(grant.column)})`;
    const grantee = grant.grantee === null ? "public" : quoteIdentifier(grant.grantee);
    return [`grant ${privilege} on ${name} to ${grantee}${grant.grantable ? " with grant option" : ""}`];
  });
}

/** `fillfactor=70`, as the catalog holds it, for a `set (...)` or `with (...)` list. */
export function quoteOption(option: string): string {
  const separator = option.indexOf("=");
  const key = option.slice(0, separator);
  return `${key.split(".").map(quoteIdentifier).join(".")} = ${quoteLiteral(option.slice(separator + 1))}`;
}

/** The word for `alter` and `comment on`. */
export function alterNoun(kind: Successor["kind"]): "table" | "view" | "materialized view" {
  return kind === "partitioned table" ? "table" : kind;
}

import { quoteIdentifier, quoteLiteral, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { GrantFact, RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { managedComment } from "./managed-comment.js";

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
}

/**
 * Statements that give a successor what hangs on the old version: owner, grants, options, comments, row security,
 * policies, people's own indexes and constraints, triggers, rules, statistics objects. To be run with `search_path` set to
 * the successor's schema, then the old version's: definitions name the relation without its schema.
 */
export function carryOver(old: RelationFacts, successor: Successor): string[] {
  const name = quoteRelation(successor.relation);
  const noun = alterNoun(successor.kind);
  const isTable = successor.kind === "table" || successor.kind === "partitioned table";
  const holdsRows = isTable || successor.kind === "materialized view";
  const wasTable = old.kind === "table" || old.kind === "partitioned table";
  const columns = new Set(successor.columns);
  const isDropped = (comment: string | null): boolean =>
    comment === managedComment && !successor.keepsManaged;
  const statements: string[] = [];

  for (const comment of old.comments) {
    if (successor.describedColumns.has(comment.column ?? "")) continue;
    if (comment.column === null)
      statements.push(`comment on ${noun} ${name} is ${quoteLiteral(comment.text)}`);
    else if (columns.has(comment.column)) {
      const column = `${name}.${quoteIdentifier(comment.column)}`;
      statements.push(`comment on column ${column} is ${quoteLiteral(comment.text)}`);
    }
  }
  if (holdsRows) {
    for (const index of old.indexes) {
      if (isDropped(index.comment) || successor.indexNames.has(index.name)) continue;
      const quoted = quoteIdentifier(index.name);
      statements.push(
        index.constraint === null
          ? index.definition
          : `alter table ${name} add constraint ${quoted} ${index.constraint}`,
      );
      if (index.comment !== null) {
        const indexName = quoteRelation({ schema: successor.relation.schema, name: index.name });
        statements.push(`comment on index ${indexName} is ${quoteLiteral(index.comment)}`);
      }
    }
    for (const each of old.statistics) {
      const statistics = quoteRelation({ schema: successor.relation.schema, name: each.name });
      statements.push(`create statistics ${statistics}${each.definition}`);
      if (each.comment !== null)
        statements.push(`comment on statistics ${statistics} is ${quoteLiteral(each.comment)}`);
    }
  }
  if (isTable && wasTable) {
    for (const constraint of old.constraints) {
      if (isDropped(constraint.comment) || successor.indexNames.has(constraint.name)) continue;
      const quoted = quoteIdentifier(constraint.name);
      statements.push(`alter table ${name} add constraint ${quoted} ${constraint.definition}`);
      if (constraint.comment !== null) {
        statements.push(`comment on constraint ${quoted} on ${name} is ${quoteLiteral(constraint.comment)}`);
      }
    }
    statements.push(...old.policies);
    if (old.rowSecurity) statements.push(`alter table ${name} enable row level security`);
    if (old.forceRowSecurity) statements.push(`alter table ${name} force row level security`);
  }
  if ((isTable && wasTable) || (successor.kind === "view" && old.kind === "view")) {
    for (const trigger of old.triggers) {
      statements.push(trigger.definition);
      const state = { D: "disable", R: "enable replica", A: "enable always" }[trigger.enabled];
      if (state !== undefined)
        statements.push(`alter table ${name} ${state} trigger ${quoteIdentifier(trigger.name)}`);
    }
    statements.push(...old.rules);
  }
  const sameKind = isTable === wasTable && (isTable || old.kind === successor.kind);
  if (sameKind && old.options.length > 0) {
    statements.push(`alter ${noun} ${name} set (${old.options.map(quoteOption).join(", ")})`);
  }
  statements.push(...grantStatements(old.grants, name, columns));
  // Last: from here on the successor may belong to somebody else.
  statements.push(`alter ${noun} ${name} owner to ${quoteIdentifier(old.owner)}`);
  return statements;
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

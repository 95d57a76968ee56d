import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";

/** A change of rows in place: `current` becomes equal to `next`, writing only what differs. */
export interface RowDelta {
  readonly current: RelationName;
  readonly next: RelationName;
  readonly columns: readonly string[];
  /** True to leave alone the rows of tables that inherit from `current`, which are not its own. */
  readonly only: boolean;
  /** Columns that identify a row in both (unique, not null); without them whole rows are compared. */
  readonly key?: readonly string[];
}

/** Statements that apply the difference; each reports the rows it wrote. */
export function deltaStatements(delta: RowDelta): string[] {
  return delta.key === undefined ? byWholeRow(delta) : byKey(delta, delta.key);
}

function byKey({ current: relation, next, columns, only }: RowDelta, key: readonly string[]): string[] {
  const current = own(relation, only);
  const same = key.map(
    (column) => `next_rows.${quoteIdentifier(column)} = current_rows.${quoteIdentifier(column)}`,
  );
  const list = (alias: string): string =>
    columns.map((column) => `${alias}.${quoteIdentifier(column)}`).join(", ");
  const statements = [
    `delete from ${current} as current_rows
where not exists (select from ${quoteRelation(next)} as next_rows where ${same.join(" and ")})`,
  ];
  // Key columns too: two keys may be equal and yet not the same, such as 1.0 and 1.00.
  const assignments = columns.map(
    (column) => `${quoteIdentifier(column)} = next_rows.${quoteIdentifier(column)}`,
  );
  const row = (alias: string): string => `row(${list(alias)})::text`;
  statements.push(`update ${current} as current_rows set ${assignments.join(", ")}
from ${quoteRelation(next)} as next_rows
where ${same.join(" and ")} and ${row("current_rows")} is distinct from ${row("next_rows")}`);
  statements.push(`insert into ${quoteRelation(relation)} (${columns.map(quoteIdentifier).join(", ")})
select ${list("next_rows")} from ${quoteRelation(next)} as next_rows
where not exists (select from ${current} as current_rows where ${same.join(" and ")})`);
  return statements;
}

/**
 * Rows as texts, numbered among equals, so that duplicates are kept in their number. Rows are compared by their text
 * because a null equals a null there and every type has one.
 */
function byWholeRow({ current: relation, next: nextRelation, columns, only }: RowDelta): string[] {
  const current = own(relation, only);
  const next = quoteRelation(nextRelation);
  const row = `row(${columns.map(quoteIdentifier).join(", ")})::text`;
  const numbered = (from: string, extra: string): string =>
    `select ${extra}, ${row} as row_text, row_number() over (partition by ${row}) as ordinal from ${from}`;
  const list = columns.map(quoteIdentifier).join(", ");
  return [
    `delete from ${current} where (tableoid, ctid) in (
  select current_rows.tableoid, current_rows.ctid from (${numbered(current, "tableoid, ctid")}) as current_rows
  left join (${numbered(next, "true as is_kept")}) as next_rows using (row_text, ordinal)
  where next_rows.is_kept is null
)`,
    `insert into ${quoteRelation(relation)} (${list})
select ${list} from (
  select next_rows.*
  from (${numbered(next, list)}) as next_rows
  left join (${numbered(current, "true as is_present")}) as current_rows using (row_text, ordinal)
  where current_rows.is_present is null
) as new_rows`,
  ];
}

function own(relation: RelationName, only: boolean): string {
  return `${only ? "only " : ""}${quoteRelation(relation)}`;
}

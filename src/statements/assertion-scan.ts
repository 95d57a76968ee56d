import { quoteIdentifier, quoteRelation, type RelationName } from "../base/identifiers.js";
import type { AssertionAction } from "../project/action.js";
import type { AssertionSettings } from "../project/assertion-settings.js";

/** How many failing rows are kept as a sample. */
export const sampleSize = 10;

/** One condition of one assertion, with the settings that hold for it. */
export interface ConditionCheck {
  readonly assertion: string;
  readonly expression: string;
  readonly settings: AssertionSettings;
}

/** The row conditions of a table's inline assertions, flat. */
export function conditionChecks(assertions: readonly AssertionAction[]): ConditionCheck[] {
  return assertions.flatMap((assertion) => {
    const check = assertion.check;
    if (check?.kind !== "rowConditions") return [];
    return check.conditions.map((condition) => ({
      assertion: assertion.key,
      expression: condition.expression,
      settings: assertion.settings.assertions[condition.nonNull === undefined ? "rowConditions" : "nonNull"],
    }));
  });
}

/**
 * One scan for all conditions: a row with `checked` and `failed_0`, `failed_1` ... in the order given. As in Dataform a
 * condition that is null counts as met; under `strict` it counts as failed.
 */
export function conditionScan(relation: RelationName, checks: readonly ConditionCheck[]): string {
  const counts = checks.map((check, index) => `count(*) filter (where ${failing(check)}) as failed_${index}`);
  return `select ${["count(*) as checked", ...counts].join(",\n  ")}\nfrom ${quoteRelation(relation)}`;
}

/** Up to ten rows that fail a condition, as JSON in column `sample`. */
export function conditionSample(relation: RelationName, check: ConditionCheck): string {
  return sampleOf(`select * from ${quoteRelation(relation)} where ${failing(check)}`);
}

/** Rows that fail; the line breaks keep a comment at the end of an expression from swallowing the rest. */
function failing(check: ConditionCheck): string {
  return check.settings.strict ? `(\n${check.expression}\n) is not true` : `not (\n${check.expression}\n)`;
}

/** `checked` rows and `failed` groups of rows that share a key; null keys are equal here, as in `group by`. */
export function uniqueScan(relation: RelationName, columns: readonly string[]): string {
  return `select coalesce(sum(rows), 0)::bigint as checked, count(*) filter (where rows > 1) as failed
from (select count(*) as rows from ${quoteRelation(relation)} group by ${columns.join(", ")}) as keys`;
}

/** Up to ten keys that stand on several rows, with the number of rows. */
export function uniqueSample(relation: RelationName, columns: readonly string[]): string {
  return sampleOf(
    `select ${columns.join(", ")}, count(*) as rows from ${quoteRelation(relation)} group by ${columns.join(", ")} having count(*) > 1`,
  );
}

/** The number of rows that an assertion's own query returns, as `failed`. */
export function queryScan(query: string): string {
  return `select count(*) as failed from (\n${query}\n) as failing_rows`;
}

/** Up to ten of the rows that an assertion's own query returns. */
export function querySample(query: string): string {
  return sampleOf(query);
}

function sampleOf(query: string): string {
  return `select coalesce(jsonb_agg(to_jsonb(failing_rows)), '[]') as sample
from (select * from (\n${query}\n) as rows limit ${sampleSize}) as failing_rows`;
}

/** True when a unique index on exactly these columns proves the key: no null can hide a duplicate from it. */
export function isProvenByIndex(
  columns: readonly string[],
  keys: readonly (readonly string[])[],
  neverNull: ReadonlySet<string>,
): boolean {
  const wanted = columns.map(plainName);
  if (wanted.some((column) => column === undefined || !neverNull.has(column))) return false;
  return keys.some((key) => key.length === wanted.length && key.every((column) => wanted.includes(column)));
}

/** The column that an expression of the config names plainly, else undefined. */
export function plainName(expression: string): string | undefined {
  const trimmed = expression.trim();
  if (/^[a-z_][a-z0-9_]*$/.test(trimmed)) return trimmed;
  if (/^"(?:[^"]|"")+"$/.test(trimmed)) {
    const name = trimmed.slice(1, -1).replaceAll('""', '"');
    return quoteIdentifier(name) === trimmed ? name : undefined;
  }
  return undefined;
}

import { AquiferError } from "../base/errors.js";
import { quoteIdentifier, quoteLiteral } from "../base/identifiers.js";
import type { RowConditions, UniqueKey } from "./compiled-project.js";
import type { Target } from "./compiled-graph.js";

/** The four methods by which core writes SQL of its own (what `session.compilationSql()` returns). */
export interface CompilationSql {
  resolveTarget(target: Target): string;
  sqlString(text: string): string;
  indexAssertion(dataset: string, columns: string[]): string;
  rowConditionsAssertion(dataset: string, conditions: string[]): string;
}

/**
 * PostgreSQL in place of core's BigQuery. The structure of every assertion it writes is handed to `record` with the SQL,
 * which is how it is found again in the compiled graph.
 */
export function postgresDialect(
  project: { readonly defaultSchema?: string },
  record: (sql: string, structure: UniqueKey | RowConditions) => void,
): CompilationSql {
  return {
    resolveTarget(target) {
      return `${quoted(target.schema || project.defaultSchema || "")}.${quoted(target.name ?? "")}`;
    },
    sqlString: (text) => quoteLiteral(text).trimStart(),
    indexAssertion(dataset, columns) {
      const list = columns.join(", ");
      const sql = `select ${list}, count(*) as index_row_count\nfrom ${dataset}\ngroup by ${list}\nhaving count(*) > 1`;
      record(sql, { kind: "uniqueKey", columns });
      return sql;
    },
    rowConditionsAssertion(dataset, conditions) {
      const sql = conditions
        .map(
          (condition) =>
            `select ${this.sqlString(condition)} as failing_row_condition, *\nfrom ${dataset}\nwhere not (${condition})`,
        )
        .join("\nunion all\n");
      record(sql, { kind: "rowConditions", conditions: conditions.map(rowCondition) });
      return sql;
    },
  };
}

/** Core turns `nonNull: ["a"]` into the condition `a IS NOT NULL`, in capitals. */
function rowCondition(expression: string): RowConditions["conditions"][number] {
  const nonNull = /^(.+) IS NOT NULL$/s.exec(expression)?.[1];
  return nonNull === undefined ? { expression } : { expression, nonNull };
}

/** Impossible names are reported once, for the action that bears them, not for each that refers to it. */
function quoted(name: string): string {
  try {
    return quoteIdentifier(name);
  } catch (thrown) {
    if (thrown instanceof AquiferError) return '""';
    throw thrown;
  }
}

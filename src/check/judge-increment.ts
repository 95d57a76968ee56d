import type { RelationName } from "../base/identifiers.js";
import { nearestName } from "../base/nearest-name.js";
import type { IncrementalAction } from "../project/action.js";
import {
  alterColumns,
  appendRows,
  compareColumns,
  deleteOverwritten,
  mergeRows,
  type ColumnDifference,
} from "../statements/incremental.js";
import type { Finding } from "./finding.js";
import type { Columns } from "./read-columns.js";

/** What an incremental run would make of what its query returns. */
export interface IncrementJudgement {
  /** Why every incremental run would fail. */
  readonly findings: readonly Pick<Finding, "severity" | "code" | "message" | "hint">[];
  /** Columns whose type is another one: the server says whether values would be lost. */
  readonly retyped: ColumnDifference["retyped"];
  /** Statements that bring the table's columns up to date. */
  readonly changes: readonly string[];
  /** Statements that write the new rows. */
  readonly writes: readonly string[];
}

/**
 * Holds the columns that an incremental query returns against its table, as a run does.
 *
 * @param increment where the query's rows stand
 */
export function judgeIncrement(
  action: IncrementalAction,
  existing: Columns,
  produced: Columns,
  increment: RelationName,
): IncrementJudgement {
  const difference = compareColumns(existing, produced);
  const findings = [
    ...missingKey(action, produced, existing),
    ...forbiddenChanges(action, difference),
    ...missingPartition(action),
  ];
  const follows = action.onSchemaChange === "extend" || action.onSchemaChange === "synchronize";
  const known = new Set(existing.map(({ name }) => name));
  const columns = produced.map(({ name }) => name).filter((name) => follows || known.has(name));
  if (columns.length === 0) findings.push(nothingShared);
  if (findings.length > 0) return { findings, retyped: [], changes: [], writes: [] };
  return {
    findings,
    retyped: difference.retyped,
    changes: follows ? alterColumns(action.target, difference.added, difference.removed) : [],
    writes: writes(action, increment, columns),
  };
}

/** Columns of the unique key that one of the two queries does not return. */
function missingKey(
  { uniqueKey }: IncrementalAction,
  ...queries: readonly Columns[]
): IncrementJudgement["findings"] {
  const lists = queries.map((columns) => columns.map(({ name }) => name));
  return uniqueKey.flatMap((column) => {
    const names = lists.find((each) => !each.includes(column));
    if (names === undefined) return [];
    const near = nearestName(column, names);
    return [
      {
        severity: "error" as const,
        code: "unknown-key",
        message: `uniqueKey names "${column}", which the query does not return`,
        hint: near === undefined ? `It returns ${names.join(", ")}.` : `Did you mean "${near}"?`,
      },
    ];
  });
}

function forbiddenChanges(
  { onSchemaChange }: IncrementalAction,
  { added, removed, retyped }: ColumnDifference,
): IncrementJudgement["findings"] {
  const changes = [
    ...added.map(({ name }) => `+${name}`),
    ...removed.map(({ name }) => `-${name}`),
    ...retyped.map(({ name, from, to }) => `${name} ${from} -> ${to}`),
  ];
  const isForbidden =
    (onSchemaChange === "fail" && changes.length > 0) || (onSchemaChange === "extend" && removed.length > 0);
  if (!isForbidden) return [];
  const policy = onSchemaChange === "fail" ? "FAIL" : "EXTEND, which only adds";
  return [
    {
      severity: "error",
      code: "increment-columns",
      message: `the incremental query returns other columns than the first build: ${changes.join(", ")}`,
      hint: `onSchemaChange is ${policy}: every incremental run would fail.`,
    },
  ];
}

function missingPartition({ strategy, postgres }: IncrementalAction): IncrementJudgement["findings"] {
  if (strategy !== "insert_overwrite" || postgres.partitionBy !== undefined) return [];
  return [
    {
      severity: "error",
      code: "bad-setting",
      message: "overwrites partitions but does not say which",
      hint: 'Give extraProperties.postgres.partitionBy, such as { column: "day", granularity: "day" }.',
    },
  ];
}

const nothingShared = {
  severity: "error" as const,
  code: "increment-columns",
  message: "the incremental query has no column in common with the first build",
  hint: "Every incremental run would fail: return the same columns, or set onSchemaChange.",
};

function writes(action: IncrementalAction, increment: RelationName, columns: readonly string[]): string[] {
  const { target, strategy, uniqueKey, postgres } = action;
  if (strategy === "merge") return [mergeRows(target, increment, columns, uniqueKey)];
  const removal =
    strategy === "insert_overwrite" && postgres.partitionBy !== undefined
      ? [deleteOverwritten(target, increment, postgres.partitionBy)]
      : [];
  return [...removal, appendRows(target, increment, columns)];
}

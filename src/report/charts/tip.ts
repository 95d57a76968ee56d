import type { ChartContext, Value } from "../../project/report.js";

/** What a mark says when pointed at: one line a column, `Job: admin`. */
export function tip<R extends object>(
  context: ChartContext,
  columns: readonly (keyof R & string)[],
): (row: R) => string {
  return (row) =>
    columns
      .map((column) => `${context.label(column)}: ${context.formatted(column, row[column] as Value)}`)
      .join("\n");
}

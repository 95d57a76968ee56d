import { asError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import type { ReportQuery } from "../project/report.js";
import type { Row } from "../warehouse/warehouse.js";
import { shapeFailed, type QueryPlace } from "./query-errors.js";

/**
 * The rows that a query's `shape` makes of what the server returned.
 *
 * @throws AquiferError `report-shape` when it fails, or leaves out a declared column
 */
export async function shapeRows(
  place: QueryPlace,
  shape: NonNullable<ReportQuery["shape"]>,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  // Without rows there are no columns to shape either.
  if (rows.length === 0) return [];
  // Loaded only where a report shapes: it is of no use to the others.
  const aq = await import("arquero");
  let shaped;
  try {
    shaped = shape(aq.from([...rows]), aq);
  } catch (thrown) {
    const columns = Object.keys(rows[0] ?? {}).join(", ");
    throw shapeFailed(
      place,
      `shape failed: ${asError(thrown).message}`,
      `The query returned ${columns}.`,
      thrown,
    );
  }
  const made = shaped.columnNames();
  const missing = Object.keys(place.query.columns).find((column) => !made.includes(column));
  if (missing !== undefined) {
    const near = nearestName(missing, made);
    throw shapeFailed(
      place,
      `does not return the column "${missing}" that the report declares`,
      `Its shape makes ${made.join(", ")}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
    );
  }
  return shaped.objects() as Row[];
}

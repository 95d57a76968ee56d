import { AquiferError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import type { RelationName } from "../base/identifiers.js";
import type { IncrementalAction } from "../project/action.js";
import { keyFaults } from "../statements/incremental.js";
import type { ActionSession } from "./action-session.js";

/**
 * Refuses rows that a merge could not tell apart: without a column of the key, with a null in it, or with the same key
 * twice. A null never equals a null, so each run would add such rows again.
 *
 * @param rows where the rows stand
 * @param columns names of their columns
 * @throws AquiferError `no-key`, `null-key` or `duplicate-key`
 */
export async function checkMergeKey(
  session: ActionSession,
  action: IncrementalAction,
  rows: RelationName,
  columns: ReadonlyMap<string, string>,
): Promise<void> {
  if (action.strategy !== "merge") return;
  const location = { file: action.file };
  const key = action.uniqueKey.join(", ");
  const lacking = action.uniqueKey.filter((column) => !columns.has(column));
  if (lacking.length > 0)
    throw new AquiferError(`The query of ${action.key} has no column ${lacking.join(", ")}, its uniqueKey`, {
      code: "no-key",
      location,
      details: [`columns of the query: ${[...columns.keys()].join(", ")}`],
      hint: "Name columns of the query in uniqueKey, spelled as the server has them: unquoted names are lower case.",
    });
  const answer = await session.query<{ null_keys: string; duplicate_keys: string }>(
    keyFaults(rows, action.uniqueKey),
  );
  const nulls = Number(answer.rows[0]?.null_keys);
  const duplicates = Number(answer.rows[0]?.duplicate_keys);
  if (nulls > 0)
    throw new AquiferError(
      `${formatPlural(nulls, "new row")} of ${action.key} without a unique key (${key} is null)`,
      {
        code: "null-key",
        location,
        hint: "A null never equals a null, so each run would add these rows again: filter them out or give them a key.",
      },
    );
  if (duplicates > 0)
    throw new AquiferError(
      `${formatPlural(duplicates, "key")} (${key}) of ${action.key} on several new rows`,
      {
        code: "duplicate-key",
        location,
        hint: "Keep one row a key in the model's query (distinct on, or row_number() = 1), or widen uniqueKey.",
      },
    );
}

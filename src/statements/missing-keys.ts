import type { IncrementalAction, TableAction } from "../project/action.js";
import { keyNames, keyStatements } from "./create-relation.js";

/** Statements for the keys of the model that the table does not have yet. */
export function missingKeys(
  action: TableAction | IncrementalAction,
  existing: ReadonlySet<string>,
): string[] {
  const { primaryKey, indexes, foreignKeys } = action.postgres;
  const lacks = (part: Partial<typeof action.postgres>): boolean => {
    const settings = { ...action.postgres, primaryKey: [], indexes: [], foreignKeys: [], ...part };
    return keyNames(action.target.name, settings).some((name) => !existing.has(name));
  };
  return keyStatements(action.target, {
    ...action.postgres,
    primaryKey: lacks({ primaryKey }) ? primaryKey : [],
    indexes: indexes.filter((index) => lacks({ indexes: [index] })),
    foreignKeys: foreignKeys.filter((key) => lacks({ foreignKeys: [key] })),
  });
}

import { AquiferError } from "../base/errors.js";
import { formatRelation, type RelationName } from "../base/identifiers.js";
import { lostByKind, type Successor } from "../statements/carry-over.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";

/** The refusal of a new version, with what stands in its way. */
export function cannotReplace(
  name: RelationName,
  file: string,
  obstacles: readonly string[],
  cause?: unknown,
): AquiferError {
  return new AquiferError(`${formatRelation(name)} cannot be replaced: nothing has changed`, {
    code: "cannot-replace",
    location: { file },
    details: obstacles,
    hint: "Change or drop what is named, or keep the column; see docs/models.md on replacing tables.",
    cause,
  });
}

/** The refusal to change a table where it stands, which is kept rather than replaced. */
export function cannotKeep(name: RelationName, file: string, obstacles: readonly string[]): AquiferError {
  return new AquiferError(`${formatRelation(name)} cannot be changed in place: nothing has changed`, {
    code: "cannot-replace",
    location: { file },
    details: obstacles,
    hint: "Change or drop what is named, or rebuild the table with --full-refresh (a protected one: take the protection away first).",
  });
}

/** True for what the server says to a definition, a name or a value that it will not take: no lock, connection or time-out. */
export function isServerRefusal(thrown: unknown): thrown is AquiferError {
  if (!(thrown instanceof AquiferError) || thrown instanceof WarehouseError) return false;
  return /^sql-(0A|22|23|2B|42)/.test(thrown.code);
}

/** What only the server could tell: something depends on the old version that the catalog query does not know, or a right is missing. */
export function refusedByServer(thrown: unknown, name: RelationName): unknown {
  if (!isServerRefusal(thrown)) return thrown;
  return cannotReplace(name, thrown.location?.file ?? "", [thrown.message, ...thrown.details], thrown);
}

/** What keeps a relation from being exchanged for another one of a kind, as the catalog tells before anything is built. */
export function swapObstacles(name: RelationName, facts: RelationFacts, kind: Successor["kind"]): string[] {
  const own = formatRelation(name);
  return [
    ...(facts.ownedByUs ? [] : [`${own} belongs to ${facts.owner}, which we may not act for`]),
    ...(facts.kind === "other" ? [`${own} is a foreign table, which no model makes`] : []),
    ...facts.identityUsers.map((user) => `${own} cannot change its identity: ${user}`),
    ...facts.otherDependents
      .filter((other) => !other.replaceable)
      .map((other) => `${other.description} belongs to another role, which we may not act for`),
    ...lostByKind(facts, kind),
  ];
}

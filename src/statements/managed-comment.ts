import { hash32 } from "../base/identifiers.js";

/** How the comment begins that marks an index or constraint as made from a model's settings. */
export const managedMark = "made by aquifer from the model";

/**
 * The comment of an index or constraint that a model's settings make. At the next rebuild those follow the model; what
 * people added themselves is carried over as it is. The hash tells, without asking what became of it in the catalog,
 * whether the model still says the same.
 */
export function managedComment(setting: unknown): string {
  return `${managedMark} (${hash32(JSON.stringify(setting))})`;
}

/** True for what a model's settings made. */
export function isManaged(comment: string | null): boolean {
  return comment?.startsWith(managedMark) === true;
}

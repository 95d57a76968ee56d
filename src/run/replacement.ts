import type { RelationName } from "../base/identifiers.js";
import type { Successor } from "../statements/carry-over.js";
import type { RelationFacts } from "../warehouse/catalog/relation-facts.js";

/** A new version and the old one whose place it is to take. */
export interface Replacement {
  readonly name: RelationName;
  readonly successor: Successor;
  readonly columnTypes: ReadonlyMap<string, string>;
  /** Partitions that stand beside the successor and move with it. */
  readonly partitions: readonly string[];
  /** True when the private schema that the successor leaves is to stay. */
  readonly isKept: boolean;
  /** What hangs on the old version, as it was read a moment ago. */
  readonly known?: KnownFacts;
}

/** Facts with the time at which they were read, see `milliseconds`. */
export interface KnownFacts {
  readonly facts: RelationFacts;
  readonly readAt: number;
}

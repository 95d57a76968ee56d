import type { RelationName } from "../base/identifiers.js";
import { derivedIdentifier } from "../base/identifiers.js";
import type { CompiledGraph, Target } from "./compiled-graph.js";
import type { SourceLocation } from "../base/source-location.js";
import type { Evaluation } from "./tagged-templates.js";
import type { UnitTest } from "./unit-test.js";

/** A compiled project: Dataform's graph, and beside it what Aquifer needs and Dataform's graph has no place for. */
export interface CompiledProject {
  /** Absolute path of the folder that holds `dataform.json` or `workflow_settings.yaml`. */
  readonly root: string;
  readonly graph: CompiledGraph;
  /** The structure of the assertions that tables declare in their own config, one entry for each such assertion. */
  readonly inlineAssertions: readonly InlineAssertion[];
  /** Tests of `definitions/` and `tests/models/`. */
  readonly unitTests: readonly UnitTest[];
  /** Text of the project's files by path relative to the root, for excerpts and positions. */
  readonly files: Readonly<Record<string, string>>;
  /** How the SQL of each `.sqlx` file came out, see `locate`. */
  readonly evaluations: Readonly<Record<string, readonly Evaluation[]>>;
  /** Where `publish()`, `operate()`, `assert()` or `declare()` was called, by action key. */
  readonly definedAt: Readonly<Record<string, SourceLocation>>;
}

/** What an inline assertion demands, so that several can be checked in one scan of the table. */
export type InlineAssertion = {
  /** The assertion in `graph.assertions`. */
  readonly target: Target;
  /** The table or view that declares it. */
  readonly parent: Target;
} & (UniqueKey | RowConditions);

export interface UniqueKey {
  readonly kind: "uniqueKey";
  /** Column expressions as written in the config: core passes them on raw, so quote nothing again. */
  readonly columns: readonly string[];
}

export interface RowConditions {
  readonly kind: "rowConditions";
  readonly conditions: readonly RowCondition[];
}

/** A condition that every row must meet; in Dataform a condition that is null counts as met. */
export interface RowCondition {
  /** Boolean SQL expression over the table's columns, as written. */
  readonly expression: string;
  /** Set when the condition came from `nonNull`: the column expression as written. */
  readonly nonNull?: string;
}

/**
 * The relation of an action in the database. Names of inline assertions are made by core from schema and table, so the
 * user cannot shorten them: where they pass PostgreSQL's 63 bytes they are cut and get a hash.
 */
export function relationOf(target: Target): RelationName {
  return { schema: target.schema ?? "", name: derivedIdentifier(target.name ?? "", "") };
}

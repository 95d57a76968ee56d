import type { Target } from "./compiled-graph.js";

/**
 * A `type: "test"` action, taken apart: the inputs stand for relations of their own instead of being pasted into the
 * query (as core does), so that they can be materialised and their aliases keep working.
 */
export interface UnitTest {
  readonly name: string;
  readonly file: string;
  readonly tags: readonly string[];
  /** The table or view under test. */
  readonly target: Target;
  readonly inputs: readonly UnitTestInput[];
  /**
   * The model's query; it reads inputs as `pg_temp."<relation>"`, so each must be a temporary table of that name, which
   * no common table expression of the model can shadow.
   */
  readonly query: string;
  /** Result that is expected: of the query, or of the whole table after the run where `incremental`. */
  readonly expectedSql: string;
  /**
   * True when the model is incremental: the query is its incremental form if there is an input named `self` (the table as
   * it stands), else its first build.
   */
  readonly incremental: boolean;
}

export interface UnitTestInput {
  /** What the input stands for; absent for `self` and for names the project does not know. */
  readonly target?: Target;
  /** Unquoted name of the temporary table. */
  readonly relation: string;
  readonly sql: string;
  /** True for the input named `self` of an incremental model's test. */
  readonly isSelf: boolean;
}

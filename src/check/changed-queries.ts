import { textReads } from "./named-keys.js";
import type { ChangedBuild } from "./changed-build.js";
import { digest, type QueryJudgement } from "./check-memory.js";

/** A query of a report, as it is judged. */
export interface JudgedQuery {
  /** `report: query`. */
  readonly key: string;
  /** With parameters for its values. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** Relations that it names by `ref`. */
  readonly refs: readonly string[];
  /** Columns that the report reads. */
  readonly columns: readonly string[];
}

type Returned = QueryJudgement["columns"];

/** The queries of reports, of which those that read what they read before keep their judgement. */
export class ChangedQueries {
  /** Queries without a finding, for the next check. */
  readonly kept: Record<string, QueryJudgement> = {};

  constructor(private readonly build: ChangedBuild) {}

  /**
   * What a query returns: as it was judged last, or judged now, when what it reads is there.
   *
   * @param judge tells what it returns, if that is known, and whether nothing was found
   */
  async judge(
    query: JudgedQuery,
    judge: () => Promise<{ readonly columns?: Returned; readonly isClean: boolean }>,
  ): Promise<Returned | undefined> {
    const { build } = this;
    const reads = [...new Set([...query.refs, ...textReads(query.text)])];
    const content = digest([query.text, query.values, query.columns, build.inputsOf(reads)]);
    const known = build.remembered?.queries[query.key];
    if (known?.content === content) {
      this.kept[query.key] = known;
      return known.columns;
    }
    await build.standIn(reads);
    const { columns, isClean } = await judge();
    if (columns !== undefined && isClean) this.kept[query.key] = { content, columns };
    return columns;
  }
}

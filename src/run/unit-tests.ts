import { AquiferError, asError } from "../base/errors.js";
import { quoteIdentifier } from "../base/identifiers.js";
import { actionKey } from "../project/action-graph.js";
import type { Action, IncrementalAction } from "../project/action.js";
import type { CompiledProject } from "../project/compiled-project.js";
import type { UnitTest, UnitTestInput } from "../project/unit-test.js";
import { rowsMissingFrom } from "../statements/compare-rows.js";
import {
  appendRows,
  createDelta,
  deleteOverwritten,
  keyFaults,
  mergeRows,
} from "../statements/incremental.js";
import { aroundUser } from "../statements/statement.js";
import type { Warehouse } from "../warehouse/warehouse.js";
import { locateIn, type Locate } from "./action-error.js";
import { ActionSession } from "./action-session.js";
import { columnTypes } from "../warehouse/catalog/column-types.js";
import { describeDifference } from "./row-difference.js";

/** How one unit test ended. */
export interface UnitTestOutcome {
  readonly name: string;
  readonly file: string;
  readonly successful: boolean;
  /** What differs, or what went wrong, line by line. */
  readonly messages: readonly string[];
  readonly error?: AquiferError;
}

export interface UnitTestOptions {
  readonly project: CompiledProject;
  readonly actions: ReadonlyMap<string, Action>;
  readonly tests: readonly UnitTest[];
  readonly warehouse: Warehouse;
  readonly concurrency: number;
  readonly runId: string;
  readonly onFinish: (outcome: UnitTestOutcome) => void;
}

/**
 * Runs unit tests, several at once, each in a transaction of its own that is rolled back: nothing is left behind. Inputs
 * are temporary tables; the result is compared with what is expected whatever the order of rows.
 */
export async function runUnitTests(options: UnitTestOptions): Promise<UnitTestOutcome[]> {
  const locate = locateIn(options.project);
  const queue = [...options.tests];
  const outcomes: UnitTestOutcome[] = [];
  const worker = async (): Promise<void> => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const outcome = await runUnitTest(options, test, locate);
      outcomes.push(outcome);
      options.onFinish(outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(options.concurrency, queue.length)) }, worker));
  return outcomes;
}

async function runUnitTest(
  options: UnitTestOptions,
  test: UnitTest,
  locate: Locate,
): Promise<UnitTestOutcome> {
  const action = options.actions.get(actionKey(test.target));
  const base = { name: test.name, file: test.file };
  if (action === undefined) throw new Error(`test ${test.name} is of no action`);
  try {
    const messages = await options.warehouse.withSession(async (connection) => {
      const session = new ActionSession(connection, action, options.runId, locate);
      await session.query("begin");
      try {
        return await compare(session, test, action);
      } finally {
        await connection.query("rollback");
      }
    });
    return { ...base, successful: messages.length === 0, messages };
  } catch (thrown) {
    const error = asError(thrown);
    if (!(error instanceof AquiferError)) throw error;
    return { ...base, successful: false, messages: [error.message], error };
  }
}

async function compare(session: ActionSession, test: UnitTest, action: Action): Promise<string[]> {
  for (const input of test.inputs) await createInput(session, test, input);
  const actual = { schema: "pg_temp", name: "aquifer_actual" };
  const expected = { schema: "pg_temp", name: "aquifer_expected" };
  const self = test.inputs.find((input) => input.isSelf);
  if (self !== undefined && action.kind === "incremental") {
    await applyIncrement(session, test, action, self);
    await session.query(
      `alter table pg_temp.${quoteIdentifier(self.relation)} rename to ${quoteIdentifier(actual.name)}`,
    );
  } else {
    await session.send(
      aroundUser(`create temporary table ${quoteIdentifier(actual.name)} as\n`, test.query, "\n"),
    );
  }
  await session
    .send(aroundUser(`create temporary table ${quoteIdentifier(expected.name)} as\n`, test.expectedSql, "\n"))
    .catch((thrown: unknown) => {
      throw inTest(thrown, test, "the expected rows");
    });
  const [actualTypes, expectedTypes] = [
    await columnTypes(session, actual),
    await columnTypes(session, expected),
  ];
  const lacking = [...expectedTypes.keys()].filter((column) => !actualTypes.has(column));
  const surplus = [...actualTypes.keys()].filter((column) => !expectedTypes.has(column));
  if (lacking.length + surplus.length > 0) {
    return [
      ...lacking.map((column) => `column ${column} is expected, but the model does not have it`),
      ...surplus.map((column) => `column ${column} of the model is not among the expected ones`),
    ];
  }
  const missing = await session.query<{ row: Record<string, unknown> }>(
    rowsMissingFrom(expected, actual, actualTypes, 20),
  );
  const unexpected = await session.query<{ row: Record<string, unknown> }>(
    rowsMissingFrom(actual, expected, actualTypes, 20),
  );
  return describeDifference(
    missing.rows.map(({ row }) => row),
    unexpected.rows.map(({ row }) => row),
  );
}

async function createInput(session: ActionSession, test: UnitTest, input: UnitTestInput): Promise<void> {
  await session
    .send(aroundUser(`create temporary table ${quoteIdentifier(input.relation)} as\n`, input.sql, "\n"))
    .catch((thrown: unknown) => {
      throw inTest(thrown, test, `the input ${input.relation}`);
    });
}

/** An error in what the test itself says stands in the test's file, not in the model's. */
function inTest(thrown: unknown, test: UnitTest, what: string): unknown {
  if (!(thrown instanceof AquiferError)) return thrown;
  return new AquiferError(`${thrown.message} (in ${what} of test ${test.name})`, {
    code: thrown.code,
    location: { file: test.file },
    details: thrown.details,
    ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
    ...(thrown.excerpt === undefined ? {} : { excerpt: thrown.excerpt }),
    cause: thrown,
  });
}

/** What a run would do to the existing table, done to the temporary one that stands for it. */
async function applyIncrement(
  session: ActionSession,
  test: UnitTest,
  action: IncrementalAction,
  self: UnitTestInput,
): Promise<void> {
  const target = { schema: "pg_temp", name: self.relation };
  const delta = { schema: "pg_temp", name: "aquifer_delta" };
  await session.send(createDelta(delta.name, test.query));
  const known = await columnTypes(session, target);
  const columns = [...(await columnTypes(session, delta)).keys()].filter((column) => known.has(column));
  if (action.strategy === "merge") {
    const faults = await session.query<{ null_keys: string; duplicate_keys: string }>(
      keyFaults(delta, action.uniqueKey),
    );
    const nulls = Number(faults.rows[0]?.null_keys);
    const duplicates = Number(faults.rows[0]?.duplicate_keys);
    if (nulls + duplicates > 0) {
      throw new AquiferError(
        `the new rows have ${nulls} null and ${duplicates} duplicate unique keys (${action.uniqueKey.join(", ")}): a run would refuse them`,
        { code: "bad-key", location: { file: test.file } },
      );
    }
    await session.query(mergeRows(target, delta, columns, action.uniqueKey));
    return;
  }
  if (action.strategy === "insert_overwrite" && action.postgres.partitionBy !== undefined) {
    await session.query(deleteOverwritten(target, delta, action.postgres.partitionBy));
  }
  await session.query(appendRows(target, delta, columns));
}

import { quoteIdentifier } from "../base/identifiers.js";
import { excerpt } from "../base/source-location.js";
import { lineColumnAt, utf16Offset } from "../base/text-position.js";
import { actionKey } from "../project/action-graph.js";
import { findSnippet } from "../project/find-text.js";
import type { UnitTest } from "../project/unit-test.js";
import type { Queryable } from "../warehouse/warehouse.js";
import { WarehouseError } from "../warehouse/warehouse-error.js";
import { isUnjudgeable, type CheckContext } from "./check-context.js";
import type { Finding } from "./finding.js";

/**
 * Tries the statements of a unit test without their rows: the inputs, the model's query on them (its incremental form where
 * there is an input `self`), the expected rows, and whether these have the model's columns. `dataform test` compares rows.
 */
export async function checkUnitTest(
  session: Queryable,
  context: CheckContext,
  test: UnitTest,
): Promise<void> {
  if (context.broken.has(actionKey(test.target))) return;
  const find = (finding: Pick<Finding, "code" | "message"> & Partial<Finding>): void => {
    context.findings.push({
      ...{ severity: "error", subject: `test ${test.name}`, location: { file: test.file }, details: [] },
      ...finding,
      message: `test ${test.name}: ${finding.message}`,
    });
  };
  const create = async (name: string, sql: string, what: string): Promise<boolean> => {
    const before = `create temporary table ${quoteIdentifier(name)} as\n`;
    try {
      await session.query(`${before}${sql}\nwith no data`);
      return true;
    } catch (error) {
      if (!(error instanceof WarehouseError) || error.isConnectionLoss) throw error;
      if (isUnjudgeable(error, context.lacking)) return false;
      const { message, detail, hint, position } = error.server;
      const place =
        position === undefined ? undefined : placeInFile(context, test, error.statement ?? "", position);
      find({
        code: error.code,
        message: `${message} (in ${what})`,
        details: detail === undefined ? [] : [`detail: ${detail}`],
        ...(hint === undefined ? {} : { hint }),
        ...place,
      });
      return false;
    }
  };
  await session.query("begin");
  try {
    for (const { relation, sql } of test.inputs) {
      if (!(await create(relation, sql, `the input ${relation}`))) return;
    }
    if (!(await create("aquifer_actual", test.query, "the model's query on the inputs"))) return;
    if (!(await create("aquifer_expected", test.expectedSql, "the expected rows"))) return;
    // After an incremental run the whole table is expected, not the query's rows.
    const self = test.inputs.find(({ isSelf }) => isSelf);
    const actual = await columnNames(session, self?.relation ?? "aquifer_actual");
    const expected = await columnNames(session, "aquifer_expected");
    for (const column of expected.filter((each) => !actual.includes(each))) {
      find({
        code: "test-columns",
        message: `the column ${column} is expected, but the model does not have it`,
      });
    }
    for (const column of actual.filter((each) => !expected.includes(each))) {
      find({ code: "test-columns", message: `the model's column ${column} is not among the expected ones` });
    }
  } finally {
    await session.query("rollback");
  }
}

function placeInFile(
  context: CheckContext,
  { file }: UnitTest,
  statement: string,
  position: number,
): Pick<Finding, "location" | "excerpt"> {
  const text = context.project.files[file];
  const found =
    text === undefined
      ? undefined
      : findSnippet(text, statement, utf16Offset(statement, position - 1, "code points"));
  if (text === undefined || found === undefined) return { location: { file } };
  const { line, column } = lineColumnAt(text, found);
  return { location: { file, line, column }, excerpt: excerpt(text, line, column) };
}

async function columnNames(session: Queryable, table: string): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum",
    [`pg_temp.${quoteIdentifier(table)}`],
  );
  return rows.map((row) => row.name);
}

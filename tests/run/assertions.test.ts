import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteIdentifier, quoteLiteral } from "../../src/base/identifiers.js";
import {
  conditionScan,
  isProvenByIndex,
  uniqueScan,
  type ConditionCheck,
} from "../../src/statements/assertion-scan.js";
import { resolveConfig } from "../../src/project/config.js";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { hostileName, hostileValue } from "../support/hostile.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";

const conditionsAssertion = "quality.silver_items_assertions_rowConditions";

const aquifer = (settings: string): string => `metadata: { extraProperties: { aquifer: ${settings} } }`;

async function runItems(
  warehouse: Warehouse,
  config: string,
  query = "select n as id, case when n > 4 then n end as amount from generate_series(1, 10) as n",
): Promise<RunOutcome> {
  const files = {
    "items.sqlx": `config { ${config} } ${query}`,
    "upon.sqlx":
      'config { type: "table" } select id from ${ref({ name: "items", includeDependentAssertions: true })}',
  };
  return runAll(await compiled(files), warehouse);
}

async function resultOf(warehouse: Warehouse, assertion: string): Promise<unknown> {
  const answer = await warehouse.query(
    `select status, severity, rows_checked::int as checked, rows_failed::int as failed, threshold, published
from aquifer.assertion_result where assertion = $1 order by at desc limit 1`,
    [assertion],
  );
  return answer.rows[0];
}

test("counts in one scan are those of single queries, whatever names, values and conditions hold", async () => {
  const { warehouse } = await testDatabase();
  const cases = fc.uniqueArray(hostileName, { minLength: 1, maxLength: 3 }).chain((columns) => {
    const column = fc.constantFrom(...columns.map(quoteIdentifier));
    const literal = hostileValue.map((value) => (value === null ? "null" : quoteLiteral(value)));
    const condition = fc.oneof(
      fc
        .tuple(column, fc.constantFrom("=", "<>", "<", "is distinct from"), literal)
        .map((parts) => parts.join(" ")),
      column.map((each) => `${each} IS NOT NULL`),
      column.map((each) => `length(${each}) > 1 -- a comment at the end`),
    );
    return fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(() => hostileValue)), { maxLength: 8 }),
      conditions: fc.array(fc.record({ expression: condition, strict: fc.boolean() }), {
        minLength: 1,
        maxLength: 5,
      }),
    });
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ columns, rows, conditions }) => {
      const relation = { schema: "public", name: "a \"b'" };
      const list = columns.map((column) => `${quoteIdentifier(column)} text`).join(", ");
      const values = rows.map(
        (row) => `(${row.map((value) => (value === null ? "null" : quoteLiteral(value))).join(", ")})`,
      );
      await warehouse.query(
        `drop table if exists public."a ""b'"; create table public."a ""b'" (${list})${rows.length > 0 ? `; insert into public."a ""b'" values ${values.join(", ")}` : ""}`,
      );
      const checks = conditions.map(({ expression, strict }): ConditionCheck => ({
        assertion: "any",
        expression,
        settings: { severity: "fail", maxFailing: { rows: 0 }, strict, sample: true },
      }));
      const fused = (await warehouse.query(conditionScan(relation, checks))).rows[0] ?? {};
      expect(Number(fused["checked"])).toBe(rows.length);
      for (const [index, { expression, strict }] of conditions.entries()) {
        const failing = strict ? `coalesce(not (${expression}\n), true)` : `not (${expression}\n)`;
        const single = await warehouse.query(
          `select count(*) as failed from public."a ""b'" where ${failing}`,
        );
        expect(fused[`failed_${index}`]).toBe(single.rows[0]?.["failed"]);
      }
      const [first = ""] = columns;
      const unique = await warehouse.query(uniqueScan(relation, [quoteIdentifier(first)]));
      const seen = rows.map(([value]) => value);
      const doubled = new Set(seen.filter((value, index) => seen.indexOf(value) !== index));
      expect(unique.rows[0]).toEqual({ checked: String(rows.length), failed: String(doubled.size) });
    }),
    { numRuns: 40 },
  );
});

describe("severity and thresholds", () => {
  const base = 'type: "table", assertions: { rowConditions: ["id > 3"] }';

  test.for([
    ["fails beyond no row, by default", "{}", "failed", "fail", "0 rows"],
    [
      "fails beyond a number of rows",
      "{ assertions: { rowConditions: { maxFailing: 2 } } }",
      "failed",
      "fail",
      "2 rows",
    ],
    [
      "passes at a number of rows",
      "{ assertions: { rowConditions: { maxFailing: 3 } } }",
      "passed",
      "fail",
      "3 rows",
    ],
    ["fails beyond a share", '{ assertions: { maxFailing: "29.9%" } }', "failed", "fail", "29.9%"],
    ["passes at a share", '{ assertions: { maxFailing: "30%" } }', "passed", "fail", "30%"],
    ["warns and goes on", '{ assertions: { severity: "warn" } }', "warned", "warn", "0 rows"],
  ] as const)("3 of 10 rows: %s", async ([, settings, status, severity, threshold]) => {
    const { warehouse } = await testDatabase();
    const run = await runItems(warehouse, `${base}, ${aquifer(settings)}`);
    expect(await resultOf(warehouse, conditionsAssertion)).toEqual({
      status,
      severity,
      checked: 10,
      failed: 3,
      threshold,
      published: status !== "failed",
    });
    const upon = outcomeOf(run, "silver.upon").status;
    expect(upon).toBe(status === "failed" ? "skipped" : "successful");
    const exists = await warehouse.query("select to_regclass('silver.items') is not null as there");
    expect(exists.rows).toEqual([{ there: status !== "failed" }]);
  });

  test("a null passes as in Dataform, and fails under strict", async () => {
    const { warehouse } = await testDatabase();
    const config = 'type: "table", assertions: { rowConditions: ["amount > 4"] }';
    expect(failures(await runItems(warehouse, config))).toEqual([]);
    await runItems(warehouse, `${config}, ${aquifer("{ assertions: { strict: true } }")}`);
    expect(await resultOf(warehouse, conditionsAssertion)).toMatchObject({ status: "failed", failed: 4 });
  });

  test("a failing nonNull decides although a warning row condition fails too; the sample names both", async () => {
    const { warehouse } = await testDatabase();
    const config = `type: "table", assertions: { nonNull: ["amount"], rowConditions: ["id > 3"] }, ${aquifer('{ assertions: { rowConditions: { severity: "warn" } } }')}`;
    await runItems(warehouse, config);
    expect(await resultOf(warehouse, conditionsAssertion)).toMatchObject({
      status: "failed",
      severity: "fail",
      failed: 7,
    });
    const kept = await warehouse.query<{ sample: { condition: string; failed: number; rows: unknown[] }[] }>(
      "select sample from aquifer.assertion_result",
    );
    expect(
      kept.rows[0]?.sample.map(({ condition, failed, rows }) => [condition, failed, rows.length]),
    ).toEqual([
      ["id > 3", 3, 3],
      ["amount IS NOT NULL", 4, 4],
    ]);
  });
});

test("the view of an assertion stays and shows the failing rows that were let pass", async () => {
  const { warehouse } = await testDatabase();
  await runItems(
    warehouse,
    `type: "table", assertions: { rowConditions: ["id > 3"] }, ${aquifer('{ assertions: { severity: "warn" } }')}`,
  );
  const rows = await warehouse.query('select id from quality."silver_items_assertions_rowConditions"');
  expect(rows.rowCount).toBe(3);
});

describe("a unique index as the proof of a unique key", () => {
  const config =
    'type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] }, metadata: { extraProperties: { postgres: { indexes: [{ columns: ["id"], unique: true }] } } }';

  test("passes without counting", async () => {
    const { warehouse } = await testDatabase();
    expect(failures(await runItems(warehouse, config))).toEqual([]);
    expect(await resultOf(warehouse, "quality.silver_items_assertions_uniqueKey_0")).toMatchObject({
      status: "passed",
      failed: 0,
    });
  });

  test("where it cannot be built, the assertion counts and samples the doubles", async () => {
    const { warehouse } = await testDatabase();
    await runItems(warehouse, config, "select n % 4 as id, 1 as amount from generate_series(1, 10) as n");
    expect(await resultOf(warehouse, "quality.silver_items_assertions_uniqueKey_0")).toEqual({
      status: "failed",
      severity: "fail",
      checked: 10,
      failed: 4,
      threshold: "0 rows",
      published: false,
    });
    const kept = await warehouse.query(
      "select sample->0->'rows'->0 as first from aquifer.assertion_result where assertion like '%uniqueKey%'",
    );
    expect(kept.rows).toEqual([
      { first: { id: expect.any(Number) as unknown, rows: expect.any(Number) as unknown } },
    ]);
  });

  test("proves nothing where a null could hide a double", () => {
    expect(isProvenByIndex(["id"], [["id"]], new Set())).toBe(false);
    expect(isProvenByIndex(["id"], [["id"]], new Set(["id"]))).toBe(true);
    expect(isProvenByIndex(["id"], [["id", "day"]], new Set(["id", "day"]))).toBe(false);
    expect(isProvenByIndex(["day", "id"], [["id", "day"]], new Set(["id", "day"]))).toBe(true);
    expect(isProvenByIndex(["lower(id)"], [["lower(id)"]], new Set(["lower(id)"]))).toBe(false);
  });
});

test("a standalone assertion that reads only one table is checked before that is published; one on two gates what is next", async () => {
  const { warehouse } = await testDatabase();
  const files = (bad: boolean): Record<string, string> => ({
    "items.sqlx": `config { type: "table" } select ${bad ? 2 : 1} as id`,
    "others.sqlx": `config { type: "table" } select ${bad ? 2 : 1} as id`,
    "only_one.sqlx": 'config { type: "assertion" } select * from ${ref("items")} where id <> 1',
    "equal.sqlx":
      'config { type: "assertion" } select * from ${ref("others")} join ${ref("items")} using (id) where id <> 1',
  });
  expect(failures(await runAll(await compiled(files(false)), warehouse))).toEqual([]);
  const run = await runAll(await compiled(files(true)), warehouse);
  expect(outcomeOf(run, "silver.items")).toMatchObject({ status: "failed", error: { code: "audit-failed" } });
  expect(outcomeOf(run, "quality.only_one").status).toBe("failed");
  expect(outcomeOf(run, "silver.others").status).toBe("successful");
  expect(outcomeOf(run, "quality.equal").status).toBe("skipped");
  expect((await warehouse.query("select id from silver.items")).rows).toEqual([{ id: 1 }]);
});

test("sample: false keeps no row of the data in history", async () => {
  const { warehouse } = await testDatabase();
  await runItems(
    warehouse,
    `type: "table", assertions: { rowConditions: ["id > 3"] }, ${aquifer("{ assertions: { sample: false } }")}`,
  );
  const kept = await warehouse.query<{ sample: unknown }>("select sample from aquifer.assertion_result");
  expect(JSON.stringify(kept.rows)).not.toContain("amount");
});

describe("rows checked by an assertion with a query of its own", () => {
  const share = aquifer('{ maxFailing: "50%" }');
  const files = (config: string, reads = '${ref("items")}'): Record<string, string> => ({
    "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "rows" }',
    "items.sqlx": `config { type: "table", assertions: { nonNull: ["id"] } } select n as id from generate_series(1, 10) as n`,
    "own.sqlx": `config { type: "assertion"${config === "" ? "" : `, ${config}`} } select * from ${reads} where id > 6`,
  });
  const result = "quality.own";

  test("are not known, although its table was scanned for others", async () => {
    const { warehouse } = await testDatabase();
    await runAll(await compiled(files("")), warehouse);
    expect(await resultOf(warehouse, result)).toMatchObject({ checked: null, failed: 4, published: false });
    expect(await resultOf(warehouse, conditionsAssertion)).toMatchObject({ checked: 10, failed: 0 });
  });

  test.for([true, false])(
    "are the rows of its relation where a share of them may fail, audited (%s) or not",
    async (auditBeforePublish) => {
      const { warehouse } = await testDatabase();
      await warehouse.query(
        "create schema raw; create table raw.rows as select generate_series(1, 10) as id",
      );
      const config = resolveConfig({ auditBeforePublish });
      for (const reads of ['${ref("items")}', '${ref("raw", "rows")}']) {
        const run = await runAll(await compiled(files(share, reads)), warehouse, { config });
        expect(failures(run)).toEqual([]);
        expect(await resultOf(warehouse, result)).toMatchObject({
          status: "passed",
          checked: 10,
          failed: 4,
          threshold: "50%",
        });
      }
    },
  );

  test("are those of the one relation that it reads, whatever else it waits for", async () => {
    const { warehouse } = await testDatabase();
    const others = {
      "step.sqlx": 'config { type: "operations" } select 1',
      "check.sqlx": 'config { type: "assertion" } select 1 where false',
      "other.sqlx": 'config { type: "table" } select 1 as id',
    };
    const project = { ...others, ...files(`dependencies: ["step", "check", "other"], ${share}`) };
    expect(failures(await runAll(await compiled(project), warehouse))).toEqual([]);
    expect(await resultOf(warehouse, result)).toMatchObject({ status: "passed", checked: 10, failed: 4 });
  });

  test("a share of several relations is refused when it is compiled", async () => {
    const both = '${ref("items")} join ${ref("raw", "rows")} using (id)';
    await expect(compiled(files(share, both))).rejects.toMatchObject({
      code: "bad-setting",
      details: ["it reads silver.items, raw.rows"],
    });
  });
});

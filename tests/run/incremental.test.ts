import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteIdentifier, quoteLiteral, quoteRelation } from "../../src/base/identifiers.js";
import type { IncrementalAction } from "../../src/project/action.js";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { hostileName, hostileValue } from "../support/hostile.js";
import { compiled, failures, outcomeOf, runAll, testDatabase, type TestProject } from "../support/project.js";

type HostileRow = readonly (string | null)[];

/** A query that brings rows of texts under hostile column names. */
function queryOf(columns: readonly string[], rows: readonly HostileRow[]): string {
  const row = (values: HostileRow): string =>
    `select ${columns.map((column, index) => `${values[index] === null ? "null" : quoteLiteral(values[index] ?? "")}::text as ${quoteIdentifier(column)}`).join(", ")}`;
  if (rows.length === 0) return `${row(columns.map(() => null))} where false`;
  return rows.map(row).join("\nunion all\n");
}

async function modelOf(config: string): Promise<{ project: TestProject; action: IncrementalAction }> {
  const project = await compiled({ "items.sqlx": `config { type: "incremental"${config} } select 1 as id` });
  const action = project.actions.get("silver.items");
  if (action?.kind !== "incremental") throw new Error("not incremental");
  return { project, action };
}

/** Runs the model with another query, as if its file had changed. */
async function load(
  warehouse: Warehouse,
  { project }: { project: TestProject },
  action: IncrementalAction,
  query: string,
  fullRefresh = false,
): Promise<RunOutcome> {
  const changed = { ...action, query, incrementalQuery: query };
  return runAll({ ...project, actions: new Map([[action.key, changed]]) }, warehouse, { fullRefresh });
}

async function contents(
  warehouse: Warehouse,
  action: IncrementalAction,
  columns: readonly string[],
): Promise<string[]> {
  const answer = await warehouse.query<{ row: unknown }>(
    `select json_build_array(${columns.map(quoteIdentifier).join(", ")}) as row from ${quoteRelation(action.target)}`,
  );
  return answer.rows.map(({ row }) => JSON.stringify(row)).sort();
}

const width = fc.record({
  columns: fc.uniqueArray(hostileName, { minLength: 2, maxLength: 4 }),
  table: hostileName,
});
const cases = width.chain(({ columns, table }) => {
  const row = fc.tuple(...columns.map(() => hostileValue));
  return fc.record({
    columns: fc.constant(columns),
    table: fc.constant(table),
    keys: fc.integer({ min: 1, max: columns.length }),
    batches: fc.array(fc.array(row, { maxLength: 6 }), { minLength: 2, maxLength: 3 }),
  });
});

describe("against a model in plain TypeScript, with hostile names and values", () => {
  test("append adds every row", async () => {
    const { warehouse } = await testDatabase();
    const model = await modelOf("");
    await fc.assert(
      fc.asyncProperty(cases, async ({ columns, table, batches }) => {
        const action = { ...model.action, target: { schema: "silver", name: table } };
        await warehouse.query(`drop table if exists ${quoteRelation({ schema: "silver", name: table })}`);
        for (const batch of batches)
          expect(failures(await load(warehouse, model, action, queryOf(columns, batch)))).toEqual([]);
        expect(await contents(warehouse, action, columns)).toEqual(
          batches
            .flat()
            .map((row) => JSON.stringify(row))
            .sort(),
        );
      }),
      { numRuns: 15 },
    );
  });

  test("merge keeps the newest row of each key, and refuses null and double keys without a trace", async () => {
    const { warehouse } = await testDatabase();
    const model = await modelOf(', uniqueKey: ["id"]');
    await fc.assert(
      fc.asyncProperty(cases, async ({ columns, table, keys, batches }) => {
        const uniqueKey = columns.slice(0, keys);
        const action = { ...model.action, uniqueKey, target: { schema: "silver", name: table } };
        await warehouse.query(`drop table if exists ${quoteRelation(action.target)}`);
        let exists = false;
        const expected = new Map<string, string>();
        for (const batch of batches) {
          const ids = batch.map((row) => JSON.stringify(row.slice(0, keys)));
          const hasNull = batch.some((row) => row.slice(0, keys).includes(null));
          const run = await load(warehouse, model, action, queryOf(columns, batch));
          if (hasNull || new Set(ids).size < ids.length) {
            const { error } = outcomeOf(run, "silver.items");
            expect(error?.code).toBe(hasNull ? "null-key" : "duplicate-key");
          } else {
            expect(failures(run)).toEqual([]);
            exists = true;
            batch.forEach((row, index) => expected.set(ids[index] ?? "", JSON.stringify(row)));
          }
        }
        if (exists) expect(await contents(warehouse, action, columns)).toEqual([...expected.values()].sort());
      }),
      { numRuns: 25 },
    );
  });

  test("insert_overwrite replaces exactly the partitions that it brings, the one without a value too", async () => {
    const { warehouse } = await testDatabase();
    const model = await modelOf("");
    await fc.assert(
      fc.asyncProperty(cases, async ({ columns, table, batches }) => {
        const [column = ""] = columns;
        const action: IncrementalAction = {
          ...model.action,
          strategy: "insert_overwrite",
          postgres: { ...model.action.postgres, partitionBy: { kind: "list", column } },
          target: { schema: "silver", name: table },
        };
        await warehouse.query(`drop table if exists ${quoteRelation(action.target)}`);
        let expected: HostileRow[] = [];
        for (const batch of batches) {
          expect(failures(await load(warehouse, model, action, queryOf(columns, batch)))).toEqual([]);
          const brought = new Set(batch.map(([value]) => value));
          expected = [...expected.filter(([value]) => !brought.has(value ?? null)), ...batch];
        }
        expect(await contents(warehouse, action, columns)).toEqual(
          expected.map((row) => JSON.stringify(row)).sort(),
        );
      }),
      { numRuns: 15 },
    );
  });
});

test("a range partition of timestamps with time zone is the same day for its bounds and for what it overwrites", async () => {
  const { warehouse, url } = await testDatabase();
  const database = new URL(url).pathname.slice(1);
  await warehouse.query(`alter database "${database}" set timezone = 'Asia/Jakarta'`);
  const model = await modelOf("");
  const action: IncrementalAction = {
    ...model.action,
    strategy: "insert_overwrite",
    postgres: { ...model.action.postgres, partitionBy: { kind: "range", column: "at", granularity: "day" } },
  };
  const day = (values: string): string => `select at::timestamptz, n from (values ${values}) as v (at, n)`;
  expect(
    failures(
      await load(warehouse, model, action, day("('2024-05-01 23:30+00', 1), ('2024-05-02 00:30+00', 2)")),
    ),
  ).toEqual([]);
  expect(failures(await load(warehouse, model, action, day("('2024-05-02 10:00+00', 3)")))).toEqual([]);
  const kept = await warehouse.query("select n from silver.items order by n");
  expect(kept.rows).toEqual([{ n: 1 }, { n: 3 }]);
});

describe("onSchemaChange", () => {
  const [before, wider, narrower] = [
    "select 1 as id, 'a' as note",
    "select 2 as id, 'b' as note, 5 as extra",
    "select 3 as id",
  ];

  async function changed(
    onSchemaChange: IncrementalAction["onSchemaChange"],
    query: string,
  ): Promise<{ run: RunOutcome; rows: unknown[] }> {
    const { warehouse } = await testDatabase();
    const model = await modelOf("");
    const action = { ...model.action, onSchemaChange };
    expect(failures(await load(warehouse, model, action, before))).toEqual([]);
    const run = await load(warehouse, model, action, query);
    const rows = await warehouse.query<{ row: unknown }>(
      "select to_jsonb(items) as row from silver.items order by id",
    );
    return { run, rows: rows.rows.map(({ row }) => row) };
  }

  test("IGNORE writes the columns that both have", async () => {
    expect((await changed("ignore", wider)).rows).toEqual([
      { id: 1, note: "a" },
      { id: 2, note: "b" },
    ]);
    expect((await changed("ignore", narrower)).rows).toEqual([
      { id: 1, note: "a" },
      { id: 3, note: null },
    ]);
  });

  test("FAIL refuses and names the columns", async () => {
    const { run, rows } = await changed("fail", wider);
    expect(outcomeOf(run, "silver.items").error?.message).toBe(
      "The columns of silver.items changed (new: extra) and onSchemaChange is FAIL",
    );
    expect(rows).toEqual([{ id: 1, note: "a" }]);
    const retyped = await changed("fail", "select 'x'::text as id, 'b' as note");
    expect(outcomeOf(retyped.run, "silver.items").error?.message).toContain("id: text instead of integer");
  });

  test("EXTEND adds columns and refuses to drop", async () => {
    expect((await changed("extend", wider)).rows).toEqual([
      { id: 1, note: "a", extra: null },
      { id: 2, note: "b", extra: 5 },
    ]);
    const { run } = await changed("extend", narrower);
    expect(outcomeOf(run, "silver.items").error?.message).toContain("gone: note");
  });

  test("SYNCHRONIZE adds and drops", async () => {
    expect((await changed("synchronize", "select 2 as id, 5 as extra")).rows).toEqual([
      { id: 1, extra: null },
      { id: 2, extra: 5 },
    ]);
  });
});

test("a full refresh equals a first build; a protected table is only added to", async () => {
  const { warehouse } = await testDatabase();
  const model = await modelOf(', uniqueKey: ["id"]');
  expect(failures(await load(warehouse, model, model.action, "select 1 as id"))).toEqual([]);
  expect(failures(await load(warehouse, model, model.action, "select 2 as id", true))).toEqual([]);
  expect(await contents(warehouse, model.action, ["id"])).toEqual(["[2]"]);
  const guarded = { ...model.action, protected: true };
  expect(failures(await load(warehouse, model, guarded, "select 3 as id", true))).toEqual([]);
  expect(await contents(warehouse, model.action, ["id"])).toEqual(["[2]", "[3]"]);
});

test("keys that the model gains are made on the table that stands there", async () => {
  const { warehouse } = await testDatabase();
  const model = await modelOf("");
  expect(failures(await load(warehouse, model, model.action, "select 1 as id"))).toEqual([]);
  const indexed = { ...model.action, postgres: { ...model.action.postgres, primaryKey: ["id"] } };
  expect(failures(await load(warehouse, model, indexed, "select 2 as id"))).toEqual([]);
  const names = await warehouse.query(
    "select relname as name from pg_class where relkind = 'i' and relnamespace = 'silver'::regnamespace",
  );
  expect(names.rows).toEqual([{ name: "items_pkey" }]);
});

test("a uniqueKey that the query does not have is named, with the columns that it has", async () => {
  const { warehouse } = await testDatabase();
  const model = await modelOf(', uniqueKey: ["Id"]');
  const { error } = outcomeOf(await load(warehouse, model, model.action, "select 1 as id"), "silver.items");
  expect(error).toMatchObject({ code: "no-key", details: ["columns of the query: id"] });
});

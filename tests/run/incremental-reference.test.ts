import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteLiteral } from "../../src/base/identifiers.js";
import type { IncrementalAction } from "../../src/project/action.js";
import type { PartitionSetting } from "../../src/project/postgres-settings.js";
import { compiled, failures, runAll, testDatabase } from "../support/project.js";

/** A row of every kind of value that a key or a partition may have; nulls stand everywhere but in keys. */
interface TypedRow {
  readonly id: number;
  readonly code: string;
  readonly day: string | null;
  readonly at: string | null;
  readonly amount: string | null;
  readonly tags: string | null;
  readonly body: string | null;
}

const orNull = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string | null> =>
  fc.option(arbitrary, { freq: 4 });
const rows: fc.Arbitrary<TypedRow> = fc.record({
  id: fc.integer({ min: 1, max: 6 }),
  code: fc.constantFrom("a", "A", "", " ", "ä", "'", "\\", "null"),
  day: orNull(
    fc.constantFrom("2024-01-31", "2024-02-01", "2024-02-29", "0044-03-15 BC", "infinity", "-infinity"),
  ),
  at: orNull(
    fc.constantFrom(
      "2024-03-31 00:59:59.999999+00",
      "2024-03-31 23:30:00-05",
      "2024-04-01 00:00:00+14",
      "2023-12-31 24:00:00+00",
      "infinity",
    ),
  ),
  amount: orNull(fc.constantFrom("0", "-0.0", "1.0", "1.00", "NaN", "1e40", "-Infinity")),
  tags: orNull(fc.constantFrom("{}", "{a,NULL,b}", '{"x y","\\"q\\""}')),
  body: orNull(fc.constantFrom("{}", '{"k": [1, null, "é"]}', "null")),
});
const types: Readonly<Record<keyof TypedRow, string>> = {
  id: "integer",
  code: "text",
  day: "date",
  at: "timestamptz",
  amount: "numeric",
  tags: "text[]",
  body: "jsonb",
};
const columns = Object.keys(types) as (keyof TypedRow)[];
const list = columns.join(", ");

function selectOf(batch: readonly TypedRow[]): string {
  const cells = (row: TypedRow): string =>
    columns
      .map(
        (column) =>
          `${row[column] === null ? "null" : quoteLiteral(String(row[column]))}::${types[column]} as ${column}`,
      )
      .join(", ");
  if (batch.length === 0)
    return `select ${columns.map((each) => `null::${types[each]} as ${each}`).join(", ")} where false`;
  return batch.map((row) => `select ${cells(row)}`).join("\nunion all\n");
}

/** Loads batches one by one, keeps all of them in `public.batches`, and compares the table with a query over those. */
async function compare(
  settings: Partial<IncrementalAction>,
  batches: fc.Arbitrary<readonly (readonly TypedRow[])[]>,
  reference: string,
  numRuns: number,
): Promise<void> {
  const { warehouse } = await testDatabase();
  const project = await compiled({ "items.sqlx": 'config { type: "incremental" } select 1 as id' });
  const model = project.actions.get("silver.items");
  if (model?.kind !== "incremental") throw new Error("not incremental");
  await fc.assert(
    fc.asyncProperty(batches, async (loads) => {
      await warehouse.query(
        `drop table if exists silver.items, public.batches; create table public.batches as select 0 as batch, * from (${selectOf([])}) as none`,
      );
      for (const [index, batch] of loads.entries()) {
        const query = selectOf(batch);
        const action = { ...model, ...settings, query, incrementalQuery: query };
        const run = await runAll({ ...project, actions: new Map([[action.key, action]]) }, warehouse);
        expect(failures(run)).toEqual([]);
        await warehouse.query(`insert into public.batches select ${index}, * from (${query}) as batch`);
        // As texts: 1.0 and 1.00 are equal, and yet the newest one is wanted.
        const got = "select items::text as row from (select " + list + " from silver.items) as items";
        const wanted = `select wanted::text as row from (select ${list} from (${reference}) as reference) as wanted`;
        const differing = await warehouse.query(
          `(${got} except all ${wanted}) union all (${wanted} except all ${got})`,
        );
        expect(differing.rows).toEqual([]);
      }
    }),
    { numRuns },
  );
}

const batchesOf = (key: (row: TypedRow) => string): fc.Arbitrary<readonly (readonly TypedRow[])[]> =>
  fc.array(fc.uniqueArray(rows, { selector: key, maxLength: 6 }), { minLength: 2, maxLength: 4 });

describe("against a reference in plain SQL over all batches, values of many types", () => {
  test.for([["id"], ["code"], ["id", "code"]] as const)(
    "merge by %s keeps the newest row of each key",
    async (...[key]) => {
      const by = key.join(", ");
      await compare(
        { strategy: "merge", uniqueKey: [...key] },
        batchesOf((row) => JSON.stringify(key.map((column) => row[column as keyof TypedRow]))),
        `select distinct on (${by}) * from public.batches order by ${by}, batch desc`,
        12,
      );
    },
  );

  test.for([
    [
      { kind: "range", column: "day", granularity: "month" },
      "case when isfinite(day) then date_trunc('month', day::timestamp)::text else day::text end",
    ],
    [
      { kind: "range", column: "at", granularity: "day" },
      "case when isfinite(at) then date_trunc('day', at at time zone 'UTC')::text else at::text end",
    ],
    [{ kind: "list", column: "code" }, "code"],
    [{ kind: "hash", column: "id", partitions: 3 }, "id::text"],
  ] as const satisfies readonly (readonly [PartitionSetting, string])[])(
    "insert_overwrite by %o keeps the newest batch of each part",
    async ([partitionBy, part]) => {
      const postgres = {
        indexes: [],
        unlogged: false,
        primaryKey: [],
        foreignKeys: [],
        grants: {},
        replace: "swap",
      } as const;
      await compare(
        { strategy: "insert_overwrite", postgres: { ...postgres, partitionBy } },
        fc.array(fc.array(rows, { maxLength: 6 }), { minLength: 2, maxLength: 4 }),
        `select * from public.batches as one where batch = (
  select max(batch) from public.batches as all_batches where (select ${part} from (select all_batches.*) as x) is not distinct from (select ${part} from (select one.*) as x))`,
        12,
      );
    },
  );
});

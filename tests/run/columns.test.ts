import { describe, expect, test } from "vitest";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { open } from "../support/database.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

const delta = 'metadata: { extraProperties: { postgres: { replace: "delta" } } }';
const keyed = 'metadata: { extraProperties: { postgres: { replace: "delta", primaryKey: ["id"] } } }';

function items(query: string, config = ""): Record<string, string> {
  return { "items.sqlx": `config { type: "table"${config === "" ? "" : `, ${config}`} } ${query}` };
}

async function run(warehouse: Warehouse, files: Record<string, string>): ReturnType<typeof runAll> {
  return runAll(await compiled(files), warehouse);
}

async function first(files: Record<string, string>): Promise<{ warehouse: Warehouse; url: string }> {
  const { warehouse, url } = await testDatabase();
  expect(failures(await run(warehouse, files))).toEqual([]);
  return { warehouse, url };
}

async function rows(warehouse: Warehouse, query: string): Promise<unknown[]> {
  return (
    await warehouse.query<{ row: unknown }>(`select to_jsonb(answer) as row from (${query}) as answer`)
  ).rows.map(({ row }) => row);
}

describe("columns that change under views of the project", () => {
  const above = {
    "reader.sqlx": 'config { type: "view" } select id, old from ${ref("items")}',
    "upon.sqlx": 'config { type: "view" } select id from ${ref("reader")}',
  };
  const assertions = 'assertions: { nonNull: ["id"], rowConditions: ["old is not null"] }';

  test("a column that goes away takes its readers along, in the same transaction", async () => {
    const { warehouse } = await first({ ...items("select 1 as id, 2 as old", assertions), ...above });
    await warehouse.query("grant select on silver.upon to public; comment on view silver.upon is 'kept'");
    const next = {
      ...items("select 1 as id, 3 as new"),
      ...above,
      "reader.sqlx": 'config { type: "view" } select id, new from ${ref("items")}',
    };
    expect(failures(await run(warehouse, next))).toEqual([]);
    expect(await rows(warehouse, "select * from silver.reader")).toEqual([{ id: 1, new: 3 }]);
    const grants = await rows(
      warehouse,
      "select obj_description('silver.upon'::regclass) as comment, relacl is not null as granted from pg_class where oid = 'silver.upon'::regclass",
    );
    expect(grants).toEqual([{ comment: "kept", granted: true }]);
  });

  test("a column that changes its type changes in the views and assertions above", async () => {
    const { warehouse } = await first({ ...items("select 1 as id, 2 as old", assertions), ...above });
    const next = { ...items("select 1 as id, 'two'::text as old", assertions), ...above };
    const second = await run(warehouse, next);
    expect(failures(second)).toEqual([]);
    expect(outcomeOf(second, "silver.items").path).toBe("swap");
    expect(await rows(warehouse, "select *, pg_typeof(old) as type from silver.reader")).toEqual([
      { id: 1, old: "two", type: "text" },
    ]);
  });

  test("a model above that still reads a column which goes away is named, and nothing changes", async () => {
    const { warehouse } = await first({ ...items("select 1 as id, 2 as old"), ...above });
    const before = await catalogSnapshot(warehouse);
    const refused = outcomeOf(await run(warehouse, { ...items("select 1 as id"), ...above }), "silver.items");
    expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
    expect(refused.error?.details[0]).toMatch(
      /^view silver\.reader of this project does not fit .*column "old" does not exist/,
    );
    expect(await catalogSnapshot(warehouse)).toEqual(before);
  });
});

describe("columns that change under somebody's views", () => {
  const [two, one] = [items("select 1 as id, 2 as old"), items("select 1 as id")];

  test.for([
    ["goes away", "select 1 as id", "view public.theirs reads column silver.items.old, which goes away"],
    [
      "changes its type",
      "select 1 as id, 'two'::text as old",
      "view public.theirs reads column silver.items.old, which becomes text (was integer)",
    ],
  ] as const)(
    "one that %s is refused, naming view and column, and nothing changes",
    async ([, query, named]) => {
      const { warehouse } = await first(two);
      await warehouse.query("create view public.theirs as select old from silver.items");
      const before = await catalogSnapshot(warehouse);
      const refused = outcomeOf(await run(warehouse, items(query)), "silver.items");
      expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
      expect(refused.error?.details.join("\n")).toContain(named);
      expect(await catalogSnapshot(warehouse)).toEqual(before);
    },
  );

  test("one that they do not read may go, and new ones may come", async () => {
    const { warehouse } = await first(two);
    await warehouse.query("create view public.theirs as select id from silver.items");
    expect(failures(await run(warehouse, one))).toEqual([]);
    expect(failures(await run(warehouse, items("select 5 as id, now() as at")))).toEqual([]);
    expect(await rows(warehouse, "select * from public.theirs")).toEqual([{ id: 5 }]);
  });
});

describe('replace: "delta"', () => {
  const source = (values: string): string => `select * from (values ${values}) as v (id, note, amount)`;

  test("keeps duplicates in their number and nulls equal to nulls, without a key", async () => {
    const start = source("(1, 'a', 1.5), (1, 'a', 1.5), (1, 'a', 1.5), (2, null, null), (3, 'gone', 0)");
    const next = source("(1, 'a', 1.5), (1, 'a', 1.5), (2, null, null), (2, null, null), (4, 'new', 2)");
    const { warehouse } = await first(items(start, delta));
    await warehouse.query("create table public.kept as select ctid::text as place, * from silver.items");
    const second = await run(warehouse, items(next, delta));
    expect(failures(second)).toEqual([]);
    expect(outcomeOf(second, "silver.items").path).toBe("delta");
    expect(await rows(warehouse, `table silver.items except all (${next})`)).toEqual([]);
    expect(await rows(warehouse, `(${next}) except all table silver.items`)).toEqual([]);
    const untouched = await warehouse.query(
      "select from silver.items join public.kept on kept.place = items.ctid::text and kept.id = items.id",
    );
    expect(untouched.rowCount).toBe(3);
  });

  test("writes only what differs, with a key", async () => {
    const { warehouse } = await first(
      items(source("(1, 'a', 1.5), (2, null, 2), (3, 'c', 3), (4, 'd', null)"), keyed),
    );
    await warehouse.query("create table public.kept as select xmin::text as written, id from silver.items");
    const next = source("(1, 'a', 1.5), (2, 'b', 2), (4, 'd', null), (5, 'e', 5)");
    const second = await run(warehouse, items(next, keyed));
    expect(outcomeOf(second, "silver.items").path).toBe("delta");
    expect(await rows(warehouse, `table silver.items except all (${next})`)).toEqual([]);
    expect(await rows(warehouse, `(${next}) except all table silver.items`)).toEqual([]);
    const untouched = await rows(
      warehouse,
      "select items.id from silver.items join public.kept using (id) where written = items.xmin::text order by 1",
    );
    expect(untouched).toEqual([{ id: 1 }, { id: 4 }]);
  });

  test("lets two rows trade a unique value", async () => {
    const config =
      'metadata: { extraProperties: { postgres: { replace: "delta", primaryKey: ["id"], indexes: [{ columns: ["note"], unique: true }] } } }';
    const { warehouse } = await first(items(source("(1, 'a', 1), (2, 'b', 2)"), config));
    const second = await run(warehouse, items(source("(1, 'b', 1), (2, 'a', 2)"), config));
    expect(failures(second)).toEqual([]);
    expect(outcomeOf(second, "silver.items").path).toBe("delta");
    expect(await rows(warehouse, "select id, note from silver.items order by id")).toEqual([
      { id: 1, note: "b" },
      { id: 2, note: "a" },
    ]);
  });

  test("adds and drops columns in place, and swaps where a type changes, saying why", async () => {
    const { warehouse } = await first(items("select 1 as id, 2 as old", delta));
    const second = await run(warehouse, items("select 1 as id, 'x' as new", delta));
    expect(outcomeOf(second, "silver.items").path).toBe("delta");
    expect(await rows(warehouse, "table silver.items")).toEqual([{ id: 1, new: "x" }]);
    const third = await run(warehouse, items("select 'one' as id, 'x' as new", delta));
    expect(failures(third)).toEqual([]);
    expect(outcomeOf(third, "silver.items")).toMatchObject({
      path: "swap",
      reason: "not in place: column silver.items.id becomes text (was integer), which rewrites the table",
    });
  });

  test("a repeatable-read reader whose snapshot is older sees the old rows, all of them", async () => {
    const start = "select n as id, 1 as version from generate_series(1, 100) as n";
    const { warehouse, url } = await first(items(start, delta));
    const reader = await open(url, 1);
    try {
      await reader.withSession(async (session) => {
        await session.query("begin isolation level repeatable read");
        await session.query("select 1");
        const next = "select n as id, 2 as version from generate_series(1, 100) as n";
        expect(failures(await run(warehouse, items(next, delta)))).toEqual([]);
        const answer = await session.query(
          "select count(*)::int as n, max(version) as version from silver.items",
        );
        expect(answer.rows).toEqual([{ n: 100, version: 1 }]);
        await session.query("commit");
      });
    } finally {
      await reader.close();
    }
    expect(await rows(warehouse, "select distinct version from silver.items")).toEqual([{ version: 2 }]);
  });
});

test("what an action finds is what stands there when it starts, not when the run began", async () => {
  const { warehouse } = await first(items("select 1 as id"));
  const next = await run(warehouse, {
    "drop.sqlx":
      'config { type: "operations", name: "clean" } drop table silver.items; create view silver.later as select 1 as id',
    "items.sqlx": 'config { type: "table", dependencies: ["clean"] } select 2 as id',
    "later.sqlx": 'config { type: "table", dependencies: ["clean"] } select 2 as id',
  });
  expect(failures(next)).toEqual([]);
  expect(await rows(warehouse, "select id from silver.items union all select id from silver.later")).toEqual([
    { id: 2 },
    { id: 2 },
  ]);
});

test("a fillfactor that the model changes is the model's, one that people set is kept", async () => {
  const config = (value: number): string =>
    `metadata: { extraProperties: { postgres: { fillfactor: ${value} } } }`;
  const { warehouse } = await first(items("select 1 as id", config(70)));
  await warehouse.query("alter table silver.items set (autovacuum_enabled = false)");
  expect(failures(await run(warehouse, items("select 1 as id", config(80))))).toEqual([]);
  expect(
    await rows(warehouse, "select reloptions from pg_class where oid = 'silver.items'::regclass"),
  ).toEqual([{ reloptions: ["fillfactor=80", "autovacuum_enabled=false"] }]);
});

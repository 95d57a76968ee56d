import { describe, expect, test } from "vitest";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { compiled, failures, outcomeOf, runAll, testDatabase } from "../support/project.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

const delta = 'metadata: { extraProperties: { postgres: { replace: "delta", primaryKey: ["id"] } } }';

function run(warehouse: Warehouse, factor: number, operations: string): Promise<RunOutcome> {
  const model = `config { type: "table", ${delta} } select n as id, n * ${factor} as amount from generate_series(1, 4) as n
post_operations { ${operations} }`;
  return compiled({ "t.sqlx": model }).then((project) => runAll(project, warehouse));
}

async function made(operations: string): Promise<Warehouse> {
  const { warehouse } = await testDatabase();
  await warehouse.query("create table public.log (at serial, total int, who text)");
  expect(failures(await run(warehouse, 1, operations))).toEqual([]);
  return warehouse;
}

const amounts = "select json_agg(amount order by id) as amounts from silver.t";

describe("post-operations of a table whose rows are changed in place", () => {
  test("happen once a version: what changes rows, what the table is to have, and what reads it", async () => {
    const operations = `
update \${self()} set amount = amount + 1 where id > 2;
delete from \${self()} where id = 4;
create index if_any on \${self()} (amount);
alter table \${self()} add constraint positive check (amount > 0);
create statistics if not exists silver.both_columns on id, amount from \${self()};
grant select on \${self()} to public;
comment on table \${self()} is 'by the post-operation'
---
insert into public.log (total, who) select sum(amount), current_setting('application_name') from \${self()}`;
    const warehouse = await made(operations);
    const snapshot = await catalogSnapshot(warehouse);
    for (const [factor, expected] of [
      [2, [2, 4, 7]],
      [2, [2, 4, 7]],
      [3, [3, 6, 10]],
    ] as const) {
      const next = await run(warehouse, factor, operations);
      expect(failures(next)).toEqual([]);
      expect(outcomeOf(next, "silver.t").path).toBe("delta");
      expect((await warehouse.query(amounts)).rows).toEqual([{ amounts: expected }]);
    }
    expect(await catalogSnapshot(warehouse)).toEqual(snapshot);
    const logged = await warehouse.query("select json_agg(total order by at) as totals from public.log");
    expect(logged.rows).toEqual([{ totals: [7, 13, 13, 19] }]);
  });

  test("one that fails takes everything back: rows, index and what others wrote", async () => {
    const fine =
      "create index mine on ${self()} (amount)\n---\ninsert into public.log (total) select count(*) from ${self()}";
    const warehouse = await made(fine);
    const snapshot = await catalogSnapshot(warehouse);
    const broken = `create index another on \${self()} (id, amount)\n---\ninsert into public.log (total) select 1 from \${self()}\n---\nselect 1 / 0 from \${self()}`;
    expect(failures(await run(warehouse, 5, broken))).toEqual([expect.stringContaining("division by zero")]);
    expect(await catalogSnapshot(warehouse)).toEqual(snapshot);
    expect((await warehouse.query(amounts)).rows).toEqual([{ amounts: [1, 2, 3, 4] }]);
    expect((await warehouse.query("select from public.log")).rowCount).toBe(1);
  });

  test("an index whose definition changes under its name is not passed over: the table is swapped, saying why", async () => {
    const warehouse = await made("create index mine on ${self()} (amount)");
    const next = await run(warehouse, 1, "create index mine on ${self()} (amount desc, id)");
    expect(failures(next)).toEqual([]);
    expect(outcomeOf(next, "silver.t")).toMatchObject({
      path: "swap",
      reason: "not in place: a post-operation makes mine otherwise than it stands there",
    });
    const definition = await warehouse.query("select pg_get_indexdef('silver.mine'::regclass) as text");
    expect(definition.rows).toEqual([{ text: expect.stringContaining("(amount DESC, id)") as unknown }]);
  });

  test("where the table cannot be swapped, that is refused, and nothing changes", async () => {
    const check = (bound: number): string =>
      `alter table \${self()} add constraint bounded check (amount < ${bound})`;
    const warehouse = await made(check(100));
    await warehouse.query("create table public.refs (id int references silver.t (id))");
    const snapshot = await catalogSnapshot(warehouse);
    const refused = outcomeOf(await run(warehouse, 1, check(50)), "silver.t");
    expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
    expect(refused.error?.details).toContain("a post-operation makes bounded otherwise than it stands there");
    expect(await catalogSnapshot(warehouse)).toEqual(snapshot);
    expect((await warehouse.query(amounts)).rows).toEqual([{ amounts: [1, 2, 3, 4] }]);
  });

  test("what stands there already, made by an operation that does more, says what to do", async () => {
    const operations =
      "create index mine on ${self()} (amount); insert into public.log (total) select 1 from ${self()}";
    const warehouse = await made(operations);
    const failed = outcomeOf(await run(warehouse, 2, operations), "silver.t");
    expect(failed.error).toMatchObject({
      message: expect.stringContaining('"mine" already exists') as unknown,
      hint: expect.stringContaining("if not exists") as unknown,
      location: { file: "definitions/t.sqlx" },
    });
    const mended = operations.replace("create index", "create index if not exists");
    expect(failures(await run(warehouse, 2, mended))).toEqual([]);
  });
});

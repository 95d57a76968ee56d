import { beforeAll, describe, expect, it } from "vitest";
import type { CheckContext } from "../../src/check/check-context.js";
import { buildKnown } from "../../src/check/empty-build.js";
import { isNode, readNodeTree } from "../../src/check/node-tree.js";
import { reachableColumns, readLineage, type Lineage } from "../../src/check/project-lineage.js";
import { LineageCollector, readColumnNames } from "../../src/check/lineage-collector.js";
import { queryLineage } from "../../src/check/query-lineage.js";
import { analyseStatements } from "../../src/check/statement-lineage.js";
import { withScratchDatabase } from "../../src/check/scratch-database.js";
import { checkProject } from "../../src/check/check-project.js";
import { compiled } from "../support/project.js";
import { known, sharedServer } from "./check-support.js";

const o = "bronze.orders";
const c = "bronze.customers";

/**
 * Queries over `bronze.orders` (id, customer_id, amount, ordered_at, note) and `bronze.customers` (id, name, city): for each
 * output what it is computed from, then what chooses the rows. `o.` and `c.` stand for the two tables.
 */
const corpus: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>, string]>> = {
  column: [`select id from ${o}`, { id: "o.id" }, ""],
  renamed: [`select id as order_id from ${o}`, { order_id: "o.id" }, ""],
  expression: [`select amount * id as x from ${o}`, { x: "o.amount o.id" }, ""],
  constant: [`select 1 as x, now() as y from ${o}`, { x: "", y: "" }, ""],
  star: [`select * from ${c}`, { id: "c.id", name: "c.name", city: "c.city" }, ""],
  "whole row": [`select c as r from ${c} c`, { r: "c.city c.id c.name" }, ""],
  "row to json": [`select to_jsonb(c) as j from ${c} c`, { j: "c.city c.id c.name" }, ""],
  where: [`select id from ${o} where amount > 1`, { id: "o.id" }, "o.amount"],
  join: [
    `select o.id, c.name from ${o} o join ${c} c on c.id = o.customer_id`,
    { id: "o.id", name: "c.name" },
    "c.id o.customer_id",
  ],
  using: [`select id, city from ${o} join ${c} using (id)`, { id: "o.id", city: "c.city" }, "c.id o.id"],
  "full join using": [`select id from ${o} full join ${c} using (id)`, { id: "c.id o.id" }, "c.id o.id"],
  natural: [`select id from ${o} natural join ${c}`, { id: "o.id" }, "c.id o.id"],
  "left join": [
    `select c.city from ${o} o left join ${c} c on c.id = o.customer_id and o.amount > 2`,
    { city: "c.city" },
    "c.id o.amount o.customer_id",
  ],
  "cross join": [`select o.id, c.id as cid from ${o} o, ${c} c`, { id: "o.id", cid: "c.id" }, ""],
  "self join": [
    `select a.note, b.id from ${o} a join ${o} b on a.id = b.customer_id`,
    { note: "o.note", id: "o.id" },
    "o.customer_id o.id",
  ],
  "group by": [
    `select city, count(*) as n, max(name) as m from ${c} group by city`,
    { city: "c.city", n: "", m: "c.name" },
    "c.city",
  ],
  having: [`select city from ${c} group by city having count(name) > 1`, { city: "c.city" }, "c.city c.name"],
  "filter of an aggregate": [
    `select sum(amount) filter (where note = 'x') as s from ${o}`,
    { s: "o.amount o.note" },
    "",
  ],
  "order by": [`select id from ${o} order by ordered_at limit 3`, { id: "o.id" }, "o.ordered_at"],
  "distinct on": [
    `select distinct on (city) city, name from ${c}`,
    { city: "c.city", name: "c.name" },
    "c.city",
  ],
  distinct: [`select distinct note from ${o}`, { note: "o.note" }, "o.note"],
  case: [`select case when note = 'a' then amount end as x from ${o}`, { x: "o.amount o.note" }, ""],
  window: [
    `select sum(amount) over (partition by customer_id order by ordered_at) as s from ${o}`,
    { s: "o.amount" },
    "o.customer_id o.ordered_at",
  ],
  "named window": [
    `select row_number() over w as r from ${o} window w as (order by note)`,
    { r: "" },
    "o.note",
  ],
  subquery: [`select x from (select amount as x from ${o} where id = 1) s`, { x: "o.amount" }, "o.id"],
  "nested subqueries": [
    `select z from (select y as z from (select note as y from ${o}) a) b`,
    { z: "o.note" },
    "",
  ],
  "scalar subquery": [
    `select (select max(amount) from ${o} where customer_id = c.id) as m from ${c} c`,
    { m: "o.amount" },
    "c.id o.customer_id",
  ],
  exists: [
    `select name from ${c} c where exists (select from ${o} o where o.customer_id = c.id)`,
    { name: "c.name" },
    "c.id o.customer_id",
  ],
  in: [
    `select name from ${c} where id in (select customer_id from ${o} where amount > 1)`,
    { name: "c.name" },
    "c.id o.amount o.customer_id",
  ],
  "array of a subquery": [`select array(select note from ${o}) as a`, { a: "o.note" }, ""],
  cte: [`with x as (select note as n from ${o}) select n from x`, { n: "o.note" }, ""],
  "chain of ctes": [
    `with a as (select id, amount from ${o}), b as (select amount * 2 as d from a) select d from b`,
    { d: "o.amount" },
    "",
  ],
  "cte read twice": [
    `with a as (select id, name from ${c}) select p.name, q.id from a p join a q on p.id = q.id`,
    { name: "c.name", id: "c.id" },
    "c.id",
  ],
  "cte of an outer level": [
    `with a as (select amount from ${o}) select x from (select (select max(amount) from a) as x) s`,
    { x: "o.amount" },
    "",
  ],
  "cte that hides another": [
    `with a as (select note as v from ${o}) select v from (with a as (select city as v from ${c}) select v from a) s`,
    { v: "c.city" },
    "",
  ],
  "recursive cte": [
    `with recursive t as (select id, customer_id from ${o} union all select t.id, o.customer_id from t join ${o} o on o.id = t.customer_id) select id, customer_id from t`,
    { id: "o.id", customer_id: "o.customer_id" },
    "o.customer_id o.id",
  ],
  "union all": [`select note as v from ${o} union all select city from ${c}`, { v: "c.city o.note" }, ""],
  "union of three": [
    `select note as v from ${o} union select city from ${c} union select name from ${c}`,
    { v: "c.city c.name o.note" },
    "",
  ],
  except: [`select id from ${o} except select id from ${c}`, { id: "c.id o.id" }, ""],
  "union in a subquery": [
    `select v from (select id as v from ${o} where amount > 1 union all select id from ${c}) u`,
    { v: "c.id o.id" },
    "o.amount",
  ],
  "union with a cte": [
    `with x as (select id from ${o}) select id from x union all select id from ${c}`,
    { id: "c.id o.id" },
    "",
  ],
  lateral: [`select s.d from ${o} o, lateral (select o.amount * 2 as d) s`, { d: "o.amount" }, ""],
  "lateral with a table": [
    `select s.name from ${o} o cross join lateral (select name from ${c} c where c.id = o.customer_id limit 1) s`,
    { name: "c.name" },
    "c.id o.customer_id",
  ],
  "function in from": [`select w from ${o} o, regexp_split_to_table(o.note, ' ') as w`, { w: "o.note" }, ""],
  unnest: [`select u from ${c} c, unnest(array[c.name, c.city]) as u`, { u: "c.city c.name" }, ""],
  ordinality: [
    `select t.w, t.n from ${o} o, string_to_table(o.note, ',') with ordinality as t (w, n)`,
    { w: "o.note", n: "o.note" },
    "",
  ],
  json_table: [
    `select j.v from ${o} o, json_table(o.note::jsonb, '$[*]' columns (v text path '$.v')) j`,
    { v: "o.note" },
    "",
  ],
  values: [`select x, y from (values (1, 'a'), (2, 'b')) v (x, y)`, { x: "", y: "" }, ""],
  "values from a table": [
    `select v.x from ${o} o, lateral (values (o.amount), (o.id::numeric)) v (x)`,
    { x: "o.amount o.id" },
    "",
  ],
  "grouping sets": [
    `select city, name, count(*) as n from ${c} group by grouping sets ((city), (name), ())`,
    { city: "c.city", name: "c.name", n: "" },
    "c.city c.name",
  ],
  rollup: [`select city || '!' as x from ${c} group by rollup (city)`, { x: "c.city" }, "c.city"],
  "group by an expression": [
    `select date_trunc('month', ordered_at) as m, sum(amount) as s from ${o} group by 1`,
    { m: "o.ordered_at", s: "o.amount" },
    "o.ordered_at",
  ],
  "ordered set aggregate": [
    `select percentile_cont(0.5) within group (order by amount) as p from ${o}`,
    { p: "o.amount" },
    "",
  ],
  "string_agg with order": [
    `select string_agg(name, ',' order by city) as s from ${c}`,
    { s: "c.city c.name" },
    "",
  ],
  "same names at different depths": [
    `select id from (select o.id from ${o} o where o.id in (select id from ${c} where id > 1)) id`,
    { id: "o.id" },
    "c.id o.id",
  ],
  "hostile names": [
    `select id as ":x", name as "a b", city as "{c}(d)\\" from ${c}`,
    { ":x": "c.id", "a b": "c.name", "{c}(d)\\": "c.city" },
    "",
  ],
  cast: [
    `select amount::integer as i, ordered_at::text as t from ${o}`,
    { i: "o.amount", t: "o.ordered_at" },
    "",
  ],
  "row comparison": [`select id from ${o} where (id, amount) > (1, 2)`, { id: "o.id" }, "o.amount o.id"],
  "coalesce and nullif": [
    `select coalesce(nullif(note, ''), id::text) as x from ${o}`,
    { x: "o.id o.note" },
    "",
  ],
  tablesample: [`select id from ${o} tablesample system (10)`, { id: "o.id" }, ""],
  "join of a subquery in parentheses": [
    `select a.s from (${o} x join (select id as cid, city as s from ${c}) a on a.cid = x.id)`,
    { s: "c.city" },
    "c.id o.id",
  ],
  subscript: [`select (string_to_array(note, ','))[id] as s from ${o}`, { s: "o.id o.note" }, ""],
  intersect: [`select name from ${c} intersect select note from ${o}`, { name: "c.name o.note" }, ""],
  "not in": [
    `select id from ${o} where customer_id not in (select id from ${c})`,
    { id: "o.id" },
    "c.id o.customer_id",
  ],
  "comparison with any": [
    `select id = any (select customer_id from ${o}) as x from ${c}`,
    { x: "c.id o.customer_id" },
    "",
  ],
  "table command": [`table ${c}`, { id: "c.id", name: "c.name", city: "c.city" }, ""],
  cube: [
    `select city, grouping(name) as g from ${c} group by cube (city, name)`,
    { city: "c.city", g: "c.name" },
    "c.city c.name",
  ],
  "lag with a default": [
    `select lag(amount, 1, id) over (order by ordered_at rows 2 preceding) as l from ${o}`,
    { l: "o.amount o.id" },
    "o.ordered_at",
  ],
  "search and cycle": [
    `with recursive t as (select id, customer_id as up from ${o} union all select o.id, o.customer_id from t join ${o} o on o.id = t.up) search depth first by id set path cycle id set is_cycle using trail select id, is_cycle from t`,
    { id: "o.id", is_cycle: "" },
    "o.customer_id o.id",
  ],
  "rows from": [
    `select r.a, r.b from ${o} o, rows from (generate_series(1, o.id), regexp_split_to_table(o.note, ' ')) as r (a, b)`,
    { a: "o.id", b: "o.note" },
    "",
  ],
  xmltable: [
    `select x.v from ${o} o, xmltable('/a' passing (o.note::xml) columns v text path 'b') x`,
    { v: "o.note" },
    "",
  ],
  "composite expanded": [
    `select (c).* from (select c from ${c} c) s`,
    { id: "c.city c.id c.name", name: "c.city c.id c.name", city: "c.city c.id c.name" },
    "",
  ],
  "alias of a using join": [`select j.id from ${o} join ${c} using (id) as j`, { id: "o.id" }, "c.id o.id"],
  "aggregate over an outer column": [
    `select name, (select string_agg(o.note || c.city, ',') from ${o} o where o.customer_id = c.id) as n from ${c} c`,
    { name: "c.name", n: "c.city o.note" },
    "c.id o.customer_id",
  ],
  "fetch with ties": [
    `select id from ${o} order by amount fetch first 3 rows with ties`,
    { id: "o.id" },
    "o.amount",
  ],
  "time zone and collation": [
    `select ordered_at::timestamp at time zone note as t, note collate "C" as n from ${o}`,
    { t: "o.note o.ordered_at", n: "o.note" },
    "",
  ],
  extract: [`select extract(year from ordered_at) as y from ${o}`, { y: "o.ordered_at" }, ""],
};

let lineage: ReadonlyMap<string, { readonly from: string[]; readonly through: string[] }> = new Map();
const names = Object.keys(corpus);

beforeAll(async () => {
  await withScratchDatabase(sharedServer(), async (made) => {
    const scratch = await made;
    await scratch.withSession(async (session) => {
      await buildKnown(session, [], known);
      const found = new Map<string, { from: string[]; through: string[] }>();
      const { rows } = await session.query<{ number: string; key: string }>(
        `select attrelid || '.' || attnum as number, left(relname, 1) || '.' || attname as key
         from pg_attribute join pg_class c on c.oid = attrelid where relnamespace = 'bronze'::regnamespace and attnum > 0`,
      );
      const keys = new Map(rows.map(({ number, key }) => [number, key]));
      const keysOf = (numbers: Iterable<string>): string[] =>
        [...numbers]
          .flatMap((number) =>
            number.endsWith(".0")
              ? rows.filter((row) => row.number.startsWith(number.slice(0, -1))).map((row) => row.key)
              : [keys.get(number) ?? number],
          )
          .sort();
      for (const [index, name] of names.entries()) {
        await session.query(`create view v${index} as ${corpus[name]?.[0] ?? ""}`);
        const rule = await session.query<{ action: string }>(
          "select ev_action::text as action from pg_rewrite where ev_class = $1::regclass",
          [`v${index}`],
        );
        const query = queryLineage(rule.rows[0]?.action ?? "");
        for (const output of query.outputs) {
          found.set(`${name}: ${output.name}`, { from: keysOf(output.from), through: keysOf(query.through) });
        }
      }
      lineage = found;
    });
  });
});

describe("the lineage of a query", () => {
  it.each(names)("%s", (name) => {
    const [, outputs = {}, through = ""] = corpus[name] ?? [];
    const own = [...lineage].filter(([key]) => key.startsWith(`${name}: `));
    expect(
      Object.fromEntries(own.map(([key, { from }]) => [key.slice(name.length + 2), from.join(" ")])),
    ).toEqual(outputs);
    expect(new Set(own.map(([, each]) => each.through.join(" ")))).toEqual(new Set([through]));
  });

  it("has a corpus of at least sixty", () => {
    expect(names.length).toBeGreaterThanOrEqual(60);
  });
});

/** Statements that change data: for each column that they write, what it is computed from `|` what chooses its rows. */
const changes: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>> = {
  "insert of a query": [
    `insert into ${o} (id, note) select id, upper(name) from ${c} where city = 'x'`,
    { "o.id": "c.id|c.city", "o.note": "c.name|c.city" },
  ],
  "insert of values": [`insert into ${o} (id) values (1), ((select max(id) from ${c}))`, { "o.id": "c.id|" }],
  "insert without a list": [
    `insert into ${c} table ${c}`,
    { "c.id": "c.id|", "c.name": "c.name|", "c.city": "c.city|" },
  ],
  "on conflict": [
    `insert into ${c} as t (id, name) select id, note from ${o} on conflict (id) do update set name = excluded.name || t.city where t.city <> 'x'`,
    { "c.id": "o.id|c.city", "c.name": "c.city o.note|c.city" },
  ],
  update: [`update ${o} set amount = amount * 2 where note is null`, { "o.amount": "o.amount|o.note" }],
  "update from": [
    `update ${o} set note = c.city from ${c} c where c.id = customer_id`,
    { "o.note": "c.city|c.id o.customer_id" },
  ],
  "update of several columns by a subquery": [
    `update ${c} c set (name, city) = (select max(note), min(amount)::text from ${o} where customer_id = c.id)`,
    { "c.name": "o.note|c.id o.customer_id", "c.city": "o.amount|c.id o.customer_id" },
  ],
  delete: [
    `delete from ${c} using ${o} o where o.customer_id = ${c}.id and o.amount < 0`,
    Object.fromEntries(["c.city", "c.id", "c.name"].map((key) => [key, "|c.id o.amount o.customer_id"])),
  ],
  merge: [
    `merge into ${o} as t using (select id, name from ${c} where city = 'x') s on s.id = t.customer_id
when matched and t.amount > 1 then update set note = s.name when not matched then insert (id, note) values (s.id, 'new')`,
    {
      "o.id": "c.id|c.city c.id o.amount o.customer_id",
      "o.note": "c.name|c.city c.id o.amount o.customer_id",
    },
  ],
  "merge that deletes and returns": [
    `merge into ${c} as t using ${o} s on s.id = t.id when matched then delete returning t.name`,
    Object.fromEntries(["c.city", "c.id", "c.name"].map((key) => [key, "|c.id o.id"])),
  ],
  "change inside with": [
    `with gone as (delete from ${c} where city = 'x' returning id, name), added as (insert into ${o} (id, note) select id, name from gone returning old.id, new.note) select * from added`,
    {
      "c.city": "|c.city",
      "c.id": "|c.city",
      "c.name": "|c.city",
      "o.id": "c.id|c.city",
      "o.note": "c.name|c.city",
    },
  ],
  "a temporary table on the way": [
    `create temp table t as select name as n from ${c} where city = 'x'; set work_mem = '4MB'; insert into ${o} (note) select n from t where n > 'a'`,
    { "o.note": "c.name|c.city c.name" },
  ],
  "a table of an operation": [
    `create table if not exists silver.made (a, b) as with x as (select id, name from ${c}) select id, name from x with no data`,
    { "made.a": "c.id|", "made.b": "c.name|" },
  ],
};

describe("the lineage of statements that change data", () => {
  it("comes from the server's analysis of each", async () => {
    const found: Record<string, Record<string, string>> = {};
    await withScratchDatabase(sharedServer(), async (made) => {
      const scratch = await made;
      await scratch.withSession(async (session) => {
        await buildKnown(session, [], known);
        await session.query(
          "create unique index on bronze.customers (id); create schema silver; create table silver.made (a integer, b text)",
        );
        const names = await readColumnNames(session);
        for (const [name, [statement]] of Object.entries(changes)) {
          await session.query("begin");
          const collected = new LineageCollector(names);
          collected.addWrites(await analyseStatements(session, [statement]));
          await session.query("rollback");
          const short = (key: string): string => key.replace(/^bronze\.(\w)\w+/, "$1").replace("silver.", "");
          found[name] = Object.fromEntries(
            [...collected.lineage].map(([key, { from, through }]) => [
              short(key),
              `${from.map(short).join(" ")}|${through.map(short).join(" ")}`,
            ]),
          );
        }
      });
    });
    expect(found).toEqual(
      Object.fromEntries(Object.entries(changes).map(([name, [, expected]]) => [name, expected])),
    );
  });
});

describe("the lineage of a project", () => {
  it("follows what operations and post-operations write, and the key of a merge", async () => {
    const { project } = await compiled({
      "orders.sqlx": 'config { type: "declaration", schema: "bronze", name: "orders" }',
      "log.sqlx": `config { type: "operations", hasOutput: true }
create table if not exists \${self()} (day date, total numeric);
insert into \${self()} select ordered_at, sum(amount) from \${ref("orders")} group by 1`,
      "kept.sqlx": `config { type: "incremental", uniqueKey: ["day"] }
select day, total from \${ref("log")}
post_operations { insert into silver.log (total) select max(total) from \${self()} }`,
      "seen.sqlx": `config { type: "operations", hasOutput: true }
create or replace view \${self()} as select total + 1 as more from \${ref("kept")}`,
    });
    let found: Lineage = new Map();
    const relationOf = (ref: { schema: string; name: string }): { schema: string; name: string } => ref;
    await checkProject(
      { project, server: sharedServer(), known, reports: [], relationOf, historySchema: "aquifer" },
      async (session, context: CheckContext) => {
        found = await readLineage(session, context, [], relationOf);
      },
    );
    expect(found.get("silver.log.total")).toEqual({
      subject: "silver.log",
      from: ["bronze.orders.amount", "silver.kept.total"],
      through: ["bronze.orders.ordered_at"],
    });
    expect(found.get("silver.kept.total")?.through).toEqual(["silver.log.day"]);
    expect(found.get("silver.seen.more")?.from).toEqual(["silver.kept.total"]);
  });

  it("leads from source to the last model and back, through both forms of an incremental one", async () => {
    const { project } = await compiled({
      "orders.sqlx": 'config { type: "declaration", schema: "bronze", name: "orders" }',
      "a.sqlx": 'config { type: "table" }\nselect id, amount from ${ref("orders")}',
      "b.sqlx":
        'config { type: "incremental" }\nselect id, amount * ${when(incremental(), "id", "2")} as x from ${ref("a")}',
      "c.sqlx":
        'config { type: "table" }\npre_operations { create temp table rate as select 2 as r }\nselect x * (select r from rate) as y from ${ref("b")}',
    });
    let found: Lineage = new Map();
    const relationOf = (ref: { schema: string; name: string }): { schema: string; name: string } => ref;
    await checkProject(
      { project, server: sharedServer(), known, reports: [], relationOf, historySchema: "aquifer" },
      async (session, context: CheckContext) => {
        found = await readLineage(session, context, [], relationOf);
      },
    );
    expect(found.get("silver.b.x")?.from).toEqual(["silver.a.amount", "silver.a.id"]);
    expect([...reachableColumns(found, "silver.c.y", "sources")]).toEqual([
      ["silver.b.x", 1],
      ["silver.a.amount", 2],
      ["silver.a.id", 2],
      ["bronze.orders.amount", 3],
      ["bronze.orders.id", 3],
    ]);
    expect([...reachableColumns(found, "bronze.orders.amount", "readers").keys()]).toEqual([
      "silver.a.amount",
      "silver.b.x",
      "silver.c.y",
    ]);
  });
});

describe("a node tree", () => {
  it("is read with its escapes, lists, bytes and nothings", () => {
    const tree = readNodeTree("({A :name a\\ \\(b\\) :empty <> :list (1 2 {B :x :y}) :value 4 [ 1 0 ]})");
    expect(tree).toEqual([
      {
        node: "A",
        fields: {
          name: "a (b)",
          empty: undefined,
          list: ["1", "2", { node: "B", fields: { x: ":y" } }],
          value: ["4", "[", "1", "0", "]"],
        },
      },
    ]);
    expect(isNode(tree)).toBe(false);
  });
});

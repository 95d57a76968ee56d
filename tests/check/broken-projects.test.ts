import { expect, it } from "vitest";
import { brief, checked } from "./check-support.js";

/** A model `a` of one query over orders, as a table. */
const model = (query: string): Record<string, string> => ({ "a.sqlx": `config { type: "table" }\n${query}` });

const orders = '${ref("orders")}';
const customers = '${ref("customers")}';

/** One broken project of each kind, with what check says. */
const corpus: readonly (readonly [string, Record<string, string>, readonly string[]])[] = [
  ["unknown column", model(`select idd from ${orders}`), ['a.sqlx:2:8 column "idd" does not exist']],
  [
    "unknown column after an emoji",
    model(`select '😀🎉' as e, amout from ${orders}`),
    ['a.sqlx:2:21 column "amout" does not exist'],
  ],
  [
    "unknown relation",
    model("select 1 as x from silver.absent"),
    ['a.sqlx:2:20 relation "silver.absent" does not exist'],
  ],
  [
    "unknown function",
    model(`select uper(note) as n from ${orders}`),
    ["a.sqlx:2:8 function uper(text) does not exist"],
  ],
  [
    "wrong argument types",
    model(`select upper(amount) as n from ${orders}`),
    ["a.sqlx:2:8 function upper(numeric) does not exist"],
  ],
  [
    "wrong type in join",
    model(`select o.id from ${orders} o\njoin ${customers} c on c.name = o.id`),
    ["a.sqlx:3:38 operator does not exist: text = integer"],
  ],
  [
    "missing cast",
    model(`select sum(note) as s from ${orders}`),
    ["a.sqlx:2:8 function sum(text) does not exist"],
  ],
  [
    "ambiguous name",
    model(`select id from ${orders} o, ${customers} c`),
    ['a.sqlx:2:8 column reference "id" is ambiguous'],
  ],
  [
    "no group by",
    model(`select city, count(*) as n from ${customers}`),
    [
      'a.sqlx:2:8 column "customers.city" must appear in the GROUP BY clause or be used in an aggregate function',
    ],
  ],
  [
    "aggregate in where",
    model(`select id from ${orders} where count(*) > 1`),
    ["a.sqlx:2:39 aggregate functions are not allowed in WHERE"],
  ],
  [
    "nested aggregate",
    model(`select sum(count(*)) as s from ${orders}`),
    ["a.sqlx:2:12 aggregate function calls cannot be nested"],
  ],
  [
    "window in where",
    model(`select id from ${orders} where row_number() over () = 1`),
    ["a.sqlx:2:39 window functions are not allowed in WHERE"],
  ],
  [
    "unknown window",
    model(`select sum(amount) over w as s from ${orders}`),
    ['a.sqlx:2:25 window "w" does not exist'],
  ],
  [
    "duplicate output column",
    model(`select id, customer_id as id from ${orders}`),
    ['a.sqlx column "id" specified more than once'],
  ],
  [
    "unequal set operation",
    model(`select id from ${orders}\nunion all\nselect id, name from ${customers}`),
    ["a.sqlx:4:8 each UNION query must have the same number of columns"],
  ],
  [
    "types of a set operation",
    model(`select id from ${orders}\nunion\nselect name from ${customers}`),
    ["a.sqlx:4:8 UNION types integer and text cannot be matched"],
  ],
  ["syntax error", model(`select id\nfrm ${orders}`), ['a.sqlx:3:5 syntax error at or near ""bronze""']],
  ["unfinished query", model(`select (id from ${orders}`), ['a.sqlx:2:12 syntax error at or near "from"']],
  ["end of input", model(`select id from ${orders} where`), ["a.sqlx:2:38 syntax error at end of input"]],
  [
    "unclosed string",
    model(`select 'x as x from ${orders}`),
    [`a.sqlx:2:8 unterminated quoted string at or near "'x as x from "bronze"."orders""`],
  ],
  [
    "reserved word",
    model(`select id as user from ${orders} as order`),
    ['a.sqlx:2:44 syntax error at or near "order"'],
  ],
  ["trailing comma", model(`select id, from ${orders}`), ['a.sqlx:2:12 syntax error at or near "from"']],
  [
    "two statements",
    model(`select 1 as x; select 2 as x`),
    ["a.sqlx the model holds more than one statement"],
  ],
  [
    "wrong literal",
    model(`select date '2024-02-30' as d`),
    ['a.sqlx:2:13 date/time field value out of range: "2024-02-30"'],
  ],
  [
    "unknown type",
    model(`select amount::decimall as d from ${orders}`),
    ['a.sqlx:2:16 type "decimall" does not exist'],
  ],
  [
    "impossible cast",
    model(`select ordered_at::integer as d from ${orders}`),
    ["a.sqlx:2:18 cannot cast type date to integer"],
  ],
  [
    "types of case",
    model(`select case when true then id else note end as c from ${orders}`),
    ["a.sqlx:2:28 CASE types text and integer cannot be matched"],
  ],
  [
    "types of coalesce",
    model(`select coalesce(ordered_at, amount) as c from ${orders}`),
    ["a.sqlx:2:29 COALESCE types date and numeric cannot be matched"],
  ],
  [
    "subquery with two columns",
    model(`select (select id, name from ${customers}) as c`),
    ["a.sqlx:2:8 subquery must return only one column"],
  ],
  ["unnamed row", model(`select amount + as b from ${orders}`), ['a.sqlx:2:17 syntax error at or near "as"']],
  [
    "unknown cte",
    model(`with x as (select 1 as one) select one from y`),
    ['a.sqlx:2:45 relation "y" does not exist'],
  ],
  [
    "cte with too many names",
    model(`with x (a, b) as (select 1) select a from x`),
    ['a.sqlx:2:6 WITH query "x" has 1 columns available but 2 columns specified'],
  ],
  [
    "recursion without a start",
    model(`with recursive x as (select n + 1 as n from x) select n from x`),
    ['a.sqlx:2:16 recursive query "x" does not have the form non-recursive-term UNION [ALL] recursive-term'],
  ],
  [
    "using an absent column",
    model(`select o.id from ${orders} o join ${customers} c using (city)`),
    ['a.sqlx column "city" specified in USING clause does not exist in left table'],
  ],
  [
    "missing from",
    model(`select c.name from ${orders} o`),
    ['a.sqlx:2:8 missing FROM-clause entry for table "c"'],
  ],
  [
    "not lateral",
    model(`select x.n from ${orders} o, (select o.id as n) x`),
    ['a.sqlx:2:45 invalid reference to FROM-clause entry for table "o"'],
  ],
  [
    "where not boolean",
    model(`select id from ${orders} where amount`),
    ["a.sqlx:2:39 argument of WHERE must be type boolean, not type numeric"],
  ],
  [
    "order by a missing position",
    model(`select id from ${orders} order by 2`),
    ["a.sqlx:2:42 ORDER BY position 2 is not in select list"],
  ],
  [
    "distinct order",
    model(`select distinct id from ${orders} order by amount`),
    ["a.sqlx:2:51 for SELECT DISTINCT, ORDER BY expressions must appear in select list"],
  ],
  [
    "unknown field of a composite",
    model(`select (o).absent from ${orders} o`),
    ["a.sqlx:2:9 column o.absent does not exist"],
  ],
  ["pseudo type", model(`select row(1, 2) as r`), ['a.sqlx column "r" has pseudo-type record']],
  [
    "incremental branch only",
    {
      "a.sqlx": `config { type: "incremental" }\nselect id from ${orders}\n\${when(incremental(), "where idd > 0")}`,
    },
    ['a.sqlx:3:30 column "idd" does not exist'],
  ],
  [
    "merge key not in output",
    { "a.sqlx": `config { type: "incremental", uniqueKey: ["order_id"] }\nselect id from ${orders}` },
    ['a.sqlx uniqueKey names "order_id", which the query does not return'],
  ],
  [
    "incremental columns under fail",
    {
      "a.sqlx": `config { type: "incremental", onSchemaChange: "FAIL" }\nselect id \${when(incremental(), ", amount")} from ${orders}`,
    },
    ["a.sqlx the incremental query returns other columns than the first build: +amount"],
  ],
  [
    "incremental type that does not fit",
    {
      "a.sqlx": `config { type: "incremental" }\nselect \${when(incremental(), "note as id", "id")} from ${orders}`,
    },
    [
      "a.sqlx the incremental query returns other types than the first build: id is integer, the query gives text",
    ],
  ],
  [
    "assertion on a missing column",
    { "a.sqlx": `config { type: "table", assertions: { nonNull: ["idd"] } }\nselect id from ${orders}` },
    ['a.sqlx:1:50 column "idd" does not exist'],
  ],
  [
    "condition that is not boolean",
    {
      "a.sqlx": `config { type: "table", assertions: { rowConditions: ["id + 1"] } }\nselect id from ${orders}`,
    },
    ["a.sqlx:1:56 argument of NOT must be type boolean, not type integer"],
  ],
  [
    "standalone assertion",
    { "a.sqlx": `config { type: "assertion" }\nselect * from ${orders} where absent > 1` },
    ['a.sqlx:2:38 column "absent" does not exist'],
  ],
  [
    "pre-operation",
    { "a.sqlx": `config { type: "table" }\npre_operations { set no_such_setting = 1 }\nselect 1 as x` },
    ['a.sqlx unrecognized configuration parameter "no_such_setting"'],
  ],
  [
    "post-operation",
    {
      "a.sqlx": `config { type: "table" }\nselect 1 as x\npost_operations { create index on \${self()} (y) }`,
    },
    ['a.sqlx column "y" does not exist'],
  ],
  [
    "operation",
    { "a.sqlx": `config { type: "operations" }\ncreate table silver.made (id integre)` },
    ['a.sqlx:2:30 type "integre" does not exist'],
  ],
  [
    "index on a missing column",
    {
      "a.sqlx": `config { type: "table", metadata: { extraProperties: { postgres: { indexes: [{ columns: ["idd"] }] } } } }\nselect id from ${orders}`,
    },
    ['a.sqlx column "idd" does not exist'],
  ],
  [
    "missing ref",
    {
      "a.sqlx": 'config { type: "table" }\nselect 1 as x',
      "b.sqlx": 'config { type: "table" }\nselect x from silver.a',
    },
    ["b.sqlx warning: reads silver.a without ref()"],
  ],
  [
    "described and not produced",
    { "a.sqlx": `config { type: "table", columns: { idd: "The order" } }\nselect id from ${orders}` },
    ['a.sqlx warning: describes the column "idd", which the query does not return'],
  ],
  [
    "destructive operation",
    {
      "a.sqlx":
        'config { type: "operations", hasOutput: true }\ncreate table ${self()} (id int);\ntruncate ${self()}',
    },
    ["a.sqlx warning: this operation destroys: truncate"],
  ],
  [
    "every broken model, and nothing of what lies below it",
    {
      "a.sqlx": `config { type: "table" }\nselect idd from ${orders}`,
      "b.sqlx": 'config { type: "table" }\nselect idd from ${ref("a")}',
      "c.sqlx": `config { type: "view" }\nselect nme from ${customers}`,
    },
    ['a.sqlx:2:8 column "idd" does not exist', 'c.sqlx:2:8 column "nme" does not exist'],
  ],
];

it.each(corpus)("finds: %s", async (_, files, expected) => {
  const { findings } = await checked(files);
  expect(findings.map(brief)).toEqual(expected);
});

it("has no two projects of one kind", () => {
  expect(new Set(corpus.map(([name]) => name)).size).toBe(corpus.length);
});

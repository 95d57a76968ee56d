import { expect, it } from "vitest";
import type { CheckResult } from "../../src/check/check-project.js";
import { AquiferError, AquiferErrors } from "../../src/base/errors.js";
import { formatLocation } from "../../src/base/source-location.js";
import { brief, checked } from "./check-support.js";

const tableConfig = `config { type: "table" }\n`;

/** A model `a` of one query over orders, as a table. */
const model = (query: string): Record<string, string> => ({ "a.sqlx": tableConfig + query });

/** A table with settings of PostgreSQL. */
const configured = (postgres: string, query: string): Record<string, string> => ({
  "a.sqlx": `config { type: "table", metadata: { extraProperties: { postgres: ${postgres} } } }\n${query}`,
});

/** An operation that makes a relation. */
const operation = (statements: string): Record<string, string> => ({
  "a.sqlx": `config { type: "operations", hasOutput: true }\n${statements}`,
});

const self = "${self()}";
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
    ['a.sqlx:2:71 column "city" specified in USING clause does not exist in left table'],
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
  ["pseudo type", model(`select row(1, 2) as r`), ['a.sqlx:2:21 column "r" has pseudo-type record']],
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
    ['a.sqlx:1:44 uniqueKey names "order_id", which the query does not return'],
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
    ['a.sqlx:2:22 unrecognized configuration parameter "no_such_setting"'],
  ],
  [
    "post-operation",
    {
      "a.sqlx": `config { type: "table" }\nselect 1 as x\npost_operations { create index on \${self()} (y) }`,
    },
    ['a.sqlx:3:46 column "y" does not exist'],
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
    ['a.sqlx:1:91 column "idd" does not exist'],
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
    ['a.sqlx:1:36 warning: describes the column "idd", which the query does not return'],
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
    "column outside of group by in having",
    model(`select customer_id from ${orders} group by customer_id having amount > 1`),
    [
      'a.sqlx:2:70 column "orders.amount" must appear in the GROUP BY clause or be used in an aggregate function',
    ],
  ],
  [
    "limit by a column",
    model(`select id from ${orders} limit amount`),
    ["a.sqlx:2:39 argument of LIMIT must not contain variables"],
  ],
  [
    "nested window",
    model(`select sum(row_number() over ()) over () as s from ${orders}`),
    ["a.sqlx:2:12 window function calls cannot be nested"],
  ],
  [
    "group by an aggregate",
    model(`select count(*) as n from ${orders} group by 1`),
    ["a.sqlx:2:8 aggregate functions are not allowed in GROUP BY"],
  ],
  [
    "rows in where",
    model(`select id from ${orders} where generate_series(1, 2) > 1`),
    ["a.sqlx:2:39 set-returning functions are not allowed in WHERE"],
  ],
  ["broken JSON", model(`select '{a'::jsonb as j`), ["a.sqlx:2:8 invalid input syntax for type json"]],
  [
    "number out of range",
    model(`select '99999999999'::integer as i`),
    ['a.sqlx:2:8 value "99999999999" is out of range for type integer'],
  ],
  ["broken array", model(`select '{1,2'::int[] as x`), ['a.sqlx:2:8 malformed array literal: "{1,2"']],
  [
    "unknown value of an enumeration",
    operation(
      `create type silver.mood as enum ('good');\ncreate table ${self} as select 'bad'::silver.mood as m`,
    ),
    ['a.sqlx:3:34 invalid input value for enum silver.mood: "bad"'],
  ],
  [
    "unknown named argument",
    model(`select make_interval(dayz => 1) as i`),
    ["a.sqlx:2:8 function make_interval(dayz => integer) does not exist"],
  ],
  [
    "in with two columns",
    model(`select id from ${orders} where customer_id in (select id, name from ${customers})`),
    ["a.sqlx:2:51 subquery has too many columns"],
  ],
  [
    "rows of unequal length",
    model(`select id from ${orders} where (id, note) = (1, 'a', 2)`),
    ["a.sqlx:2:50 unequal number of entries in row expressions"],
  ],
  [
    "full join that no plan can do",
    model(`select o.id from ${orders} o full join ${customers} c on c.id < o.id`),
    ["a.sqlx FULL JOIN is only supported with merge-joinable or hash-joinable join conditions"],
  ],
  [
    "values of unequal length",
    model(`select * from (values (1, 2), (3)) v (a, b)`),
    ["a.sqlx:2:32 VALUES lists must all be the same length"],
  ],
  [
    "more aliases than columns",
    model(`select * from ${customers} c (a, b, c, d)`),
    ['a.sqlx table "c" has 3 columns available but 4 columns specified'],
  ],
  [
    "two collations",
    model(`select note collate "C" < note collate "POSIX" as x from ${orders}`),
    ['a.sqlx:2:32 collation mismatch between explicit collations "C" and "POSIX"'],
  ],
  [
    "array of nothing",
    model(`select array_length(array[], 1) as x`),
    ["a.sqlx:2:21 cannot determine type of empty array"],
  ],
  [
    "types of an array",
    model(`select array[1, note] as x from ${orders}`),
    ["a.sqlx:2:17 ARRAY types integer and text cannot be matched"],
  ],
  [
    "filter of what aggregates nothing",
    model(`select lower(note) filter (where true) as x from ${orders}`),
    ["a.sqlx:2:8 FILTER specified, but lower is not an aggregate function"],
  ],
  [
    "percentile without an order",
    model(`select percentile_cont(0.5, amount) as x from ${orders}`),
    ["a.sqlx:2:8 WITHIN GROUP is required for ordered-set aggregate percentile_cont"],
  ],
  [
    "rank over nothing",
    model(`select rank() as x from ${orders}`),
    ["a.sqlx:2:8 window function rank requires an OVER clause"],
  ],
  [
    "frame that starts at its end",
    model(`select sum(amount) over (rows between unbounded following and current row) as x from ${orders}`),
    ["a.sqlx:2:39 frame start cannot be UNBOUNDED FOLLOWING"],
  ],
  [
    "range of texts",
    model(
      `select sum(amount) over (order by note range between 1 preceding and current row) as x from ${orders}`,
    ),
    ["a.sqlx:2:54 RANGE with offset PRECEDING/FOLLOWING is not supported for column type text"],
  ],
  [
    "name of a system column",
    model(`select 1 as ctid`),
    ['a.sqlx:2:13 column name "ctid" conflicts with a system column name'],
  ],
  ["parameter", model(`select $1::int as x`), ["a.sqlx:2:8 there is no parameter $1"]],
  [
    "unclosed comment",
    model(`select 1 as x /* never closed`),
    ['a.sqlx:2:15 unterminated /* comment at or near "/* never closed"'],
  ],
  [
    "empty name",
    model(`select id as "" from ${orders}`),
    ['a.sqlx:2:14 zero-length delimited identifier at or near """"'],
  ],
  [
    "distinct values of JSON",
    model(`select distinct note::json as j from ${orders}`),
    ["a.sqlx:2:17 could not identify an equality operator for type json"],
  ],
  [
    "first of another order",
    model(`select distinct on (customer_id) id from ${orders} order by id`),
    ["a.sqlx:2:21 SELECT DISTINCT ON expressions must match initial ORDER BY expressions"],
  ],
  [
    "recursion into another type",
    model(`with recursive x as (select 1 as n union all select n + 0.5 from x) select n from x`),
    [
      'a.sqlx:2:29 recursive query "x" column 1 has type integer in non-recursive term but type numeric overall',
    ],
  ],
  [
    "recursion through an outer join",
    model(
      `with recursive x as (select 1 as n union all select o.id from ${orders} o left join x on true) select n from x`,
    ),
    ['a.sqlx:2:92 recursive reference to query "x" must not appear within an outer join'],
  ],
  [
    "operator of two unknowns",
    model(`select '1' + '2' as x`),
    ["a.sqlx:2:12 operator is not unique: unknown + unknown"],
  ],
  [
    "another database",
    model(`select 1 as x from other.public.t`),
    ['a.sqlx:2:20 cross-database references are not implemented: "other.public.t"'],
  ],
  ["star of nothing", model(`select *`), ["a.sqlx:2:8 SELECT * with no tables specified is not valid"]],
  [
    "ties without an order",
    model(`select id from ${orders} fetch first 1 rows with ties`),
    ["a.sqlx:2:52 WITH TIES cannot be specified without ORDER BY clause"],
  ],
  [
    "element of a number",
    model(`select (id)[1] as x from ${orders}`),
    ["a.sqlx:2:9 cannot subscript type integer because it does not support subscripting"],
  ],
  [
    "any of a number",
    model(`select 1 = any(id) as x from ${orders}`),
    ["a.sqlx:2:10 op ANY/ALL (array) requires array on right side"],
  ],
  [
    "alias given twice",
    model(`select 1 as x from ${orders} o join ${customers} o on true`),
    ['a.sqlx table name "o" specified more than once'],
  ],
  [
    "natural join of two that share",
    model(`select 1 as x from (${orders} o join ${customers} c on true) natural join ${customers} d`),
    ['a.sqlx common column name "id" appears more than once in left table'],
  ],
  [
    "grouping of what is not grouped",
    model(`select grouping(amount) as g from ${orders} group by id`),
    ["a.sqlx:2:17 arguments to GROUPING must be grouping expressions of the associated query level"],
  ],
  [
    "sample of a query",
    model(`with c as (select 1 as x) select x from c tablesample system (1)`),
    ["a.sqlx:2:41 TABLESAMPLE clause can only be applied to tables and materialized views"],
  ],
  [
    "broken JSON path",
    model(`select jsonb_path_query('{}', '$.[') as x`),
    ['a.sqlx:2:31 syntax error at or near "[" of jsonpath input'],
  ],
  [
    "aggregate of a lateral join",
    model(`select x.n from ${orders} o, lateral (select sum(o.amount) as n) x`),
    ["a.sqlx:2:53 aggregate functions are not allowed in FROM clause of their own query level"],
  ],
  [
    "modifier of a type",
    model(`select id::numeric(5, 2, 1) as x from ${orders}`),
    ["a.sqlx:2:12 invalid NUMERIC type modifier"],
  ],
  [
    "names that are one in 63 bytes",
    model(`select 1 as ${"x".repeat(64)}, 2 as ${"x".repeat(63)}`),
    [`a.sqlx:2:84 column "${"x".repeat(63)}" specified more than once`],
  ],
  [
    "model that is no query",
    model(`update ${orders} set id = 1`),
    ['a.sqlx:2:1 syntax error at or near "update"'],
  ],
  ["model without a query", model("-- to be written"), ["a.sqlx the model holds no query"]],
  [
    "select into",
    model(`select id into silver.other from ${orders}`),
    ["a.sqlx:2:16 SELECT ... INTO is not allowed here"],
  ],
  [
    "insert of too many",
    operation(`create table ${self} (id int);\ninsert into ${self} (id) select id, name from ${customers}`),
    ["a.sqlx:3:39 INSERT has more expressions than target columns"],
  ],
  [
    "insert of another type",
    operation(`create table ${self} (id date);\ninsert into ${self} (id) select id from ${customers}`),
    ['a.sqlx:3:35 column "id" is of type date but expression is of type integer'],
  ],
  [
    "update of an absent column",
    operation(`create table ${self} (id int);\nupdate ${self} set idd = 1`),
    ['a.sqlx:3:22 column "idd" of relation "a" does not exist'],
  ],
  [
    "conflict without a key",
    operation(
      `create table ${self} (id int);\ninsert into ${self} select id from ${customers} on conflict (id) do nothing`,
    ),
    ["a.sqlx there is no unique or exclusion constraint matching the ON CONFLICT specification"],
  ],
  [
    "body of a function",
    operation(
      `create table ${self} (id int);\ncreate function silver.f() returns int language sql as 'select idd from ${self}'`,
    ),
    ['a.sqlx:3:64 column "idd" does not exist'],
  ],
  [
    "result of a function",
    operation(
      `create table ${self} (id int);\ncreate function silver.f() returns int language sql as 'select now()'`,
    ),
    ["a.sqlx return type mismatch in function declared to return integer"],
  ],
  [
    "statement of a procedural function",
    operation(
      `create table ${self} (id int);\ncreate function silver.f() returns int language plpgsql as $$ begin retrun 1; end $$`,
    ),
    ['a.sqlx:3:69 syntax error at or near "retrun"'],
  ],
  [
    "view that loses a column",
    operation(
      `create view ${self} as select 1 as a, 2 as b;\ncreate or replace view ${self} as select 1 as a`,
    ),
    ["a.sqlx cannot drop columns from view"],
  ],
  [
    "trigger without its function",
    operation(
      `create table ${self} (id int);\ncreate trigger t after insert on ${self} execute function silver.absent()`,
    ),
    ["a.sqlx function silver.absent() does not exist"],
  ],
  [
    "generated by the clock",
    operation(`create table ${self} (id int, at timestamptz generated always as (now()) stored)`),
    ["a.sqlx generation expression is not immutable"],
  ],
  [
    "end of the transaction",
    operation(`create table ${self} (id int);\ncommit`),
    ['a.sqlx:3:1 "commit" would end the transaction that the action runs in'],
  ],
  [
    "output that is not made",
    operation("select 1"),
    ["a.sqlx warning: says hasOutput: true, but makes no silver.a"],
  ],
  [
    "index of a type without order",
    configured('{ indexes: [{ columns: ["j"] }] }', "select '1'::json as j"),
    ['a.sqlx data type json has no default operator class for access method "btree"'],
  ],
  [
    "unique key without equality",
    {
      "a.sqlx": `config { type: "table", assertions: { uniqueKey: ["j"] } }\nselect note::json as j from ${orders}`,
    },
    ["a.sqlx could not identify an equality operator for type json"],
  ],
  [
    "primary key on a missing column",
    configured('{ primaryKey: ["idd"] }', `select id from ${orders}`),
    ['a.sqlx:1:82 column "idd" of relation "a" does not exist'],
  ],
  [
    "foreign key to what is built later",
    {
      ...configured(
        '{ foreignKeys: [{ columns: ["id"], references: "silver.b", referencedColumns: ["id"] }] }',
        `select id from ${orders}`,
      ),
      "b.sqlx": `config { type: "table" }\nselect id from ${customers}`,
    },
    ['a.sqlx:1:114 relation "silver.b" does not exist'],
  ],
  [
    "unknown setting of PostgreSQL",
    configured("{ indices: [] }", "select 1 as x"),
    ["a.sqlx:1:68 Unknown setting extraProperties.postgres.indices"],
  ],
  [
    "setting out of range",
    configured("{ fillfactor: 5 }", "select 1 as x"),
    ["a.sqlx:1:68 extraProperties.postgres.fillfactor must be a whole number from 10 to 100, found 5"],
  ],
  [
    "unknown key of a config",
    { "a.sqlx": 'config { type: "view", materialised: true }\nselect 1 as x' },
    ['a.sqlx:1:24 Unknown key "materialised" in config'],
  ],
  [
    "unknown type of an action",
    { "a.sqlx": 'config { type: "tabel" }\nselect 1 as x' },
    ['a.sqlx:1:17 There is no action of type "tabel"'],
  ],
  [
    "unknown policy",
    { "a.sqlx": `config { type: "incremental", onSchemaChange: "SYNCHRONISE" }\nselect id from ${orders}` },
    ['a.sqlx OnSchemaChange value "SYNCHRONISE" is not supported'],
  ],
  [
    "circle of references",
    {
      "a.sqlx": 'config { type: "view" }\nselect * from ${ref("b")}',
      "b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
    },
    ["a.sqlx:2:22 These actions depend on each other: silver.a -> silver.b -> silver.a"],
  ],
  [
    "ref to nothing",
    { "a.sqlx": 'config { type: "view" }\nselect * from ${ref("absent")}' },
    ['a.sqlx:2:17 Nothing in the project is named "absent"'],
  ],
  [
    "name given twice",
    {
      "a.sqlx": 'config { type: "view", name: "z" }\nselect 1 as x',
      "b.sqlx": 'config { type: "view", name: "z" }\nselect 1 as x',
    },
    ['a.sqlx:1:31 Two actions are named "silver.z"'],
  ],
  [
    "JavaScript that fails",
    { "a.sqlx": 'config { type: "view" }\nselect ${absent()} as x' },
    ["a.sqlx absent is not defined"],
  ],
  [
    "unit test that lacks an input column",
    {
      "a.sqlx": `config { type: "table" }\nselect id, amount from ${orders}`,
      "t.sqlx":
        'config { type: "test", dataset: "a" }\ninput "orders" { select 1 as id }\nselect 1 as id, 2 as amount',
    },
    ['t.sqlx:3:22 test t: column "amount" does not exist (in the model\'s query on the inputs)'],
  ],
  [
    "unit test that expects other columns",
    {
      "a.sqlx": `config { type: "table" }\nselect id from ${orders}`,
      "t.sqlx": 'config { type: "test", dataset: "a" }\ninput "orders" { select 1 as id }\nselect 1 as idd',
    },
    [
      "t.sqlx test t: the column idd is expected, but the model does not have it",
      "t.sqlx test t: the model's column id is not among the expected ones",
    ],
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

/** Cases of one query each are checked together as one project: check reports every error at once. */
const queries = corpus.filter(
  ([, files]) => Object.keys(files).join() === "a.sqlx" && files["a.sqlx"]?.startsWith(tableConfig),
);
const others = corpus.filter((each) => !queries.includes(each));
let together: Promise<CheckResult> | undefined;

it.each(queries.map(([name, , expected], index) => [name, index, expected] as const))(
  "finds among other errors: %s",
  async (_, index, expected) => {
    together ??= checked(
      Object.fromEntries(queries.map(([, files], each) => [`c${each}.sqlx`, files["a.sqlx"] ?? ""])),
    );
    const { findings } = await together;
    const own = findings.filter(({ location }) => location?.file === `definitions/c${index}.sqlx`);
    expect(own.map((each) => brief(each).replace(`c${index}.sqlx`, "a.sqlx"))).toEqual(expected);
  },
);

it.each(others)("finds: %s", async (_, files, expected) => {
  expect(await said(files)).toEqual(expected);
});

/** What check says of a project: its findings, or why it does not compile. */
async function said(files: Readonly<Record<string, string>>): Promise<string[]> {
  try {
    return (await checked(files)).findings.map(brief);
  } catch (thrown) {
    const errors = thrown instanceof AquiferErrors ? thrown.errors : [thrown];
    return errors.map((error) => {
      if (!(error instanceof AquiferError)) throw error;
      const place = error.location === undefined ? "" : formatLocation(error.location);
      return `${place.replace("definitions/", "")} ${error.message}`;
    });
  }
}

it("has no two projects of one kind", () => {
  expect(new Set(corpus.map(([name]) => name)).size).toBe(corpus.length);
});

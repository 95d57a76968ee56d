import { beforeAll, expect, test } from "vitest";
import { toActions, type Action } from "../../src/project/action.js";
import { compileProject } from "../../src/project/compile.js";
import { callsVolatile, fingerprints } from "../../src/run/fingerprint.js";
import { hasHiddenInput, loadParser } from "../../src/statements/hidden-inputs.js";
import { temporaryProject } from "../support/temporary-project.js";

beforeAll(loadParser);

const files = {
  "definitions/raw.sqlx": 'config { type: "declaration", schema: "bronze", name: "orders" }',
  "definitions/other.sqlx": 'config { type: "declaration", schema: "erp", name: "rates" }',
  "definitions/order.sqlx": 'config { type: "table" }\nselect id from ${ref("bronze", "orders")}',
  "definitions/summary.sqlx": 'config { type: "view" }\nselect count(*) as n from ${ref("order")}',
  "definitions/apart.sqlx": 'config { type: "table" }\nselect 1 as one',
  "definitions/foreign.sqlx": 'config { type: "table" }\nselect * from ${ref("erp", "rates")}',
  "definitions/clock.sqlx": 'config { type: "table" }\nselect now() as at',
  "definitions/day.sqlx": `config { type: "table" }\nselect date 'today' as day`,
  "definitions/unnamed.sqlx": 'config { type: "table" }\nselect id from bronze.orders',
};

async function actionsOf(
  changed: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, Action>> {
  return toActions(await compileProject({ projectRoot: temporaryProject({ ...files, ...changed }) }));
}

function take(
  actions: ReadonlyMap<string, Action>,
  version: string,
  unique: string,
): ReadonlyMap<string, string> {
  const dataVersion = (relation: string): string | undefined =>
    relation === "bronze.orders" ? version : undefined;
  return fingerprints({ actions, dataVersion, volatileFunctions: new Set(["now", "age", "random"]), unique });
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after.keys()].filter((key) => before.get(key) !== after.get(key)).sort();
}

const always = ["erp.rates", "silver.clock", "silver.day", "silver.foreign", "silver.unnamed"];

test("nothing changed: only what tells the time or reads what Aquifer does not load counts as changed", async () => {
  const actions = await actionsOf();
  expect(changes(take(actions, "v1", "run1"), take(actions, "v1", "run2"))).toEqual(always);
});

test("new data touches what reads it, directly or not", async () => {
  const actions = await actionsOf();
  expect(changes(take(actions, "v1", "run1"), take(actions, "v2", "run1"))).toEqual([
    "bronze.orders",
    "silver.order",
    "silver.summary",
  ]);
});

test("a changed model touches itself and what stands on it", async () => {
  const before = take(await actionsOf(), "v1", "run");
  const sqlx = 'config { type: "table" }\nselect id, 1 as more from ${ref("bronze", "orders")}';
  const after = take(await actionsOf({ "definitions/order.sqlx": sqlx }), "v1", "run");
  expect(changes(before, after)).toEqual(["silver.order", "silver.summary"]);
});

test("settings and descriptions are part of a model", async () => {
  const before = take(await actionsOf(), "v1", "run");
  const settings =
    'config { type: "table", metadata: { extraProperties: { postgres: { indexes: [{ columns: ["one"] }] } } } }\nselect 1 as one';
  expect(changes(before, take(await actionsOf({ "definitions/apart.sqlx": settings }), "v1", "run"))).toEqual(
    ["silver.apart"],
  );
  const described = 'config { type: "table", description: "One." }\nselect 1 as one';
  expect(
    changes(before, take(await actionsOf({ "definitions/apart.sqlx": described }), "v1", "run")),
  ).toEqual(["silver.apart"]);
});

test.each([
  ["select now()", true],
  ["select random ( )", true],
  ["select current_date - 1", true],
  ['select "now"()', true],
  ["select age(birth)", true],
  ["select age(current, birth)", false],
  ["select age(greatest(a, b))", true],
  ["select 'now()' as text", false],
  ["select 1 -- now()", false],
  ["select now from t", false],
  ["select t.current_date from t", false],
  ["select $$random()$$", false],
])("%s calls a volatile function: %s", (sql, expected) => {
  expect(callsVolatile(sql, new Set(["now", "age", "random"]))).toBe(expected);
});

test.each([
  [["select * from s.known"], false],
  [["select * from s.other"], true],
  [["select * from unqualified"], true],
  [["with c as (select * from s.known) select * from c join s.known using (id)"], false],
  [["with c as (select 1)\nselect * from c", "select * from c"], true],
  [
    ["create temporary table t as select * from s.known", "select * from t join pg_temp.t as u using (id)"],
    false,
  ],
  [["create table s.made (id int)", "insert into s.made select id from s.known"], false],
  [["insert into s.known select * from s.other"], true],
  [["select id from s.known where exists (select from s.other)"], true],
  [["select * from s.known where day > 'yesterday'"], true],
  [["select timestamp ' NOW ' + interval '1 day'"], true],
  [["select * from s.known where at < 'tomorrow 06:00'"], true],
  [["select known.today, 'due today', 'infinity'::date from s.known"], false],
  [["select * from pg_catalog.pg_class"], true],
  [["do $$ begin perform 1; end $$"], true],
  [["selec 1"], true],
])("%j depends on something hidden: %s", (texts, expected) => {
  expect(hasHiddenInput(texts, new Set(["s.known"]))).toBe(expected);
});

import { realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { prepareCheck } from "../../src/cli/check-inputs.js";
import { checkProject } from "../../src/check/check-project.js";
import type { CheckedReport } from "../../src/check/check-report.js";
import { withScratchDatabase } from "../../src/check/scratch-database.js";
import { defineReport } from "../../src/project/report.js";
import { ref, sql } from "../../src/project/report-sql.js";
import { freshDatabase } from "../support/database.js";
import { brief, checked, sharedServer } from "./check-support.js";

const silent = { write: () => undefined, isTerminal: false, columns: 80 };
const context = {
  cwd: process.cwd(),
  setExitCode: () => undefined,
  effects: {
    ...{ stdout: silent, stderr: silent, env: {}, newId: () => "id", signal: new AbortController().signal },
    clock: { now: () => new Date(), elapsed: () => 0 },
  },
};

it("says nothing against this repository", async () => {
  const root = realpathSync(join(import.meta.dirname, "../.."));
  const inputs = await prepareCheck(context, root, {});
  const result = await checkProject({ ...inputs, server: sharedServer(), historySchema: "aquifer" });
  expect(result.findings.map(brief)).toEqual([]);
  expect([...result.unchecked]).toEqual([]);
  expect(result.actions).toBeGreaterThan(40);
});

it("knows every relation with the types that the server gives it", async () => {
  const { model, findings } = await checked({
    "totals.sqlx": `config { type: "table", description: "By day", columns: { day: "When" } }
select ordered_at as day, sum(amount)::numeric(12, 2) as total, count(*) as orders from \${ref("orders")} group by 1`,
    "seen.sqlx": 'config { type: "view" }\nselect distinct day, total > 10 as big from ${ref("totals")}',
    "log.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table ${self()} (id bigint not null)',
  });
  expect(findings).toEqual([]);
  expect(model.relations["silver.totals"]).toEqual({
    kind: "table",
    description: "By day",
    columns: [
      { name: "day", type: "date", description: "When" },
      { name: "total", type: "numeric(12,2)" },
      { name: "orders", type: "bigint" },
    ],
    sql: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
  });
  expect(model.relations["silver.seen"]?.columns.map(({ type }) => type)).toEqual(["date", "boolean"]);
  expect(model.relations["silver.log"]?.columns).toEqual([{ name: "id", type: "bigint", notNull: true }]);
});

it("does not judge what it cannot know, and says so", async () => {
  const { findings, unchecked } = await checked({
    "foreign.sqlx": 'config { type: "declaration", schema: "elsewhere", name: "foreign" }',
    "reader.sqlx": 'config { type: "table" }\nselect anything from ${ref("foreign")}',
    "below.sqlx": 'config { type: "view" }\nselect anything from ${ref("reader")}',
    "role.sqlx": 'config { type: "operations" }\ncreate role somebody',
    "program.sqlx": `config { type: "operations" }\ncopy (select 1) to program 'touch /tmp/never'`,
    "settings.sqlx": 'config { type: "operations" }\nalter system set work_mem = 1',
    "extension.sqlx": 'config { type: "operations" }\ncreate extension no_such_extension',
    "slow.sqlx": 'config { type: "operations" }\nselect pg_sleep(60)',
  });
  expect(findings.filter((finding) => finding.severity !== "unchecked")).toEqual([]);
  expect(Object.fromEntries(unchecked)).toEqual({
    "elsewhere.foreign": "is declared without columns",
    "silver.reader": "reads elsewhere.foreign, which is declared without columns",
    "silver.below": "reads silver.reader, which reads elsewhere.foreign, which is declared without columns",
    "silver.role": "reaches beyond its database",
    "silver.program": "reaches beyond its database",
    "silver.settings": "reaches beyond its database",
    "silver.extension": "needs an extension that the embedded server lacks",
    "silver.slow": "takes too long to try",
  });
});

it("keeps what one action sets and makes for itself from the next", async () => {
  const { findings } = await checked({
    "a.sqlx":
      'config { type: "table" }\npre_operations { create temp table rate as select 1 as r; set search_path = nowhere }\nselect r from rate',
    "b.sqlx":
      'config { type: "table" }\npre_operations { create temp table rate as select 2 as r }\nselect rate.r from rate, ${ref("a")}',
    "c.sqlx": 'config { type: "table" }\nselect b.r from rate, ${ref("b")} b',
  });
  expect(findings.map(brief)).toEqual(['c.sqlx:2:17 relation "rate" does not exist']);
});

it("tells each error of models that are built together at its own place, and builds the others", async () => {
  const table = 'config { type: "table" }\n';
  const broken = ["select idd from ${ref('orders')}", "select id, id from ${ref('orders')}"];
  const files = Array.from({ length: 40 }, (_, index): [string, string] => [
    `m${index}.sqlx`,
    `${table}${index % 4 === 3 ? (broken[(index >> 2) % 2] ?? "") : `select ${index} as x -- it's fine`}`,
  ]);
  const { findings, model, actions } = await checked(
    Object.fromEntries([...files, ["z.sqlx", `${table}select x from \${ref("m3")}`]]),
  );
  const expected = Array.from({ length: 10 }, (_, index) => index).map((index) =>
    index % 2 === 0
      ? `m${index * 4 + 3}.sqlx:2:8 column "idd" does not exist`
      : `m${index * 4 + 3}.sqlx column "id" specified more than once`,
  );
  expect(findings.map(brief).sort()).toEqual(expected.sort());
  expect(Object.keys(model.relations).filter((key) => key.startsWith("silver."))).toHaveLength(30);
  expect(actions).toBe(40);
});

it("refuses a parameter in an assertion also among actions that are built together", async () => {
  const { findings } = await checked({
    "a.sqlx": 'config { type: "table", assertions: { rowConditions: ["n > $1"] } }\nselect 1 as n',
    "b.sqlx": 'config { type: "view" }\nselect n from ${ref("a")}',
  });
  expect(findings.map(brief)).toEqual(["a.sqlx:1:60 there is no parameter $1"]);
});

it("leaves nothing on the server, also when it fails", async () => {
  const database = await freshDatabase();
  const { warehouse } = database;
  const left = async (): Promise<unknown> =>
    (
      await warehouse.query("select rolname from pg_roles where starts_with(rolname, $1)", [
        `aquifer_check_${process.pid}_`,
      ])
    ).rows;
  await checked({ "a.sqlx": 'config { type: "table" }\nselect 1 as x' });
  expect(await left()).toEqual([]);
  await expect(
    withScratchDatabase(sharedServer(), () => Promise.reject(new Error("in the middle"))),
  ).rejects.toThrow("in the middle");
  expect(await left()).toEqual([]);
  await warehouse.query("create role aquifer_check_999999999_dead");
  await withScratchDatabase(sharedServer(), () => Promise.resolve());
  const { rows } = await warehouse.query(
    "select from pg_roles where rolname = 'aquifer_check_999999999_dead'",
  );
  expect(rows).toEqual([]);
  await database.drop();
});

it("finds what a report reads and the warehouse does not offer", async () => {
  const source = [
    "data: {",
    "  days: { sql: sql`select dy, total from ${ref('silver', 'totals')} where total > ${5}`, columns: {} },",
    "}",
  ].join("\n");
  const column = { type: "integer", label: "x" } as const;
  const report: CheckedReport = {
    name: "sales",
    file: "reports/sales.ts",
    source,
    report: defineReport({
      title: "t",
      description: "d",
      data: {
        days: {
          sql: sql`select dy, total from ${ref("silver", "totals")} where total > ${5}`,
          columns: { dy: column },
        },
        renamed: {
          sql: sql`select total from ${ref("silver", "totals")} where total > ${5} limit ${3}`,
          columns: { totall: column },
        },
      },
      body: () => [],
    }),
  };
  const { findings } = await checked(
    {
      "totals.sqlx":
        'config { type: "table" }\nselect ordered_at as day, amount as total from ${ref("orders")}',
    },
    [report],
  );
  expect(findings.map((finding) => [brief(finding), finding.hint])).toEqual([
    [
      'reports/sales.ts report sales, query renamed: the report reads the column "totall", which the query does not return',
      'Did you mean "total"?',
    ],
    [
      'reports/sales.ts:2:27 report sales, query days: column "dy" does not exist',
      'Perhaps you meant to reference the column "totals.day".',
    ],
  ]);
});

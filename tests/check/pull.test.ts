import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/check/snapshot.js";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryFolder } from "../support/project-folder.js";
import { testDatabase } from "../support/project.js";
import { settings, temporaryProject } from "../support/temporary-project.js";
import { checked } from "./check-support.js";

/** A warehouse with everything that `sources.json` can hold. */
const live = `
create schema erp;
create schema tools;
create extension citext schema tools;
create type erp.status as enum ('open', 'paid');
create domain erp.money_amount as numeric(12, 2) not null default 42 check (value > -1000000);
create type erp.address as (street text, city tools.citext);
create type erp.span as range (subtype = date);
create table erp.orders (id bigint primary key, status erp.status, amount erp.money_amount, ship_to erp.address,
  tags text[], mail tools.citext, during erp.span, password_hint text default 'hunter2');
create table erp.secret (id int);
create view erp.open_orders as select id, amount from erp.orders;
create function erp.net(amount numeric, rate numeric default 0.19, out net numeric) language sql immutable as 'select amount / (1 + rate)';
create function erp.unused(x int) returns int language sql as 'select 1';
create function erp.days(erp.span) returns table (day date) language sql stable as 'select current_date';
create function erp.step(state numeric, x numeric) returns numeric language sql as 'select state + x';
create aggregate erp.total(numeric) (sfunc = erp.step, stype = numeric, initcond = '0');
create procedure erp.refresh(what text) language sql as 'select 1';
`;

const declaration = (name: string): string =>
  `config { type: "declaration", schema: "erp", name: "${name}" }`;
const files: Readonly<Record<string, string>> = {
  "dataform.json": settings,
  "definitions/erp/orders.sqlx": declaration("orders"),
  "definitions/erp/open_orders.sqlx": declaration("open_orders"),
  "definitions/sums.sqlx": `config { type: "table" }
select status, erp.total(amount) as total, sum(erp.net(amount)) as net, max((ship_to).city) as city,
  count(*) filter (where mail = 'A@b') as mails, min(lower(during)) as first
from \${ref("orders")} where status <> 'open'::erp.status group by status`,
  "definitions/days.sqlx":
    'config { type: "table" }\nselect o.id, d.day from ${ref("orders")} o, erp.days(o.during) as d join ${ref("open_orders")} p on true',
  "definitions/grants.sqlx":
    'config { type: "operations", dependencies: ["sums"] }\ngrant select on silver.sums to reporting_team, "Odd ""role""";\ncall erp.refresh(\'x\')',
};

describe("dataform check --pull", () => {
  const root = temporaryFolder();
  const sources = (): string => readFileSync(join(root, "sources.json"), "utf8");
  let url: string;

  beforeAll(() => {
    for (const folder of ["definitions/erp", "reports"]) mkdirSync(join(root, folder), { recursive: true });
  });
  afterAll(() => resetEmbedded(root));

  beforeEach(async () => {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
    const database = await testDatabase();
    ({ url } = database);
    const role = `${database.name}_reporting`;
    await database.warehouse.query(`${live}; create role "${role}"`);
    writeFileSync(
      join(root, "definitions/grants.sqlx"),
      (files["definitions/grants.sqlx"] ?? "")
        .replace("reporting_team", role)
        .replace(', "Odd ""role"""', ""),
    );
  });

  const check = (...args: string[]): ReturnType<typeof dataform> =>
    dataform(["check", ...args], { cwd: root, env: { DATABASE_URL: url } });

  it("takes what the project uses, sorted and without anything secret, and judges by it", async () => {
    expect((await check()).stdout).toContain(
      "not checked: silver.sums reads erp.orders, which is declared without columns",
    );
    const { stdout, exitCode } = await check("--pull");
    expect(stdout).toMatch(
      /^Checked 3 actions and 0 report queries by PostgreSQL 18 in .*: 0 errors, 0 warnings\n$/,
    );
    expect(exitCode).toBe(0);
    const text = sources();
    const snapshot = JSON.parse(text) as Snapshot;
    expect(snapshot.relations.map(({ name }) => name)).toEqual(["open_orders", "orders"]);
    expect(snapshot.relations[1]?.columns.slice(0, 3)).toEqual([
      { name: "id", type: "bigint", notNull: true },
      { name: "status", type: "erp.status" },
      { name: "amount", type: "erp.money_amount" },
    ]);
    expect(snapshot.types.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "composite address",
      "domain money_amount",
      "range span",
      "enum status",
    ]);
    expect(
      snapshot.functions.map(({ name, kind, arguments: args, returns }) => [kind, name, args, returns]),
    ).toEqual([
      ["function", "days", "erp.span", "TABLE(day date)"],
      ["function", "net", "amount numeric, rate numeric default null, out net numeric", "numeric"],
      ["procedure", "refresh", "what text", undefined],
      ["aggregate", "total", "numeric", "numeric"],
    ]);
    expect(snapshot.extensions).toEqual([{ name: "citext", schema: "tools" }]);
    expect(snapshot.roles).toHaveLength(1);
    expect(text).not.toMatch(/hunter2|unused|secret|1000000/);
    await check("--pull");
    expect(sources()).toBe(text);
  });

  it("finds errors in what reads the warehouse's own things", async () => {
    await check("--pull");
    writeFileSync(
      join(root, "definitions/sums.sqlx"),
      'config { type: "table" }\nselect erp.net(status) as x from ${ref("orders")}\nwhere status = \'opne\'',
    );
    expect((await check()).stdout).toContain(
      "definitions/sums.sqlx:2:8: function erp.net(erp.status) does not exist\n",
    );
    writeFileSync(
      join(root, "definitions/sums.sqlx"),
      'config { type: "table" }\nselect id from ${ref("orders")}\nwhere status = \'opne\'',
    );
    expect((await check()).stdout).toContain(
      'definitions/sums.sqlx:3:16: invalid input value for enum erp.status: "opne"\n',
    );
  });

  it("compares with the warehouse instead of writing when locked", async () => {
    await check("--pull");
    const text = sources();
    expect(await check("--pull", "--locked")).toMatchObject({ exitCode: 0 });
    const database = await testDatabase();
    await database.warehouse.query(`${live}; alter table erp.orders add column note text, drop column tags`);
    url = database.url;
    const { stdout, exitCode } = await check("--pull", "--locked");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("sources.json: is not what the warehouse has\n");
    expect(stdout).toContain("  - erp.orders.tags text[]\n  + erp.orders.note text\n");
    expect(sources()).toBe(text);
  });

  it("says which declared relation the warehouse lacks", async () => {
    const database = await testDatabase();
    url = database.url;
    const { stderr } = await check("--pull");
    expect(stderr).toContain("erp.orders is declared, but the warehouse does not show it to this role.\n");
  });
});

describe("what the embedded server cannot have", () => {
  const snapshot: Snapshot = {
    ...{ version: 1, server: 18, roles: ["known"], types: [], functions: [] },
    extensions: [{ name: "no_such_extension", schema: "public" }],
    relations: [{ schema: "erp", name: "places", columns: [{ name: "at", type: "public.geometry" }] }],
  };
  const places = { "places.sqlx": declaration("places") };

  it("is not checked, never an error", async () => {
    const { findings, unchecked } = await checked(
      {
        ...places,
        "reads.sqlx": 'config { type: "table" }\nselect at from ${ref("places")}',
        "calls.sqlx": 'config { type: "table" }\nselect st_area(note) as area from ${ref("orders")}',
        "plain.sqlx": 'config { type: "table" }\nselect idd from ${ref("orders")}',
      },
      [],
      { snapshot },
    );
    expect(findings.filter(({ severity }) => severity === "error").map(({ subject }) => subject)).toEqual([
      "silver.plain",
    ]);
    expect(Object.fromEntries(unchecked)).toEqual({
      "erp.places": "has a type that the embedded server lacks",
      "silver.reads": "reads erp.places, which has a type that the embedded server lacks",
      "silver.calls": "may need no_such_extension, which the embedded server lacks",
    });
  });

  it("lets any role stand in, and warns of those that the pulled warehouse does not have", async () => {
    const files = {
      "a.sqlx": `config { type: "table" }
select 1 as x
post_operations { grant select on \${self()} to known, "Un""known"; alter table \${self()} owner to known }`,
      "b.sqlx":
        'config { type: "operations", dependencies: ["a"] }\ngrant select on silver.a to known, other; select absent',
      "c.sqlx": 'config { type: "operations" }\nset role nobody_here',
    };
    const without = await checked(files);
    expect(without.findings.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      'error column "absent" does not exist',
      'unchecked role "nobody_here" does not exist',
    ]);
    expect(without.findings[0]?.location).toEqual({ file: "definitions/b.sqlx", line: 2, column: 50 });
    const { findings } = await checked(files, [], {
      snapshot: { ...snapshot, extensions: [], relations: [] },
    });
    expect(
      findings
        .filter(({ code }) => code === "unknown-role")
        .map(({ message, location }) => [message, location]),
    ).toEqual([
      [
        'names the role Un"known, which sources.json does not know',
        { file: "definitions/a.sqlx", line: 3, column: 55 },
      ],
      [
        "names the role other, which sources.json does not know",
        { file: "definitions/b.sqlx", line: 2, column: 36 },
      ],
    ]);
  });
});

it("refuses a sources.json that is none", async () => {
  const root = temporaryProject({ "sources.json": '{ "version": 7 }' });
  expect(await dataform(["check"], { cwd: root })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(
      "sources.json: It is no snapshot of a warehouse: version 7 is not known",
    ) as string,
  });
});

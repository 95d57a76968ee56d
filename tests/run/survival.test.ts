import { describe, expect, test } from "vitest";
import type { RunOutcome } from "../../src/run/outcome.js";
import type { Queryable, Warehouse } from "../../src/warehouse/warehouse.js";
import {
  compiled,
  failures,
  outcomeOf,
  ownedDatabase,
  runAll,
  testDatabase,
  type TestProject,
} from "../support/project.js";
import { describeOnServers, type ServerMajor } from "../support/servers.js";
import { catalogSnapshot } from "./catalog-snapshot.js";

const select = 'select id, day, amount, note from ${ref("raw", "items")}';
const reordered = 'select note, id, amount, day from ${ref("raw", "items")}';
const partitioned =
  'metadata: { extraProperties: { postgres: { partitionBy: { column: "day", granularity: "month" } } } }';
const keyed =
  'metadata: { extraProperties: { postgres: { indexes: [{ columns: ["id", "day"], unique: true }] } } }';

/** What `silver.orders` can be, as its model. */
const models = {
  table: `config { type: "table", assertions: { nonNull: ["id"] } } ${select}`,
  "partitioned table": `config { type: "table", assertions: { nonNull: ["id"] }, ${partitioned} } ${select}`,
  view: `config { type: "view", assertions: { nonNull: ["id"] } } ${select}`,
  "view with other columns first": `config { type: "view", assertions: { nonNull: ["id"] } } ${reordered}`,
  "materialized view": `config { type: "view", materialized: true, assertions: { nonNull: ["id"] } } ${select}`,
  "materialized view with a key": `config { type: "view", materialized: true, assertions: { nonNull: ["id"] }, ${keyed} } ${select}`,
  "incremental table": `config { type: "incremental", assertions: { nonNull: ["id"] } } ${select}`,
} as const;
type Kind = keyof typeof models;

const projects = new Map<Kind, Promise<TestProject>>();

function projectOf(kind: Kind): Promise<TestProject> {
  const found = projects.get(kind) ?? compiledOf(models[kind]);
  projects.set(kind, found);
  return found;
}

/** A model of orders with two views of the project above it. */
function compiledOf(orders: string): Promise<TestProject> {
  return compiled({
    "items.sqlx": 'config { type: "declaration", schema: "raw", name: "items" }',
    "orders.sqlx": orders,
    "orders_recent.sqlx": 'config { type: "view" } select id, note from ${ref("orders")} where amount > 1',
    "orders_top.sqlx": 'config { type: "view" } select max(id) as id from ${ref("orders_recent")}',
  });
}

interface Stage {
  readonly admin: Warehouse;
  /** Whose connection runs the project. */
  readonly warehouse: Warehouse;
  /** Owns what people made: somebody else beside a superuser, the same role beside an ordinary one. */
  readonly people: string;
  readonly reader: string;
  readonly owner: string;
}

type Who = "superuser" | "ordinary role";

/** A database with raw data, roles, and the first version of a kind of orders. */
async function stage(who: Who, kind: Kind, major: ServerMajor = 18): Promise<Stage> {
  const made =
    who === "superuser"
      ? await testDatabase({ major }).then((database) => ({
          database,
          admin: database.warehouse,
          warehouse: database.warehouse,
          role: undefined,
        }))
      : await ownedDatabase({ major });
  const { admin, warehouse, database } = made;
  const people = made.role ?? `${database.name}_people`;
  const [reader, owner] = [`${database.name}_reader`, made.role ?? `${database.name}_keeper`];
  await admin.query(`create role "${reader}"`);
  if (made.role === undefined) await admin.query(`create role "${people}"; create role "${owner}"`);
  await admin.query(`
create schema raw; create schema people authorization "${people}";
create table raw.items (id integer, day date, amount numeric(10,2), note text);
insert into raw.items select n, date '2024-01-01' + n, n, 'note ' || n from generate_series(1, 60) as n;
create table raw.keys (id integer primary key);
insert into raw.keys select generate_series(1, 100);
alter table raw.items replica identity full;
grant usage on schema raw to public; grant all on all tables in schema raw to public`);
  expect(failures(await runAll(await projectOf(kind), warehouse))).toEqual([]);
  await admin.query(`
grant usage on schema silver to public;
grant select on silver.orders, silver.orders_recent to "${people}"`);
  return { admin, warehouse, people, reader, owner };
}

/** Runs statements as a role. */
function as({ admin }: Stage, role: string, statements: string): Promise<unknown> {
  return admin.withSession((session) =>
    session.transaction((transaction) => transaction.query(`set local role "${role}"; ${statements}`)),
  );
}

/** Everything that can read a relation. */
function readers(orders: string): string {
  return `
create view people.plain as select id, amount from silver.orders where note <> 'x';
comment on view people.plain is 'what it is for';
create view people.renamed (key, "Value") with (security_barrier) as select o.id, o.amount from silver.orders as o;
${orders === "materialized view" ? "" : "create view people.checked as select id, note from silver.orders where id > 0 with local check option;"}
create view people.joined as select o.id, r.note, k.id as k from silver.orders o join silver.orders_recent r using (id) join raw.keys k on k.id = o.id;
create view people.invoker with (security_invoker = true) as select id from silver.orders where id > 1;
create view people.both_options with (security_barrier = true, security_invoker = false) as select o.note from silver.orders as o where o.id < 50;
${orders === "materialized view" ? "" : "create view people.cascaded as select id from people.plain where id > 2 with cascaded check option;"}
create view people.upon as select * from people.plain;
create view people.counted as select count(*) as n from silver.orders;
create materialized view people.summary with (fillfactor = 70) as select note, sum(amount) as amount from silver.orders group by note;
create unique index summary_key on people.summary (note);
comment on index people.summary_key is 'one a note';
create index on people.summary (amount) where amount > 1;
create materialized view people.empty as select * from people.summary with no data;
create view people.over_summary as select count(*) as n from people.summary;
create view people.over_both as select count(*) as n from people.summary join silver.orders using (note);
create function people.total() returns numeric language sql begin atomic select sum(amount) from silver.orders; end;
create function people.both() returns bigint language sql begin atomic select count(*) from silver.orders join people.summary using (note); end;
comment on function people.total() is 'all of it';
create table people.log (id integer);
create rule known as on insert to people.log where exists (select from silver.orders where orders.id = new.id) do instead nothing;
create policy known on people.log using (id in (select id from silver.orders));
alter table people.log enable row level security;
grant select on people.plain, people.summary to public`;
}

/** Everything that can hang on a relation of a kind; \`$reader\` stands for a role. */
const attachments = {
  table: `
create index people_index on silver.orders (lower(note), id) where amount > 0;
comment on index silver.people_index is 'mine';
alter table silver.orders add constraint people_key unique (id, day);
alter table silver.orders add constraint positive check (amount >= 0);
comment on constraint positive on silver.orders is 'never less';
alter table silver.orders add constraint known foreign key (id) references raw.keys (id) on delete cascade;
create statistics people.orders_statistics (dependencies) on day, note from silver.orders;
comment on statistics people.orders_statistics is 'they go together';
create trigger quiet after insert on silver.orders for each statement execute function people.touch();
alter table silver.orders disable trigger quiet;
comment on trigger quiet on silver.orders is 'not now';
create trigger loud after update on silver.orders for each row when (new.id > 0) execute function people.touch();
create rule keep as on delete to silver.orders where old.id < 0 do instead nothing;
comment on rule keep on silver.orders is 'kept';
create policy visible on silver.orders as restrictive for select to "$reader" using (note <> 'secret');
comment on policy visible on silver.orders is 'not all';
create policy writable on silver.orders for insert with check (amount < 1000);
alter table silver.orders enable row level security;
alter table silver.orders alter column note set default 'none', alter column amount set not null, alter column note set statistics 500;
alter table silver.orders replica identity full;
grant select, insert on silver.orders to "$reader" with grant option;
grant update (note), select (id) on silver.orders to "$reader";
grant select on silver.orders to public;
comment on table silver.orders is 'it''s \\ the orders';
comment on column silver.orders.note is 'what they said'`,
  view: `
alter view silver.orders set (security_barrier = true);
create trigger instead instead of insert on silver.orders for each row execute function people.touch();
create rule keep as on delete to silver.orders do instead nothing;
alter view silver.orders alter column note set default 'none';
grant select, insert on silver.orders to "$reader" with grant option;
grant update (note) on silver.orders to "$reader";
comment on view silver.orders is 'the orders';
comment on column silver.orders.note is 'what they said'`,
  "materialized view": `
create unique index people_index on silver.orders (day, id);
create statistics people.orders_statistics (ndistinct) on day, note from silver.orders;
alter materialized view silver.orders set (autovacuum_enabled = false);
alter materialized view silver.orders alter column note set statistics 500;
grant select on silver.orders to "$reader" with grant option;
grant select (note) on silver.orders to "$reader";
comment on materialized view silver.orders is 'the orders';
comment on column silver.orders.note is 'what they said'`,
};

const touch = `create function people.touch() returns trigger language plpgsql as 'begin return new; end'`;

function baseKind(kind: Kind): keyof typeof attachments {
  if (kind.startsWith("materialized")) return "materialized view";
  return kind.startsWith("view") ? "view" : "table";
}

/** Puts things on orders: as its owner, or as a superuser who then gives orders away. */
async function attach(set: Stage, statements: string): Promise<void> {
  await as(set, set.people, touch);
  const placed = statements.replaceAll("$reader", set.reader);
  if (set.owner === set.people) {
    await as(set, set.owner, placed);
    return;
  }
  const kind = await relkind(set.admin);
  const noun = kind === "v" ? "view" : kind === "m" ? "materialized view" : "table";
  await set.admin.query(`${placed}; alter ${noun} silver.orders owner to "${set.owner}"`);
}

async function relkind(queryable: Queryable): Promise<string> {
  const answer = await queryable.query<{ kind: string }>(
    "select relkind as kind from pg_class where oid = 'silver.orders'::regclass",
  );
  return answer.rows[0]?.kind ?? "";
}

/** A rebuild after the data have changed. */
async function rebuild(set: Stage, kind: Kind): Promise<RunOutcome> {
  await set.admin.query(`
update raw.items set amount = amount + 1 where id < 10;
delete from raw.items where id = 60;
insert into raw.items values (61, '2024-07-01', 5, 'new')`);
  // Fewer at once than there are actions, so that sessions keep their private schemas from one to the next.
  return runAll(await projectOf(kind), set.warehouse, { fullRefresh: true, concurrency: 2 });
}

async function expectNewRows(set: Stage): Promise<void> {
  const rows = await set.admin.query(
    `(select id, day, amount, note from silver.orders except all select * from raw.items)
union all (select * from raw.items except all select id, day, amount, note from silver.orders)`,
  );
  expect(rows.rows).toEqual([]);
}

/** A type switch changes the kind of orders and what only its kind decides. */
function withoutKind(lines: readonly string[]): string[] {
  return lines.filter(
    (line) =>
      !/^(relation silver\.orders |definition of (silver\.orders|quality\.\S+):|index of silver\.orders:.*orders_id_day_key)/.test(
        line,
      ) && !/^comment on index silver\.orders_id_day_key/.test(line),
  );
}

const transitions: readonly (readonly [Kind, Kind])[] = [
  ["table", "table"],
  ["partitioned table", "partitioned table"],
  ["incremental table", "incremental table"],
  ["view", "view"],
  ["view", "view with other columns first"],
  ["materialized view", "materialized view"],
  ["materialized view with a key", "materialized view with a key"],
  ["table", "view"],
  ["view", "table"],
  ["view", "materialized view"],
  ["materialized view", "view"],
  ["table", "partitioned table"],
  ["partitioned table", "table"],
  ["table", "materialized view"],
  ["materialized view", "table"],
  ["table", "incremental table"],
  ["incremental table", "table"],
  ["incremental table", "view"],
  ["view", "incremental table"],
  ["partitioned table", "view"],
  ["view", "partitioned table"],
];

function matrix(major: ServerMajor, cases: typeof transitions, whos: readonly Who[]): void {
  for (const [from, to] of cases) {
    for (const who of whos) {
      test(`what reads a ${from} survives its ${from === to ? "rebuild" : `change to a ${to}`} by a ${who}`, async () => {
        const set = await stage(who, from, major);
        // A view with a check option needs something under it that takes rows.
        const takesRows = ![from, to].some((kind) => kind.startsWith("materialized"));
        await as(set, set.people, readers(takesRows ? "table" : "materialized view"));
        const before = await catalogSnapshot(set.admin);
        const run = await rebuild(set, to);
        expect(failures(run)).toEqual([]);
        expect(["swap", "replace", "refresh"]).toContain(outcomeOf(run, "silver.orders").path);
        expect(withoutKind(await catalogSnapshot(set.admin))).toEqual(withoutKind(before));
        await expectNewRows(set);
      });

      if (baseKind(from) !== baseKind(to)) continue;
      test(`what hangs on a ${from} survives its ${from === to ? "rebuild" : `change to a ${to}`} by a ${who}`, async () => {
        const set = await stage(who, from, major);
        await attach(set, attachments[baseKind(from)]);
        const before = await catalogSnapshot(set.admin);
        const run = await rebuild(set, to);
        expect(failures(run)).toEqual([]);
        expect(["swap", "replace", "refresh"]).toContain(outcomeOf(run, "silver.orders").path);
        expect(withoutKind(await catalogSnapshot(set.admin))).toEqual(withoutKind(before));
        await expectNewRows(set);
      });
    }
  }
}

const essential = new Set(["table to table", "table to partitioned table", "view to table", "table to view"]);

describeOnServers("dependents of a rebuilt relation", (major) => {
  if (major === 18) matrix(major, transitions, ["superuser", "ordinary role"]);
  else
    matrix(
      major,
      transitions.filter(([from, to]) => essential.has(`${from} to ${to}`)),
      ["ordinary role"],
    );
});

describe("what cannot hang on the new kind", () => {
  const cases: readonly (readonly [Kind, Kind, string, string])[] = [
    [
      "table",
      "view",
      "create trigger watch after insert on silver.orders execute function people.touch()",
      "trigger watch",
    ],
    ["table", "view", "create index mine on silver.orders (id)", "index mine"],
    [
      "table",
      "view",
      "alter table silver.orders add constraint positive check (amount >= 0)",
      "constraint positive",
    ],
    ["table", "view", "create policy own on silver.orders using (true)", "policy own"],
    [
      "table",
      "view",
      "create statistics people.both on id, day from silver.orders",
      "statistics object both",
    ],
    ["table", "view", "create rule keep as on delete to silver.orders do instead nothing", "rule keep"],
    ["view", "table", "create rule keep as on delete to silver.orders do instead nothing", "rule keep"],
    [
      "view",
      "materialized view",
      "create trigger watch instead of insert on silver.orders for each row execute function people.touch()",
      "trigger watch",
    ],
    ["materialized view", "view", "create index mine on silver.orders (id)", "index mine"],
    ["table", "materialized view", "alter table silver.orders add constraint mine unique (id)", "index mine"],
    ["table", "view", "create table people.child () inherits (silver.orders)", "people.child"],
    [
      "table",
      "view",
      "create function people.of(silver.orders) returns integer language sql as 'select 1'",
      "function people.of(silver.orders)",
    ],
    [
      "table",
      "partitioned table",
      "alter table silver.orders add constraint mine unique (id, day); create table people.refs (id integer, day date, foreign key (id, day) references silver.orders (id, day))",
      "foreign key refs_id_day_fkey of people.refs",
    ],
    ["table", "partitioned table", "create publication mine for table silver.orders", "publication mine"],
  ];
  test.for(cases)(
    "a %s becomes no %s under %s: refused, named, nothing changed",
    async ([from, to, statement, named]) => {
      const set = await stage("superuser", from);
      await attach(set, statement);
      const before = await catalogSnapshot(set.admin);
      const run = await rebuild(set, to);
      const refused = outcomeOf(run, "silver.orders");
      expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
      expect(refused.error?.details.join("\n")).toContain(named);
      expect(await catalogSnapshot(set.admin)).toEqual(before);
    },
  );
});

describe("what depends on a table's identity", () => {
  const identities: Readonly<Record<string, string>> = {
    "a foreign key into it":
      "alter table silver.orders add constraint mine unique (id, day), alter column id set not null, alter column day set not null; create table people.refs (id integer, day date, foreign key (id, day) references silver.orders (id, day)); insert into people.refs values (5, '2024-01-06')",
    "a publication":
      "alter table silver.orders add constraint mine primary key (id, day); create publication mine for table silver.orders",
    "a publication of all tables":
      "alter table silver.orders add constraint mine primary key (id, day); create publication everything for all tables",
    "a function of its row type":
      "create function people.of(silver.orders) returns integer language sql as 'select 1'",
    "a column of its row type": "create table people.holder (one silver.orders, many silver.orders[])",
    "a view of whole rows": "create view people.rows as select orders from silver.orders",
    "a sequence that it owns": "create sequence silver.counter owned by silver.orders.id",
  };
  const cases = Object.entries(identities).flatMap(([what, statements]) =>
    (["table", "partitioned table", "incremental table"] as const).map(
      (kind) => [what, kind, statements] as const,
    ),
  );
  const inherits = [
    "a table that inherits from it",
    "table",
    "create table people.child () inherits (silver.orders); insert into people.child values (1, null, 2, 'child')",
  ] as const;
  const byWhom = [...cases, inherits].flatMap(([what, kind, statements]) =>
    (["superuser", "ordinary role"] as const)
      // Only a superuser publishes all tables.
      .filter((who) => who === "superuser" || !statements.includes("for all tables"))
      .map((who) => [what, kind, who, statements] as const),
  );
  test.for(byWhom)("%s: a %s is changed in place by a %s", async ([, kind, who, statements]) => {
    const set = await stage(who, kind);
    await attach(set, statements);
    const before = await catalogSnapshot(set.admin);
    const oid = await set.admin.query("select 'silver.orders'::regclass::oid as oid");
    const run = await rebuild(set, kind);
    expect(failures(run)).toEqual([]);
    expect(outcomeOf(run, "silver.orders")).toMatchObject({
      path: "delta",
      reason: expect.stringContaining("identity") as unknown,
    });
    expect(await catalogSnapshot(set.admin)).toEqual(before);
    expect(await set.admin.query("select 'silver.orders'::regclass::oid as oid")).toEqual(oid);
    const only = kind === "table" ? "only" : "";
    const rows = await set.admin.query(
      `(table raw.items except all select id, day, amount, note from ${only} silver.orders)
union all (select id, day, amount, note from ${only} silver.orders except all table raw.items)`,
    );
    expect(rows.rows).toEqual([]);
    if (statements.includes("inherits")) {
      const children = await set.admin.query("select note from people.child");
      expect(children.rows).toEqual([{ note: "child" }]);
    }
  });

  test("a published table without a replica identity is left as it is, and the error says what to do", async () => {
    const set = await stage("superuser", "table");
    await attach(set, "create publication mine for table silver.orders");
    const before = await catalogSnapshot(set.admin);
    const refused = outcomeOf(await rebuild(set, "table"), "silver.orders");
    expect(refused).toMatchObject({
      status: "failed",
      error: { hint: expect.stringContaining("REPLICA IDENTITY") as unknown },
    });
    expect(await catalogSnapshot(set.admin)).toEqual(before);
    const rows = await set.admin.query("select from silver.orders");
    expect(rows.rowCount).toBe(60);
  });

  test("an attached partition's own view keeps the partitioned table where it is", async () => {
    const set = await stage("superuser", "partitioned table");
    await set.admin.query("create view people.january as select * from silver.orders_2024_01");
    const before = await catalogSnapshot(set.admin);
    const run = await rebuild(set, "partitioned table");
    expect(failures(run)).toEqual([]);
    expect(outcomeOf(run, "silver.orders").path).toBe("delta");
    expect(await catalogSnapshot(set.admin)).toEqual(before);
  });
});

describe("views of somebody whose objects we may not replace", () => {
  async function foreignView(kind: Kind): Promise<Stage> {
    const set = await stage("ordinary role", kind);
    await set.admin.query(
      `grant select on silver.orders to "${set.reader}"; create schema private authorization "${set.reader}"`,
    );
    await as(
      set,
      set.reader,
      "create view private.totals as select sum(amount) as amount from silver.orders",
    );
    return set;
  }

  test.for(["table", "partitioned table", "incremental table"] as const)(
    "a %s under them is changed in place",
    async (kind) => {
      const set = await foreignView(kind);
      const before = await catalogSnapshot(set.admin);
      const run = await rebuild(set, kind);
      expect(failures(run)).toEqual([]);
      expect(outcomeOf(run, "silver.orders")).toMatchObject({
        path: "delta",
        reason: expect.stringContaining("view private.totals belongs to another role") as unknown,
      });
      expect(await catalogSnapshot(set.admin)).toEqual(before);
      await expectNewRows(set);
    },
  );

  test.for([
    ["materialized view", "materialized view"],
    ["view", "table"],
    ["table", "view"],
  ] as const)("a %s under them does not become a new %s", async ([from, to]) => {
    const set = await foreignView(from);
    const before = await catalogSnapshot(set.admin);
    const refused = outcomeOf(await rebuild(set, to), "silver.orders");
    expect(refused).toMatchObject({ status: "failed", error: { code: "cannot-replace" } });
    expect(refused.error?.details.join("\n")).toContain("view private.totals belongs to another role");
    expect(await catalogSnapshot(set.admin)).toEqual(before);
  });
});

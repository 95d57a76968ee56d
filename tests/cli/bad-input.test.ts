import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { skipUnless } from "../support/skip.js";
import {
  databaseState,
  dataform,
  emptyFolder,
  folderState,
  shop,
  succeed,
  writeFiles,
  type Ended,
} from "./support.js";

/** A project that was ingested, run and reported. Every test works on a copy of its folder and on its database. */
let root: string;
let database: TestDatabase;
const undo: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  root = shop({}, (each) => undo.push(each));
  const options = { cwd: root, env: { DATABASE_URL: database.url } };
  for (const command of ["ingest", "run", "report"]) await succeed([command], options);
});

afterAll(async () => {
  for (const each of undo) await each();
  await database.drop();
});

type Changes = Readonly<Record<string, string | null>>;

/** Runs a command on a changed copy of the good project; its tables, their rows and `build/` must stay as they were. */
async function refused(argv: readonly string[], changes: Changes, url = database.url): Promise<Ended> {
  const cwd = emptyFolder();
  cpSync(root, cwd, { recursive: true });
  writeFiles(cwd, changes);
  const state = async (): Promise<unknown> => ({
    relations: await databaseState(database.warehouse),
    build: folderState(join(cwd, "build")),
  });
  const before = await state();
  const ended = await dataform(argv, { cwd, env: { DATABASE_URL: url } });
  expect(await state()).toEqual(before);
  return { ...ended, stderr: ended.stderr.replace(/^Warehouse: .*\n/, "") };
}

const model = "definitions/shop/extra.sqlx";

describe("a project that does not compile is refused before anything is connected to", () => {
  const cases: readonly { name: string; files: Changes; says: string }[] = [
    {
      name: "a syntax error in an interpolation",
      files: { [model]: 'config { type: "table" }\nselect ${ref("shop_revenue"} as x' },
      says: `definitions/shop/extra.sqlx:2:14: Syntax error: missing ) after argument list
  1 | config { type: "table" }
  2 | select \${ref("shop_revenue"} as x
    |              ^
`,
    },
    {
      name: "a config block without an end",
      files: { [model]: 'config { type: "table",\n\nselect 1 as x' },
      says: `definitions/shop/extra.sqlx:3:8: Syntax error: Unexpected number
  2 | 
  3 | select 1 as x
    |        ^
  hint: The config block that begins on line 1 is never closed.
`,
    },
    {
      name: "an unknown ref",
      files: { [model]: 'config { type: "table" }\nselect *\nfrom ${ref("shop_revenu")}' },
      says: `definitions/shop/extra.sqlx:3:8: Nothing in the project is named "shop_revenu"
  2 | select *
  3 | from \${ref("shop_revenu")}
    |        ^
  hint: Did you mean "shop_revenue"?
`,
    },
    {
      name: "a cycle",
      files: {
        "definitions/shop/first.sqlx": 'config { type: "table" }\nselect * from ${ref("second")}',
        "definitions/shop/second.sqlx": 'config { type: "view" }\nselect * from ${ref("first")}',
      },
      says: `definitions/shop/first.sqlx:2:22: These actions depend on each other: gold.first -> gold.second -> gold.first
  1 | config { type: "table" }
  2 | select * from \${ref("second")}
    |                      ^
  gold.first: definitions/shop/first.sqlx
  gold.second: definitions/shop/second.sqlx
  hint: Take one of these references away.
`,
    },
    {
      name: "a duplicate name",
      files: { [model]: 'config { type: "table", name: "shop_revenue" }\nselect 1 as x' },
      says: `definitions/shop/extra.sqlx:1:32: Two actions are named "gold.shop_revenue"
  1 | config { type: "table", name: "shop_revenue" }
    |                                ^
  also in definitions/shop/shop_revenue.sqlx
  hint: Give one of them another name or schema in its config.
`,
    },
    {
      name: "a wrong config key",
      files: { [model]: 'config {\n  type: "table",\n  descripton: "x",\n}\nselect 1 as x' },
      says: `definitions/shop/extra.sqlx:3:3: Unknown key "descripton" in config
  2 |   type: "table",
  3 |   descripton: "x",
    |   ^
  hint: Did you mean "description"?
`,
    },
    {
      name: "a wrong type",
      files: { [model]: 'config { type: "tabel" }\nselect 1 as x' },
      says: `definitions/shop/extra.sqlx:1:17: There is no action of type "tabel"
  1 | config { type: "tabel" }
    |                 ^
  hint: Did you mean "table"?
`,
    },
    {
      name: "a wrong key of dataform.json",
      files: { "dataform.json": '{\n  "warehouse": "postgres",\n  "defaultShema": "gold"\n}\n' },
      says: `dataform.json:3:4: Unknown key "defaultShema" in config
  2 |   "warehouse": "postgres",
  3 |   "defaultShema": "gold"
    |    ^
  hint: Did you mean "defaultSchema"?
`,
    },
    {
      name: "a dataform.json that is no JSON",
      files: { "dataform.json": '{ "warehouse": "postgres", }' },
      says: `dataform.json:1:28: Expected double-quoted property name
  1 | { "warehouse": "postgres", }
    |                            ^
`,
    },
    {
      name: "a wrong PostgreSQL setting",
      files: {
        [model]:
          'config {\n  type: "table",\n  metadata: { extraProperties: { postgres: { indices: [] } } }\n}\nselect 1 as x',
      },
      says: `definitions/shop/extra.sqlx:3:46: Unknown setting extraProperties.postgres.indices
  2 |   type: "table",
  3 |   metadata: { extraProperties: { postgres: { indices: [] } } }
    |                                              ^
  hint: Did you mean "indexes"?
`,
    },
  ];
  for (const { name, files, says } of cases) {
    test(name, async () => {
      // Nothing listens there: a command that connected would say so.
      const ended = await refused(["run"], files, "postgres://nobody@127.0.0.1:1/nothing");
      expect(ended).toEqual({ code: 1, stdout: "Compiling...\n\n", stderr: says });
    });
  }

  test("compile refuses the same, the project's settings included", async () => {
    for (const { files, says } of [cases[2], cases.at(-1)].flatMap((each) => each ?? [])) {
      const ended = await refused(["compile"], files);
      expect(ended).toEqual({ code: 1, stdout: "Compiling...\n\n", stderr: says });
    }
  });
});

test("SQL that PostgreSQL refuses is told with its place in the model, and the good version stays", async () => {
  const wrong = 'config { type: "table" }\n\nselect 1 as orders,\n  frm x';
  const { code, stdout, stderr } = await refused(["run"], { "definitions/shop/shop_revenue.sqlx": wrong });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `  definitions/shop/shop_revenue.sqlx:4:3: postgres error: column "frm" does not exist
    3 | select 1 as orders,
    4 |   frm x
      |   ^
`,
  });
  expect(stdout).toContain("\nDataset creation failed:  gold.shop_revenue [table]\n");
  expect(stdout).toMatch(/\n1 failed in .*\.\nRun [-0-9a-f]{36}\. After mending: dataform retry\n$/);
});

describe("a server that cannot be used", () => {
  test.each(["run", "ingest", "report", "refresh"])("%s: nobody answers", async (command) => {
    const ended = await refused([command], {}, "postgres://me:a-secret@127.0.0.1:1/shop");
    expect({ ...ended, stdout: "" }).toEqual({
      code: 2,
      stdout: "",
      stderr: `No server answers at 127.0.0.1:1 (from DATABASE_URL)
  hint: Check host and port, and that PostgreSQL runs there and listens on that address.
`,
    });
  });

  test("a wrong password", async (context) => {
    const url = new URL(database.url);
    skipUnless(context, url.password !== "", "the test server asks for no password");
    url.password = "not-the-password";
    const { code, stderr } = await refused(["run"], {}, url.href);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `The server at ${url.host} refuses the password of "${url.username}" (from DATABASE_URL)
  hint: Check the password and the user's name.
`,
    });
  });

  test("a database that does not exist", async () => {
    const url = new URL(database.url);
    url.pathname = "/absent";
    const { code, stderr } = await refused(["run"], {}, url.href);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `The server at ${url.host} has no database "absent" (from DATABASE_URL)
  hint: Create it (createdb absent) or name another.
`,
    });
  });
});

describe("raw files that cannot be loaded, beside a good one that then is not loaded either", () => {
  const good = "order_id,ordered_at,customer,amount\n6,2024-03-01,Dan,1.00\n";
  const march = { "raw/shop/orders_2024-03.csv": good };
  const cases: readonly { name: string; files: Changes; says: string }[] = [
    {
      name: "ragged rows",
      files: {
        "raw/shop/orders_2024-04.csv":
          'order_id,ordered_at,customer,amount\n7,2024-04-01,Eve,1.00\n8,2024-04-02,Eve\n9,2024-04-02,"Eve, Adam",1,00\n',
      },
      says: `raw/shop/orders_2024-04.csv: 2 rows of 3 cannot be loaded; shop/orders allows 0
  line 3: expected 4 fields, found 3: "8,2024-04-02,Eve"
  line 4: expected 4 fields, found 5: "9,2024-04-02,\\"Eve, Adam\\",1,00"
  hint: Correct the file, or raise the source's maxRejected: rejected rows are kept in the ledger.
`,
    },
    {
      name: "a file that matches no source",
      files: { "raw/shop/order_2024-04.csv": good },
      says: `raw/shop/order_2024-04.csv matches no source
  shop/orders looks for orders_*.csv
  hint: Rename or remove the file, or add its pattern to a source in ingest/.
`,
    },
    {
      name: "a file that matches two",
      files: {
        "raw/shop/orders_2024-04.csv": good,
        "raw/shop/orders_2024-01.csv": null,
        "raw/shop/orders_2024-02.csv": null,
        "raw/shop/orders_2024-03.csv": null,
        "ingest/more.ts": `import { defineSource } from "aquifer";
export const late = defineSource({
  name: "shop/late",
  files: "*_2024-04.csv",
  columns: { order_id: {}, ordered_at: {}, customer: {}, amount: {} },
});`,
      },
      says: `raw/shop/orders_2024-04.csv matches 2 sources
  shop/late: name matches *_2024-04.csv; header on line 1: all 4 columns
  shop/orders: name matches orders_*.csv; header on line 1: all 4 columns
  hint: Narrow the file patterns, so that one source matches.
`,
    },
    {
      name: "an empty file",
      files: { "raw/shop/orders_2024-04.csv": "" },
      says: `raw/shop/orders_2024-04.csv is empty
  hint: Remove it, or copy it again: it may not have arrived whole.
`,
    },
    {
      name: "a file whose header is another",
      files: { "raw/shop/orders_2024-04.csv": good.replace("amount", "amt") },
      says: `raw/shop/orders_2024-04.csv does not have the columns that its name promises
  shop/orders: name matches orders_*.csv; line 1, delimited by comma, lacks amount; it has "order_id", "ordered_at", "customer", "amt"
  hint: Correct the file or its name, or the columns of the source in ingest/.
`,
    },
  ];
  for (const { name, files, says } of cases) {
    test(name, async () => {
      expect(await refused(["ingest"], { ...march, ...files })).toEqual({
        code: 1,
        stdout: "",
        stderr: says,
      });
    });
  }

  test("a new database stays empty", async () => {
    const empty = await freshDatabase();
    const cwd = shop({ ...march, "raw/shop/orders_2024-04.csv": "" });
    const { code } = await dataform(["ingest"], { cwd, env: { DATABASE_URL: empty.url } });
    const { rows } = await empty.warehouse.query(
      "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema|public)'",
    );
    await empty.drop();
    expect({ code, rows }).toEqual({ code: 1, rows: [] });
  });

  test("a source whose declaration is wrong", async () => {
    const wrong = `import { defineSource } from "aquifer";
export const late = defineSource({ name: "shop/late", files: "late_*.csv", columns: { a: {} }, peroid: {} });`;
    expect(await refused(["ingest"], { "ingest/more.ts": wrong })).toEqual({
      code: 1,
      stdout: "",
      stderr: `ingest/more.ts: Source shop/late: unknown option "peroid"\n  hint: Did you mean "period"?\n`,
    });
    const nameless = wrong.replace(/, peroid.*/, "});").replace('"late_*.csv"', "42");
    expect((await refused(["ingest"], { "ingest/more.ts": nameless })).stderr).toBe(
      `ingest/more.ts: Source shop/late: files is 42\n  hint: Give one glob or more, such as orders_*.csv.\n`,
    );
    const broken = 'import { defineSource } from "aquifer";\nexport const late = defineSource({';
    expect((await refused(["ingest"], { "ingest/more.ts": broken })).stderr).toBe(
      `ingest/more.ts:2:35: Expected identifier but found end of file
  1 | import { defineSource } from "aquifer";
  2 | export const late = defineSource({
    |                                   ^
`,
    );
  });
});

test("a gold column renamed under a report is named with the report's line, and the pages stay", async () => {
  const rename = (from: string, to: string): Promise<unknown> =>
    database.warehouse.query(`alter table gold.shop_revenue rename ${from} to ${to}`);
  await rename("revenue", "turnover");
  try {
    const { code, stdout, stderr } = await refused(["report"], {});
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Report failed:  shop/revenue
reports/shop/revenue.ts:10:38: query "months" failed: column "revenue" does not exist
   9 |     months: {
  10 |       sql: sql\`select month, orders, revenue from \${ref("gold", "shop_revenue")} order by month\`,
     |                                      ^
  hint: gold.shop_revenue has the columns month, orders, turnover.
`,
    });
    expect(stdout).toMatch(/^0 reports built, 1 failed in \S+ m?s\.\n$/);
  } finally {
    await rename("turnover", "revenue");
  }
});

test.each([
  { argv: ["run", "--actions", "shop_revenu"], hint: "shop_revenue" },
  { argv: ["run", "--tags", "shp"], hint: "shop" },
  { argv: ["ingest", "shop/order"], hint: "shop/orders" },
  { argv: ["report", "shop/revenu"], hint: "shop/revenue" },
])("$argv names nothing: the nearest name and exit code 2", async ({ argv, hint }) => {
  const { code, stderr } = await refused(argv, {
    [model]: 'config { type: "table", tags: ["shop"] }\nselect 1 as x',
  });
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`  hint: Did you mean "${hint}"?\n`) as string,
  });
});

test("a folder that is no project", async () => {
  const cwd = emptyFolder();
  expect(await dataform(["run"], { cwd })).toEqual({
    code: 2,
    stdout: "",
    stderr: `${cwd} is not a Dataform project: it has no dataform.json or workflow_settings.yaml
  hint: Change to the project's folder, name it as an argument, or start one with: dataform init
`,
  });
});

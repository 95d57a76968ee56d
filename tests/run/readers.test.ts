import { describe, expect, test } from "vitest";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { open } from "../support/database.js";
import type { Action } from "../../src/project/action.js";
import { compiled, failures, outcomeOf, runAll, testDatabase, type TestProject } from "../support/project.js";

/** What readers saw that they must never see. */
interface Seen {
  reads: number;
  readonly errors: string[];
  readonly wrong: string[];
}

/**
 * Readers in tight loops, each on a connection of its own, until \`until\` is done: every statement reads two relations and
 * must find all rows of one version in both.
 */
async function whileReading(
  url: string,
  pairs: readonly (readonly [string, string])[],
  until: () => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { reads: 0, errors: [], wrong: [] };
  const warehouses = await Promise.all(pairs.map(() => open(url, 1)));
  let done = false;
  const loops = pairs.map(async ([left, right], index) => {
    const warehouse = warehouses[index];
    while (!done && warehouse !== undefined) {
      await read(warehouse, left, right, seen);
    }
  });
  try {
    await until();
  } finally {
    done = true;
    await Promise.all(loops);
    await Promise.all(warehouses.map((warehouse) => warehouse.close()));
  }
  return seen;
}

async function read(warehouse: Warehouse, left: string, right: string, seen: Seen): Promise<void> {
  try {
    const answer = await warehouse.query<{ l: number; r: number; low: number; high: number; bad: number }>(
      `select (select count(*) from ${left})::int as l, (select count(*) from ${right})::int as r, min(version) as low,
  max(version) as high, count(*) filter (where note = 'bad')::int as bad
from (select version, note from ${left} union all select version, note from ${right}) as both_versions`,
    );
    const [row] = answer.rows;
    seen.reads += 1;
    if (row === undefined || row.l !== 200 || row.r !== 200 || row.low !== row.high || row.bad > 0)
      seen.wrong.push(`${left}, ${right}: ${JSON.stringify(row)}`);
  } catch (thrown) {
    seen.errors.push(String(thrown));
  }
}

const nothingWrong = { errors: [], wrong: [] };
const all = [
  ["silver.items", "silver.reader"],
  ["silver.reader", "silver.upon"],
  ["silver.upon", "silver.items"],
  ["public.theirs", "silver.items"],
] as const;

/** A model of 200 rows that hold the version, with a view on it and one on that. */
function project(config: string, version: number, extra = ""): Record<string, string> {
  return {
    "items.sqlx": `config { ${config} } select n as id, ${version} as version, 'good' as note${extra} from generate_series(1, 200) as n`,
    "reader.sqlx": 'config { type: "view" } select id, version, note from ${ref("items")} where id > 0',
    "upon.sqlx": 'config { type: "view" } select version, note from ${ref("reader")}',
  };
}

const postgres = (settings: string): string => `metadata: { extraProperties: { postgres: ${settings} } }`;
const kinds: Readonly<Record<string, string>> = {
  table: 'type: "table"',
  "partitioned table": `type: "table", ${postgres('{ partitionBy: { column: "id", hash: 2 } }')}`,
  "table changed in place": `type: "table", ${postgres('{ replace: "delta", primaryKey: ["id"] }')}`,
  view: 'type: "view"',
  "materialized view": 'type: "view", materialized: true',
};

/** As many as issue and docs promise: type switches and changes of columns among them. */
const rebuilds = 50;

/** What `silver.items` becomes one after the other, again and again, and how. */
async function stages(): Promise<readonly { readonly project: TestProject; readonly path: string }[]> {
  const added = ", 1 as added";
  const chain = [
    ["table", "swap"],
    ["table", "swap"],
    ["table", "swap", added],
    ["partitioned table", "swap"],
    ["table", "swap"],
    ["view", "swap"],
    ["materialized view", "swap"],
    ["materialized view", "swap"],
    ["view", "swap", added],
    ["view", "swap"],
    ["table", "swap"],
    ["table changed in place", "delta"],
    ["table changed in place", "delta", added],
  ] as const;
  return Promise.all(
    chain.map(async ([kind, path, extra]) => ({
      path,
      project: await compiled(project(kinds[kind] ?? "", 0, extra)),
    })),
  );
}

/** The same project with another version in its rows, as if its file had changed. */
function versionOf({ project: compiledProject, actions }: TestProject, version: number): TestProject {
  const changed = [...actions].map(([key, action]): [string, Action] => [
    key,
    "query" in action
      ? { ...action, query: action.query.replace("0 as version", `${version} as version`) }
      : action,
  ]);
  return { project: compiledProject, actions: new Map(changed) };
}

describe("four readers in tight loops", () => {
  test("see one whole version of table, view and view on the view through rebuilds, type switches and new columns", async () => {
    const { warehouse, url } = await testDatabase({ maxSessions: 6 });
    const stage = await stages();
    const [first] = stage;
    if (first === undefined) throw new Error("no version");
    expect(failures(await runAll(versionOf(first.project, 1), warehouse))).toEqual([]);
    await warehouse.query("create view public.theirs as select version, note from silver.upon");
    let after = 0;
    const seen = await whileReading(url, all, async () => {
      for (; after < rebuilds; after++) {
        const { project: next, path } = stage[(after + 1) % stage.length] ?? first;
        const run = await runAll(versionOf(next, after + 2), warehouse);
        expect(failures(run)).toEqual([]);
        expect(outcomeOf(run, "silver.items").path).toBe(path);
      }
    });
    expect(seen).toMatchObject(nothingWrong);
    expect(seen.reads).toBeGreaterThan(after);
  });

  test.for([
    ["table", 20, kinds["table"]],
    ["table changed in place", 3, kinds["table changed in place"]],
    ["view", 20, kinds["view"]],
    ["materialized view", 20, kinds["materialized view"]],
    [
      "materialized view with a key",
      3,
      `type: "view", materialized: true, ${postgres('{ indexes: [{ columns: ["id"], unique: true }] }')}`,
    ],
    ["incremental table", 20, 'type: "incremental", uniqueKey: ["id"]'],
  ] as const)(
    "never see a row that violates an assertion of a %s, in %d versions",
    async ([, rounds, config]) => {
      const { warehouse, url } = await testDatabase({ maxSessions: 6 });
      const files = {
        "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "rows" }',
        "items.sqlx": `config { ${config ?? ""}, assertions: { rowConditions: ["note <> 'bad'"] } } select id, version, note from \${ref("raw", "rows")}`,
        "reader.sqlx": 'config { type: "view" } select id, version, note from ${ref("items")} where id > 0',
      };
      // A view shows the source itself, so its bad version is one whose text is wrong.
      const isView = config === kinds["view"];
      const good = await compiled(files);
      const bad = isView
        ? await compiled({
            ...files,
            "items.sqlx": files["items.sqlx"].replace(
              "id, version, note",
              "id, version, case when id = 7 then 'bad' else note end as note",
            ),
          })
        : good;
      await warehouse.query(
        "create schema raw; create table raw.rows as select n as id, 1 as version, 'good' as note from generate_series(1, 200) as n",
      );
      expect(failures(await runAll(good, warehouse))).toEqual([]);
      const pairs = [
        ["silver.items", "silver.reader"],
        ["silver.reader", "silver.items"],
      ] as const;
      const seen = await whileReading(url, pairs, async () => {
        for (let round = 0; round < rounds; round++) {
          if (!isView) await warehouse.query("update raw.rows set note = 'bad' where id % 50 = 7");
          const run = await runAll(bad, warehouse);
          expect(outcomeOf(run, "silver.items")).toMatchObject({
            status: "failed",
            error: { code: "audit-failed" },
          });
          if (!isView) await warehouse.query("update raw.rows set note = 'good'");
        }
      });
      expect(seen).toMatchObject(nothingWrong);
      expect(seen.reads).toBeGreaterThan(rounds);
      const kept = await warehouse.query(
        "select status, published, rows_failed::int as failed, sample is not null as sampled from aquifer.assertion_result where status = 'failed'",
      );
      expect(kept.rows).toEqual(
        Array.from({ length: rounds }, () => ({
          status: "failed",
          published: false,
          failed: isView ? 1 : 4,
          sampled: true,
        })),
      );
    },
  );
});

import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { compiled, failures, runAll } from "../support/project.js";
import { temporaryProject } from "../support/temporary-project.js";

async function fresh() {
  const database = await freshDatabase({ maxSessions: 4 });
  onTestFinished(() => database.drop());
  return database;
}

const delta = 'metadata: { extraProperties: { postgres: { replace: "delta" } } }';

test("a key of people's that the new rows break is refused in place, and no row is lost", async () => {
  const { warehouse } = await fresh();
  const model = (rows: string) => compiled({ "d.sqlx": `config { type: "table", ${delta} } ${rows}` });
  await runAll(await model("select 1 as id, 'x' as v"), warehouse);
  await warehouse.query("alter table silver.d add primary key (id)");
  const run = await runAll(await model("select 1 as id, 'x' as v union all select 1, 'y'"), warehouse);
  expect(failures(run)[0]).toContain("duplicate key");
  expect((await warehouse.query("select * from silver.d")).rows).toEqual([{ id: 1, v: "x" }]);
});

test("an incremental table refuses a type that would be rounded into its column", async () => {
  const { warehouse } = await fresh();
  const model = (query: string) => compiled({ "i.sqlx": `config { type: "incremental" } ${query}` });
  await runAll(await model("select 3 as qty"), warehouse);
  const run = await runAll(await model("select 1.5 as qty"), warehouse);
  expect(failures(run)[0]).toContain("qty is integer, the query gives numeric");
  expect((await warehouse.query("select qty from silver.i")).rows).toEqual([{ qty: 3 }]);
});

test("an index that a post-operation makes is made anew with each version", async () => {
  const { warehouse } = await fresh();
  const project = await compiled({
    "t.sqlx":
      'config { type: "table" } select 1 as id post_operations { create index ix_id on ${self()} (id) }',
  });
  for (let run = 0; run < 3; run++) expect(failures(await runAll(project, warehouse))).toEqual([]);
  expect((await warehouse.query("select 1 from pg_indexes where indexname = 'ix_id'")).rowCount).toBe(1);
});

test("an action that ran alone on a changed, unbuilt input stays modified", async () => {
  const { url } = await fresh();
  const files = (n: number): Record<string, string> => ({
    "definitions/a.sqlx": `config { type: "table" }\nselect ${n} as n`,
    "definitions/b.sqlx": 'config { type: "table" }\nselect * from ${ref("a")}',
  });
  const env = { DATABASE_URL: url };
  await dataform(["run"], { cwd: temporaryProject(files(1)), env });
  const cwd = temporaryProject(files(2));
  await dataform(["run", "--actions", "b"], { cwd, env });
  await dataform(["run", "--actions", "a"], { cwd, env });
  const { stdout } = await dataform(["run", "--dry-run", "--json", "--actions", "state:modified"], {
    cwd,
    env,
  });
  const { actions } = JSON.parse(stdout) as { actions: { target: { name: string } }[] };
  expect(actions.map(({ target }) => target.name)).toEqual(["b"]);
});

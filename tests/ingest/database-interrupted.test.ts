import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { freshDatabase, open, type TestDatabase } from "../support/database.js";
import { ingestProject, type IngestProject } from "./support.js";

const rows = 600_000;
const declaration = `
import { defineSource } from "aquifer";
export const small = defineSource({ name: "shop/a_small", database: { connection: "till", relation: "shop.small" }, columns: { id: {} } });
export const big = defineSource({ name: "shop/big", database: { connection: "till", relation: "shop.big" }, columns: { id: {}, note: {} } });
`;
const sources = [
  defineSource({
    name: "shop/a_small",
    database: { connection: "till", relation: "shop.small" },
    columns: { id: {} },
  }),
  defineSource({
    name: "shop/big",
    database: { connection: "till", relation: "shop.big" },
    columns: { id: {}, note: {} },
  }),
];

async function bigShop(): Promise<{ project: IngestProject; till: TestDatabase }> {
  const till = await freshDatabase({ maxSessions: 2 });
  onTestFinished(() => till.drop());
  await till.warehouse.query(
    `create schema shop; create table shop.small as select -1 as id;
     create table shop.big as select i as id, 'some text to make the row longer' as note from generate_series(1, ${rows}) as i`,
  );
  const project = await ingestProject(sources, {
    "dataform.json": '{ "warehouse": "postgres" }',
    "ingest/shop.ts": declaration,
  });
  return { project, till };
}

/** Waits until rows of the big relation are being copied into the store. */
async function untilCopying(project: IngestProject, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const [[copying] = []] = await project.rows(
      "select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000",
    );
    if (copying !== "0") return;
    await sleep(2);
  }
  throw new Error("the load was never seen");
}

async function expectEveryRowOnce(project: IngestProject): Promise<void> {
  for (const schema of ["bronze", "bronze_store"]) {
    expect(
      await project.rows(`select count(*), count(distinct id) as ids, sum(_row) from ${schema}.shop_big`),
    ).toEqual([[String(rows), String(rows), String((rows * (rows + 1)) / 2)]]);
    expect(await project.rows(`select id from ${schema}.shop_a_small`)).toEqual([["-1"]]);
  }
}

test.each(["SIGKILL", "SIGTERM"] as const)(
  "after %s in the middle of a copy nothing is seen, and the next ingest loads every row once",
  async (signal) => {
    const { project, till } = await bigShop();
    const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
    const child = spawn(process.execPath, [bin, "ingest"], {
      cwd: project.root,
      env: { ...process.env, DATABASE_URL: project.database.url, TILL_DATABASE_URL: till.url },
      stdio: "ignore",
    });
    const ended = once(child, "exit") as Promise<[number | null, string | null]>;
    await untilCopying(project, () => child.exitCode !== null);
    child.kill(signal);
    expect(await ended).toEqual(signal === "SIGKILL" ? [null, "SIGKILL"] : [130, null]);
    expect(await project.rows("select count(*) from bronze.shop_big")).toEqual([["0"]]);
    expect(await project.rows("select count(*) from bronze.shop_a_small")).toEqual([["0"]]);

    await project.ingest({ openConnection: () => open(till.url, 2) });
    await expectEveryRowOnce(project);
    expect(await project.rows("select status from aquifer.ingest_batch order by batch_id")).toEqual([
      ["failed"],
      ["loaded"],
    ]);
  },
);

test.each(["source", "warehouse"] as const)(
  "a connection to the %s that breaks in the middle of a copy fails the batch and leaves nothing to see",
  async (side) => {
    const { project, till } = await bigShop();
    let isOver = false;
    const openConnection = (): ReturnType<typeof open> => open(till.url, 2);
    const failed = project.ingest({ openConnection }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error & { code: string },
    );
    void failed.then(() => (isOver = true));
    await untilCopying(project, () => isOver);
    const database = side === "source" ? till : project.database;
    await database.warehouse.query(
      "select pg_terminate_backend(pid) from pg_stat_progress_copy where datname = current_database()",
    );
    const error = await failed;
    expect(error?.message).toMatch(/terminat|connection|ECONNRESET|EPIPE/i);
    if (side === "source") expect(error?.code).toBe("source-lost");
    expect(await project.rows("select count(*) from bronze.shop_big")).toEqual([["0"]]);
    await project.ingest({ openConnection });
    await expectEveryRowOnce(project);
  },
);

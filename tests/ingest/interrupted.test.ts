import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { defineSource } from "../../src/project/source.js";
import { ingestProject, type IngestProject } from "./support.js";

const orders = defineSource({ name: "shop/orders", files: "*.csv", columns: { id: {}, note: {} } });
const rows = 400_000;
const declaration = `
import { defineSource } from "aquifer";
export const orders = defineSource({ name: "shop/orders", files: "*.csv", columns: { id: {}, note: {} } });
`;

async function bigProject(): Promise<IngestProject> {
  const lines = Array.from({ length: rows }, (_, row) => `${row},some text to make the line longer`);
  return ingestProject([orders], {
    "dataform.json": '{ "warehouse": "postgres" }',
    "ingest/shop.ts": declaration,
    "raw/shop/a_small.csv": "id,note\n-1,first\n",
    "raw/shop/big.csv": `id,note\n${lines.join("\n")}\n`,
  });
}

/** Starts `dataform ingest` in a process of its own and waits until rows of the big file lie in the store. */
async function untilLoading(project: IngestProject): Promise<ReturnType<typeof spawn>> {
  const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
  const child = spawn(process.execPath, [bin, "ingest"], {
    cwd: project.root,
    env: { ...process.env, DATABASE_URL: project.database.url },
    stdio: "ignore",
  });
  for (let tries = 0; tries < 2000; tries++) {
    const [[copying] = []] = await project.rows(
      `select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000`,
    );
    if (copying !== "0") return child;
    if (child.exitCode !== null) break;
    await sleep(2);
  }
  throw new Error("the load was never seen");
}

test.each(["SIGKILL", "SIGTERM"] as const)(
  "after %s in the middle nothing is seen, and the next ingest loads every row once",
  async (signal) => {
    const project = await bigProject();
    const child = await untilLoading(project);
    child.kill(signal);
    const [code, by] = (await once(child, "exit")) as [number | null, string | null];
    expect([code, by]).toEqual(signal === "SIGKILL" ? [null, "SIGKILL"] : [130, null]);
    expect(await project.rows("select count(*) from bronze.shop_orders")).toEqual([["0"]]);

    const events: unknown[] = [];
    await project.ingest({ onEvent: (event) => event.kind === "swept" && events.push(event) });
    expect(
      await project.rows("select count(*), count(distinct id) as ids, sum(_row) from bronze.shop_orders"),
    ).toEqual([[String(rows + 1), String(rows + 1), String((rows * (rows + 1)) / 2 + 1)]]);
    expect(await project.rows("select count(*) from bronze_store.shop_orders")).toEqual([[String(rows + 1)]]);
    expect(
      await project.rows("select status, error is not null from aquifer.ingest_batch order by batch_id"),
    ).toEqual([
      ["failed", true],
      ["loaded", false],
    ]);
    // A killed load is found by the next one; one that could still act has cleaned up itself.
    expect(events).toHaveLength(signal === "SIGKILL" ? 1 : 0);
  },
);

test("a lost connection fails the batch with the server's word, and leaves nothing to see", async () => {
  const project = await bigProject();
  let terminated = false;
  const failed = project.ingest({
    onEvent: (event) => {
      if (event.kind !== "progress" || event.phase !== "loading" || terminated || event.bytes < 1e6) return;
      terminated = true;
      void project.database.warehouse.query(
        "select pg_terminate_backend(pid) from pg_stat_progress_copy where datname = current_database()",
      );
    },
  });
  await expect(failed).rejects.toThrow(/terminat|connection|ECONNRESET|EPIPE/i);
  expect(await project.rows("select count(*) from bronze.shop_orders")).toEqual([["0"]]);
  await project.ingest();
  expect(await project.rows("select count(*), count(distinct id) as ids from bronze.shop_orders")).toEqual([
    [String(rows + 1), String(rows + 1)],
  ]);
});

test("two ingests at once: the second one says so and does nothing", async () => {
  const project = await ingestProject([orders], { "raw/shop/a.csv": "id,note\n1,a\n" });
  await project.ingest();
  await project.write("raw/shop/b.csv", "id,note\n2,b\n");
  const [first, second] = await Promise.allSettled([project.ingest(), project.ingest()]);
  expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
  expect(await project.rows("select id from bronze.shop_orders order by 1")).toEqual([["1"], ["2"]]);
});

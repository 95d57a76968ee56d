import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { defineSource, type SourceOptions } from "../../src/project/source.js";
import { ingestProject, type IngestProject } from "./support.js";
import { numberCell, textCell, workbookFile } from "./workbook-file.js";

const rows = 120_000;

const forms: readonly (readonly [
  form: string,
  options: Partial<SourceOptions>,
  file: () => string | Buffer,
])[] = [
  [
    "spreadsheet",
    {},
    () => {
      const lines = Array.from({ length: rows }, (_, index) => {
        const row = index + 2;
        return `<row r="${row}">${numberCell(`A${row}`, index)}${textCell(`B${row}`, "some text")}</row>`;
      });
      const header = `<row r="1">${textCell("A1", "id")}${textCell("B1", "note")}</row>`;
      return workbookFile([{ rows: header + lines.join("") }]);
    },
  ],
  [
    "json",
    { format: "json" },
    () => JSON.stringify(Array.from({ length: rows }, (_, id) => ({ id, note: "some text" }))),
  ],
];

/** Starts `dataform ingest` in a process of its own and waits until a file is being copied. */
async function untilLoading(project: IngestProject): Promise<ReturnType<typeof spawn>> {
  const bin = fileURLToPath(new URL("../../bin/dataform.js", import.meta.url));
  const child = spawn(process.execPath, [bin, "ingest"], {
    cwd: project.root,
    env: { ...process.env, DATABASE_URL: project.database.url },
    stdio: "ignore",
  });
  while (child.exitCode === null) {
    const [[copying] = []] = await project.rows(
      `select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000`,
    );
    if (copying !== "0") return child;
    await sleep(2);
  }
  throw new Error("the load was never seen");
}

test.each(forms)(
  "after kill -9 in the middle of a %s every row comes once",
  async (_form, options, content) => {
    const name = "big.data";
    const columns = { id: {}, note: {} };
    const source = defineSource({ name: "shop/orders", files: name, columns, ...options });
    const project = await ingestProject([source], {
      "dataform.json": '{ "warehouse": "postgres" }',
      "ingest/shop.ts": `
import { defineSource } from "aquifer";
export const orders = defineSource(${JSON.stringify({ name: "shop/orders", files: name, columns, ...options })});`,
      [`raw/shop/${name}`]: content(),
    });
    const child = await untilLoading(project);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await project.rows("select count(*) from bronze.shop_orders")).toEqual([["0"]]);
    await project.ingest();
    expect(
      await project.rows("select count(*), count(distinct id) as ids, sum(_row) from bronze.shop_orders"),
    ).toEqual([[String(rows), String(rows), String((rows * (rows + 1)) / 2)]]);
    expect(await project.rows("select count(*) from bronze_store.shop_orders")).toEqual([[String(rows)]]);
    expect(await project.rows("select status from aquifer.ingest_batch order by batch_id")).toEqual([
      ["failed"],
      ["loaded"],
    ]);
  },
);

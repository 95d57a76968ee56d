import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { openWarehouse } from "../src/warehouse/connect.js";

const rows = 100_000;
const repetitions = 3;
const columns = ["id", "name", "city", "read_on", "kwh", "amount", "status", "note"];
const declaration = `
import { defineSource } from "aquifer";
export const bench = defineSource({ name: "bench", files: "*.xlsx", columns: ${JSON.stringify(
  Object.fromEntries(columns.map((name) => [name, {}])),
)} });`;

/** Loads one .xlsx of eight columns by the whole command `dataform ingest`. The server is AQUIFER_BENCH_URL, else an embedded one of this run. */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const given = process.env["AQUIFER_BENCH_URL"];
  const url = given ?? (await embeddedUrl(root));
  const warehouse = await openWarehouse({ projectRoot: root, env: { DATABASE_URL: url }, maxSessions: 3 });
  const clear = (): Promise<unknown> =>
    warehouse.query("drop schema if exists bronze, bronze_store, aquifer cascade");
  try {
    await mkdir(join(root, "raw/bench"), { recursive: true });
    await mkdir(join(root, "ingest"));
    await writeFile(join(root, "dataform.json"), '{ "warehouse": "postgres" }');
    await writeFile(join(root, "ingest/bench.ts"), declaration);
    const file = join(root, "raw/bench/meters.xlsx");
    // In a process of its own, whose memory is not counted.
    execFileSync(process.execPath, ["--input-type=module", "-e", writer], {
      env: { ...process.env, ROWS: String(rows), COLUMNS_OF_FILE: columns.join(), FILE: file },
    });
    print(`${rows} rows, ${((await stat(file)).size / 1e6).toFixed(1)} MB of .xlsx`);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      await clear();
      const begin = performance.now();
      const memory = ingestCommand(root, url);
      const seconds = (performance.now() - begin) / 1000;
      const { rows: loaded } = await warehouse.query<{ count: string }>(
        "select count(*) as count from bronze.bench",
      );
      print(
        `  ${seconds.toFixed(2)} s, ${loaded[0]?.count ?? ""} rows, ${Math.round(rows / seconds)} rows/s, peak memory ${memory.toFixed(0)} MB`,
      );
    }
  } finally {
    await clear();
    await warehouse.close();
    if (given === undefined) await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

const writer = `
import { utils, writeFile, set_fs } from "@e965/xlsx";
import * as fs from "node:fs";
set_fs(fs);
const rows = [process.env.COLUMNS_OF_FILE.split(",")];
for (let i = 1; i <= Number(process.env.ROWS); i++)
  rows.push([300000000 + i, "Customer " + i, "Kota " + (i % 90), 45000 + (i % 900), (i % 10000) / 100, i * 37, "active", "reading " + i + " ok"]);
const workbook = utils.book_new();
utils.book_append_sheet(workbook, utils.aoa_to_sheet(rows, { dense: true }), "Data");
writeFile(workbook, process.env.FILE, { compression: true, bookSST: true });`;

/** Peak memory in MB. */
function ingestCommand(root: string, url: string): number {
  const command = [join(process.cwd(), "bin/dataform.js"), "ingest"];
  const report = `process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS))`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(report)}`, ...command],
    { cwd: root, env: { ...process.env, DATABASE_URL: url }, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(/peak (\d+)/.exec(stderr)?.[1]) / 1000;
}

async function embeddedUrl(root: string): Promise<string> {
  const { host, port, user, password } = await startEmbedded(root);
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
}

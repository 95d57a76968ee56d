import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { openDuckDb } from "../src/ingest/duckdb.js";
import { ingest } from "../src/ingest/ingest.js";
import { defineSource } from "../src/project/source.js";
import { openWarehouse } from "../src/warehouse/connect.js";

const rows = 1_000_000;
const repetitions = 3;
const source = defineSource({
  name: "bench",
  files: "*.parquet",
  format: "parquet",
  columns: Object.fromEntries(
    ["id", "customer", "city", "read_at", "kwh", "amount", "status", "note"].map((name) => [name, {}]),
  ),
});

/** Loads one Parquet file of eight columns by `ingest`. The server is AQUIFER_BENCH_URL, else an embedded one of this run. */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const given = process.env["AQUIFER_BENCH_URL"];
  const url = given ?? (await embeddedUrl(root));
  const warehouse = await openWarehouse({ projectRoot: root, env: { DATABASE_URL: url }, maxSessions: 3 });
  const clear = (): Promise<unknown> =>
    warehouse.query("drop schema if exists bronze, bronze_store, aquifer cascade");
  try {
    await mkdir(join(root, "raw/bench"), { recursive: true });
    const file = join(root, "raw/bench/meters.parquet");
    await writeParquet(file);
    print(`${rows} rows, ${((await stat(file)).size / 1e6).toFixed(0)} MB of Parquet`);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      await clear();
      const begin = performance.now();
      await ingest({
        projectRoot: root,
        warehouse,
        sources: [source],
        selected: [source],
        version: "bench",
        now: () => new Date(),
        elapsed: () => performance.now(),
        signal: new AbortController().signal,
      });
      const seconds = (performance.now() - begin) / 1000;
      print(`  ${seconds.toFixed(2)} s, ${Math.round(rows / seconds)} rows/s`);
    }
    print(`peak memory of this process: ${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`);
  } finally {
    await clear();
    await warehouse.close();
    if (given === undefined) await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

async function writeParquet(file: string): Promise<void> {
  const database = await openDuckDb();
  await database.connection.run(`
copy (
  select 'M' || lpad(i::varchar, 8, '0') as id, 'C' || (hash(i) % 8000000) as customer, 'Kota ' || (hash(i, 1) % 90) as city,
    timestamp '2026-01-01 00:00:00' + interval (hash(i, 2) % 2500000) second as read_at,
    ((hash(i, 3) % 10000) / 100)::decimal(10, 2) as kwh, (hash(i, 4) % 900000)::integer as amount,
    'active' as status, 'reading ' || (hash(i, 5) % 9000) || ' ok' as note
  from range(${rows}) as r(i)
) to '${file}' (format parquet)`);
  database.close();
}

async function embeddedUrl(root: string): Promise<string> {
  const { host, port, user, password } = await startEmbedded(root);
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
}

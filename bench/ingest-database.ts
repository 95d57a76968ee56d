import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { findServerOfMajor } from "../src/warehouse/embedded/find-server-of-major.js";
import { ingest } from "../src/ingest/ingest.js";
import { defineSource } from "../src/project/source.js";
import { openWarehouse } from "../src/warehouse/connect.js";
import type { Warehouse } from "../src/warehouse/warehouse.js";

const rows = Number(process.env["AQUIFER_BENCH_ROWS"] ?? 2_000_000);
const repetitions = Number(process.env["AQUIFER_BENCH_REPETITIONS"] ?? 3);
const source = defineSource({
  name: "bench",
  database: { connection: "till", relation: "shop.reading" },
  columns: { id: {}, customer: {}, city: {}, read_at: {}, kwh: {}, amount: {}, status: {}, note: {} },
});
const table = `
create schema shop;
create table shop.reading as
select n as id, 'C' || n % 700000 as customer, 'Kota ' || n % 90 as city, timestamptz '2026-01-01' + n * interval '1 second' as read_at,
  (n % 10000) / 100.0 as kwh, n % 890000 as amount, 'active' as status, 'reading ' || n % 9000 || ' ok' as note
from generate_series(1, ${rows}) as n`;

/**
 * One table of one database into another one of the same server, an embedded one of this run of pg_dump's own version: by
 * `pg_dump | psql`, which makes the same typed table, and by `ingest`, which also counts and hashes the rows at the source
 * and keeps its ledger. In turns.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const told = execFileSync("pg_dump", ["--version"], { encoding: "utf8" });
  const major = Number(/(\d+)\./.exec(told)?.[1]);
  const packageFolder = findServerOfMajor(major, process.cwd());
  if (packageFolder === undefined) {
    print(`skipped: no server of PostgreSQL ${major} is installed, which is what this pg_dump is for`);
    return;
  }
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const server = await startEmbedded(root, { packageFolder });
  const urlOf = (database: string): string =>
    `postgres://${server.user}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`;
  const open = (database: string): Promise<Warehouse> =>
    openWarehouse({ projectRoot: root, env: { DATABASE_URL: urlOf(database) }, maxSessions: 3 });
  const admin = await open("postgres");
  try {
    for (const name of ["till", "copied"]) await admin.query(`create database ${name}`);
    const till = await open("till");
    await till.query(table);
    await till.query("vacuum analyze shop.reading");
    await till.close();
    const copied = await open("copied");
    const ways: readonly (readonly [string, () => Promise<void>])[] = [
      ["pg_dump | psql", () => Promise.resolve(dumpAndRestore(urlOf("till"), urlOf("copied")))],
      ["ingest", () => load(root, copied, () => open("till"))],
    ];
    const taken = new Map<string, number[]>(ways.map(([name]) => [name, []]));
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const [name, run] of ways) {
        await copied.query("drop schema if exists shop, bronze, bronze_store, aquifer cascade");
        await copied.query("checkpoint");
        const begin = performance.now();
        await run();
        taken.get(name)?.push((performance.now() - begin) / 1000);
      }
    }
    await copied.close();
    print(`${rows} rows of eight columns, ${repetitions} rounds in turns, PostgreSQL ${major}`);
    const peer = median(taken.get("pg_dump | psql") ?? []);
    for (const [name, seconds] of taken) {
      const list = seconds.map((each) => each.toFixed(2)).join(", ");
      print(`  ${name}: ${list} s; pg_dump / this ${(peer / median(seconds)).toFixed(2)}`);
    }
  } finally {
    await admin.close();
    await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

function dumpAndRestore(from: string, to: string): void {
  const pipe = 'set -o pipefail; pg_dump --no-owner -t shop.reading "$1" | psql -qX -v ON_ERROR_STOP=1 "$2"';
  execFileSync("psql", ["-qX", "-c", "create schema shop", to]);
  execFileSync("bash", ["-c", pipe, "bash", from, to], { stdio: ["ignore", "ignore", "inherit"] });
}

async function load(root: string, warehouse: Warehouse, open: () => Promise<Warehouse>): Promise<void> {
  await ingest({
    projectRoot: root,
    warehouse,
    sources: [source],
    selected: [source],
    openConnection: open,
    version: "bench",
    now: () => new Date(),
    elapsed: () => performance.now(),
    signal: new AbortController().signal,
  });
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

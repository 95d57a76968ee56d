import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { ingest } from "../src/ingest/ingest.js";
import { defineSource } from "../src/project/source.js";
import { Random } from "../src/project/random.js";
import { openWarehouse } from "../src/warehouse/connect.js";

const rows = 2_000_000;
const repetitions = 3;
const columns = ["id", "customer", "city", "read_at", "kwh", "amount", "status", "note"];
const source = defineSource({
  name: "bench",
  files: "*.csv",
  columns: Object.fromEntries(columns.map((name) => [name, {}])),
});

/**
 * Loads one CSV by `psql \copy` into a plain table of its columns, and by `ingest` (hash, encoding, field counts, two extra
 * columns, ledger), in turns. The server is AQUIFER_BENCH_URL, else an embedded one of this run.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const given = process.env["AQUIFER_BENCH_URL"];
  const url = given ?? (await embeddedUrl(root));
  const warehouse = await openWarehouse({
    projectRoot: root,
    env: { DATABASE_URL: url },
    maxSessions: 3,
  });
  try {
    for (const irregular of [false, true]) {
      const file = join(root, "raw/bench/meters.csv");
      await mkdir(join(root, "raw/bench"), { recursive: true });
      await pipeline(Readable.from(lines(irregular)), createWriteStream(file));
      const { size } = await stat(file);
      print(
        `${irregular ? "one row in ten with a quote inside" : "plain"}: ${rows} rows, ${(size / 1e6).toFixed(0)} MB`,
      );
      const times: Record<"psql" | "ingest", number[]> = { psql: [], ingest: [] };
      for (let repetition = 0; repetition < repetitions; repetition++) {
        await clear(warehouse);
        if (!irregular) times.psql.push(await timed(() => psql(url, file)));
        await clear(warehouse);
        times.ingest.push(
          await timed(() =>
            ingest({
              projectRoot: root,
              warehouse,
              sources: [source],
              selected: [source],
              version: "bench",
              now: () => new Date(),
              elapsed: () => performance.now(),
              signal: new AbortController().signal,
            }),
          ),
        );
      }
      for (const [name, list] of Object.entries(times).filter(([, each]) => each.length > 0)) {
        print(
          `  ${name}: ${list.map((time) => time.toFixed(2)).join(", ")} s, median ${median(list).toFixed(2)} s`,
        );
      }
      if (times.psql.length > 0) {
        print(`  psql / ingest: ${(median(times.psql) / median(times.ingest)).toFixed(2)}`);
      }
    }
    print(`peak memory of this process: ${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`);
  } finally {
    await clear(warehouse);
    await warehouse.close();
    if (given === undefined) await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

async function embeddedUrl(root: string): Promise<string> {
  const { host, port, user, password } = await startEmbedded(root);
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
}

function psql(url: string, file: string): void {
  const table = `create table plain (${columns.map((name) => `${name} text`).join(", ")})`;
  execFileSync("psql", [
    "-q",
    "-d",
    url,
    "-c",
    table,
    "-c",
    `\\copy plain from '${file}' (format csv, header)`,
  ]);
}

async function clear(warehouse: Awaited<ReturnType<typeof openWarehouse>>): Promise<void> {
  await warehouse.query("drop schema if exists bronze, bronze_store, aquifer cascade");
  await warehouse.query("drop table if exists plain");
  await warehouse.query("checkpoint");
}

async function timed(body: () => unknown): Promise<number> {
  const begin = performance.now();
  await body();
  return (performance.now() - begin) / 1000;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

function* lines(irregular: boolean): Generator<string> {
  const random = new Random(1);
  yield `${columns.join(",")}\n`;
  for (let row = 0, block = ""; row < rows; row++) {
    const note =
      irregular && row % 10 === 0
        ? `pipa 5" dan ${random.integer(1, 9)}"`
        : `reading ${random.integer(1000, 9999)} ok`;
    block += `M${String(row).padStart(8, "0")},C${random.integer(1e6, 9e6)},Kota ${random.integer(10, 99)},2026-01-${random.integer(10, 28)}T0${random.integer(0, 9)}:00:00Z,${(random.next() * 100).toFixed(2)},${random.integer(1e4, 9e5)},active,${note}\n`;
    if (block.length > 1 << 20 || row === rows - 1) {
      yield block;
      block = "";
    }
  }
}

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { ingest } from "../src/ingest/ingest.js";
import { defineSource, type Source } from "../src/project/source.js";
import type { ColumnOptions } from "../src/project/source-column.js";
import { openWarehouse } from "../src/warehouse/connect.js";
import type { Warehouse } from "../src/warehouse/warehouse.js";
import { writeMeters } from "./_meter-file.js";

const rows = 2_000_000;
const repetitions = Number(process.env["AQUIFER_BENCH_REPETITIONS"] ?? 3);

const checks: Readonly<Record<string, ColumnOptions>> = {
  id: { required: true, unique: true },
  customer: { required: true },
  city: { required: true },
  read_at: { required: true, type: "timestamp" },
  kwh: { required: true, type: "numeric" },
  amount: { required: true, type: "integer" },
  status: { required: true, domain: ["active", "closed", "blocked"] },
  note: { required: true },
};
const columns = Object.keys(checks);

function sourceOf(withChecks: boolean): Source {
  const own = Object.fromEntries(columns.map((name) => [name, withChecks ? (checks[name] ?? {}) : {}]));
  return defineSource({ name: "bench", files: "*.csv", columns: own });
}

interface Taken {
  readonly wall: number;
  /** Seconds of processor time of the client and of the server, where the server is one of this run. */
  readonly client: number;
  readonly server: number;
}

interface Rig {
  readonly root: string;
  readonly url: string;
  readonly warehouse: Warehouse;
  readonly serverSeconds: () => number;
}

/**
 * Loads one CSV by `psql \copy` into a plain table of its columns, and by `ingest`: plain, with every check on, and one that
 * needs repairs, all in turns. The server is AQUIFER_BENCH_URL, else an embedded one of this run.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const given = process.env["AQUIFER_BENCH_URL"];
  const embedded = given === undefined ? await startEmbedded(root) : undefined;
  const url =
    given ??
    `postgres://${embedded?.user}:${encodeURIComponent(embedded?.password ?? "")}@${embedded?.host}:${embedded?.port}/postgres`;
  const warehouse = await openWarehouse({ projectRoot: root, env: { DATABASE_URL: url }, maxSessions: 3 });
  const serverSeconds = (): number => (embedded ? processorSeconds(embedded.pid) : NaN);
  const rig: Rig = { root, url, warehouse, serverSeconds };
  try {
    await speed(rig, print);
  } finally {
    await clear(rig);
    await warehouse.close();
    if (embedded) await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

async function speed(rig: Rig, print: (line: string) => void): Promise<void> {
  const plain = join(rig.root, "plain.csv");
  const repaired = join(rig.root, "repaired.csv");
  const shuffled = join(rig.root, "shuffled.csv");
  await writeMeters(plain, { rows });
  await writeMeters(repaired, { rows, repaired: true });
  await writeMeters(shuffled, { rows, shuffled: true });
  print(`${rows} rows, ${((await stat(plain)).size / 1e6).toFixed(0)} MB, ${repetitions} rounds in turns`);
  const ways: readonly (readonly [string, number, () => Promise<Taken>])[] = [
    ["psql \\copy", 1, () => psql(rig, plain)],
    ["ingest, plain", 1.5, () => load(rig, plain, sourceOf(false))],
    ["ingest, every check on", 0.9, () => load(rig, plain, sourceOf(true))],
    ["ingest, every check on, unique ids in no order", 0.9, () => load(rig, shuffled, sourceOf(true))],
    ["ingest, one row in ten repaired, mixed line ends", 0.6, () => load(rig, repaired, sourceOf(false))],
  ];
  const taken = new Map<string, Taken[]>(ways.map(([name]) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [name, , run] of ways) {
      await clear(rig);
      taken.get(name)?.push(await run());
    }
  }
  const wallOf = (name: string): number => median(taken.get(name)?.map(({ wall }) => wall) ?? []);
  for (const [name, wanted] of ways) {
    const list = taken.get(name) ?? [];
    const seconds = (key: keyof Taken): string => median(list.map((each) => each[key])).toFixed(2);
    print(
      `  ${name}: ${list.map(({ wall }) => wall.toFixed(2)).join(", ")} s, median ${seconds("wall")} s; ` +
        `processor: client ${seconds("client")} s, server ${seconds("server")} s; ` +
        `psql / this ${(wallOf("psql \\copy") / wallOf(name)).toFixed(2)}, wanted ${wanted}`,
    );
  }
}

async function load(rig: Rig, file: string, source: Source): Promise<Taken> {
  await rm(join(rig.root, "raw"), { recursive: true, force: true });
  await mkdir(join(rig.root, "raw/bench"), { recursive: true });
  const ingestAll = (): Promise<unknown> =>
    ingest({
      projectRoot: rig.root,
      warehouse: rig.warehouse,
      sources: [source],
      selected: [source],
      version: "bench",
      now: () => new Date(),
      elapsed: () => performance.now(),
      signal: new AbortController().signal,
    });
  await writeMeters(join(rig.root, "raw/bench/first.csv"), { rows: 1 });
  await ingestAll();
  execFileSync("ln", [file, join(rig.root, "raw/bench/meters.csv")]);
  return taking(rig, async () => {
    const before = process.cpuUsage();
    await ingestAll();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
}

function psql(rig: Rig, file: string): Promise<Taken> {
  const table = `create table plain (${columns.map((name) => `${name} text`).join(", ")})`;
  const copy = `\\copy plain from '${file}' (format csv, header)`;
  return taking(rig, () => {
    const told = execFileSync(
      "bash",
      [
        "-c",
        'TIMEFORMAT="%U %S"; { time psql "$@" 2>&3; } 3>&1 2>&1',
        "psql",
        "-q",
        "-d",
        rig.url,
        "-c",
        table,
        "-c",
        copy,
      ],
      { encoding: "utf8" },
    );
    const [user = 0, system = 0] = told.trim().split(/\s+/).map(Number);
    return Promise.resolve(user + system);
  });
}

async function taking(rig: Rig, body: () => Promise<number>): Promise<Taken> {
  const server = rig.serverSeconds();
  const begin = performance.now();
  const client = await body();
  return { wall: (performance.now() - begin) / 1000, client, server: rig.serverSeconds() - server };
}

/** Processor seconds of a server: of the process, of its children, and of those that have ended. */
function processorSeconds(postmaster: number): number {
  const ticks = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").map(Number) ?? [];
        const [parent, user = 0, system = 0, childUser = 0, childSystem = 0] = [1, 11, 12, 13, 14].map(
          (at) => fields[at],
        );
        if (Number(pid) === postmaster) return user + system + childUser + childSystem;
        return parent === postmaster ? user + system : 0;
      } catch {
        return 0;
      }
    });
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

async function clear({ warehouse }: Rig): Promise<void> {
  await warehouse.query("drop schema if exists bronze, bronze_store, aquifer cascade");
  await warehouse.query("drop table if exists plain");
  await warehouse.query("checkpoint");
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetEmbedded, startEmbedded } from "../src/warehouse/embedded/embedded-server.js";
import { openWarehouse } from "../src/warehouse/connect.js";
import { meterColumns, writeMeters } from "./_meter-file.js";

const sizes = [
  ["100 MB", 1_200_000],
  ["1 GB", 12_000_000],
] as const;
const checks = {
  id: { required: true, unique: true },
  kwh: { type: "numeric" },
  status: { domain: ["active"] },
};

/**
 * The most memory that `dataform ingest`, as a whole command, held for files of 100 MB and 1 GB: as their bytes, with
 * checks, and with repairs. Needs some 6 GB of disk, and `npm run build` before. The server is an embedded one of this run.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const { user, password, host, port } = await startEmbedded(root);
  const server = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
  try {
    for (const [size, rows] of sizes) {
      for (const repaired of [false, true]) {
        for (const checked of repaired ? [false] : [false, true]) {
          const project = await writeProject(
            join(root, `${rows}-${String(repaired)}-${String(checked)}`),
            checked,
          );
          await writeMeters(join(project, "raw/bench/x.csv"), { rows, repaired });
          const peak = await peakMemory(project, server);
          const how = repaired ? ", repaired" : checked ? ", checked" : "";
          print(`  peak memory of ingest, ${size}${how}: ${peak} MB, wanted under 300`);
          await rm(project, { recursive: true });
          await dropBronze(project, server);
        }
      }
    }
  } finally {
    await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

async function dropBronze(root: string, url: string): Promise<void> {
  const warehouse = await openWarehouse({ projectRoot: root, env: { DATABASE_URL: url }, maxSessions: 1 });
  await warehouse.query("drop schema if exists bronze, bronze_store, aquifer cascade");
  await warehouse.close();
}

async function writeProject(project: string, checked: boolean): Promise<string> {
  await mkdir(join(project, "ingest"), { recursive: true });
  await mkdir(join(project, "raw/bench"), { recursive: true });
  await writeFile(join(project, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "silver" }');
  const plain = Object.fromEntries(meterColumns.map((name) => [name, {}]));
  const columns = JSON.stringify({ ...plain, ...(checked ? checks : {}) });
  await writeFile(
    join(project, "ingest/bench.ts"),
    `import { defineSource } from "aquifer";\nexport const bench = defineSource({ name: "bench", files: "*.csv", columns: ${columns} });\n`,
  );
  return project;
}

/** The most memory that a process of `dataform ingest` held, in megabytes. */
async function peakMemory(project: string, url: string): Promise<number> {
  const cli = join(process.cwd(), "bin/dataform.js");
  const child = spawn(process.execPath, [cli, "ingest"], {
    cwd: project,
    env: { ...process.env, DATABASE_URL: url },
    stdio: ["ignore", "ignore", "inherit"],
  });
  let peak = 0;
  const watching = setInterval(() => {
    peak = Math.max(peak, highWater(child.pid ?? 0));
  }, 20);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(watching);
  if (code !== 0) throw new Error(`ingest ended with ${String(code)}`);
  return Math.round(peak / 1000);
}

/** Kilobytes; 0 where the process is gone or the system tells nothing. */
function highWater(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

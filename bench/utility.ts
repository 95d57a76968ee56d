import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = process.cwd();
const customers = Number(process.env["AQUIFER_BENCH_CUSTOMERS"] ?? 2_000_000);
const folders = ["customers", "billing", "usage", "service_requests", "outages"];
const sources = ["customer", "bill", "usage", "service_request", "outage", "payment"];

/**
 * The headline: one month of all six sources of the utility, made and then loaded one after the other by whole commands, on
 * an embedded server of this run. AQUIFER_BENCH_CUSTOMERS asks for another size.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const command = (...args: string[]): Promise<Measured> => measured(root, args);
  const told = (what: string, { seconds, peak }: Measured): void =>
    print(`  ${what}: ${seconds.toFixed(1)} s, peak memory ${peak} MB`);
  try {
    for (const part of ["dataform.json", "includes", "ingest"]) {
      await cp(join(repository, part), join(root, part), { recursive: true });
    }
    await symlink(join(repository, "node_modules"), join(root, "node_modules"));
    print(`${customers.toLocaleString("en-US")} customers, one month`);
    told(
      "made",
      await command("sample", "utility", "--customers", String(customers), "--months", "1", "--embedded"),
    );
    for (const folder of folders) {
      const { files, bytes } = await sizeOf(join(root, "raw/utility", folder));
      print(`    ${folder}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB`);
    }
    for (const source of sources) {
      told(`loaded ${source}`, await command("ingest", `utility/${source}`, "--embedded"));
    }
    told("nothing new", await command("ingest", "utility", "--embedded"));
  } finally {
    await command("warehouse", "reset", "--yes").catch(() => undefined);
    await rm(root, { recursive: true, force: true });
  }
}

interface Measured {
  readonly seconds: number;
  /** MB; 0 where the system does not tell. */
  readonly peak: number;
}

/** Runs a command of the built command line; the peak is what Linux says of the process. */
async function measured(cwd: string, args: readonly string[]): Promise<Measured> {
  const begin = performance.now();
  const child = spawn(process.execPath, [join(repository, "bin/dataform.js"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let [peak, errors] = [0, ""];
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const watching = setInterval(() => {
    readFile(`/proc/${child.pid}/status`, "utf8").then(
      (status) => (peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000)),
      () => undefined,
    );
  }, 100);
  const code = await new Promise<number | null>((resolve) => void child.once("close", resolve));
  clearInterval(watching);
  if (code !== 0) throw new Error(`dataform ${args.join(" ")} ended with ${code}: ${errors}`);
  return { seconds: (performance.now() - begin) / 1000, peak: Math.round(peak) };
}

async function sizeOf(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

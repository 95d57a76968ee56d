import { startEncrypted } from "./_encrypted-server.js";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resetEmbedded, type EmbeddedServer } from "../src/warehouse/embedded/embedded-server.js";

const repository = process.cwd();
const pairs = 200;
const repetitions = 5;
const threads = 8;

/** Where peers are installed; kept between runs, since installing takes longer than measuring. */
const peers = join(repository, ".aquifer", "bench", "peers");

/** One tool on the same models: how to run them all, and why it is left out where it is. */
interface Tool {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command of the same tool that does all but run the models: the start of the program, the compilation. */
  readonly idle: readonly string[];
}

/**
 * What a run costs beside the queries: 200 trivial tables and a view on each are rebuilt, whole commands in turns, by
 * Aquifer, by the last Google CLI that knew PostgreSQL (2.6.7, encrypted connections only) and by dbt.
 */
export default async function runOverhead(print: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  chmodSync(root, 0o755);
  try {
    const server = await startEncrypted(join(root, "server"));
    const tools = [aquifer(root, server), dataform2(root, server), dbt(root, server)].flatMap((tool) => {
      if (typeof tool !== "string") return [tool];
      print(`skipped: ${tool}`);
      return [];
    });
    for (const tool of tools) timed(tool, tool.command);
    const times = tools.map((tool) => ({ tool, runs: [] as number[], idle: [] as number[] }));
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const { tool, runs, idle } of times) {
        runs.push(timed(tool, tool.command));
        idle.push(timed(tool, tool.idle));
      }
    }
    print(`${pairs} tables and ${pairs} views rebuilt, medians of ${repetitions} whole commands in turns`);
    const [first] = times;
    const perModel = ({ runs, idle }: { runs: number[]; idle: number[] }): number =>
      (median(runs) - median(idle)) / (2 * pairs);
    for (const each of times) {
      const ratio = first === undefined ? 1 : perModel(each) / perModel(first);
      print(
        `${each.tool.name}: ${seconds(median(each.runs))}, without running models ${seconds(median(each.idle))}, ` +
          `${perModel(each).toFixed(1)} ms a model, ratio ${ratio.toFixed(1)}`,
      );
    }
  } finally {
    await resetEmbedded(join(root, "server"));
    rmSync(root, { recursive: true, force: true });
  }
}

function aquifer(root: string, server: EmbeddedServer): Tool {
  const cwd = join(root, "aquifer");
  write(cwd, "dataform.json", JSON.stringify({ warehouse: "postgres", defaultSchema: "bench_aquifer" }));
  writeSqlx(cwd);
  const bin = [process.execPath, join(repository, "bin", "dataform.js")];
  const url = `postgres://${server.user}:${server.password}@localhost:${server.port}/postgres?sslmode=require`;
  return {
    name: "dataform (Aquifer)",
    command: [...bin, "run", "--concurrency", String(threads)],
    idle: [...bin, "compile"],
    cwd,
    env: { DATABASE_URL: url },
  };
}

function dataform2(root: string, server: EmbeddedServer): Tool | string {
  const home = join(peers, "dataform");
  const cli = join(home, "node_modules", "@dataform", "cli", "bundle.js");
  if (!existsSync(cli)) {
    write(home, "package.json", "{}");
    const wanted = ["@dataform/cli@2.6.7", "@dataform/core@2.6.7"];
    const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund", ...wanted], { cwd: home });
    if (status !== 0 || !existsSync(cli)) return "@dataform/cli 2.6.7 does not install here";
  }
  const cwd = join(root, "dataform2");
  const settings = {
    warehouse: "postgres",
    defaultSchema: "bench_dataform",
    assertionSchema: "bench_dataform",
  };
  write(cwd, "dataform.json", JSON.stringify(settings));
  write(cwd, "package.json", '{ "dependencies": { "@dataform/core": "2.6.7" } }');
  symlinkSync(join(home, "node_modules"), join(cwd, "node_modules"));
  const { port, user: username, password } = server;
  write(
    cwd,
    ".df-credentials.json",
    JSON.stringify({ host: "localhost", port, username, password, databaseName: "postgres" }),
  );
  writeSqlx(cwd);
  return {
    name: "@dataform/cli 2.6.7",
    command: [process.execPath, cli, "run", "--timeout=5m"],
    idle: [process.execPath, cli, "compile", "--timeout=5m"],
    cwd,
  };
}

function dbt(root: string, server: EmbeddedServer): Tool | string {
  const home = join(peers, "dbt");
  const bin = join(home, "bin", "dbt");
  if (!existsSync(bin)) {
    mkdirSync(peers, { recursive: true });
    spawnSync("python3", ["-m", "venv", home]);
    spawnSync(join(home, "bin", "pip"), ["install", "-q", "dbt-core<1.12", "dbt-postgres<1.11"]);
    if (!existsSync(bin)) return "dbt does not install here";
  }
  const cwd = join(root, "dbt");
  write(cwd, "dbt_project.yml", "name: bench\nversion: '1.0.0'\nprofile: bench\nmodel-paths: [models]\n");
  const target = {
    type: "postgres",
    host: "localhost",
    port: server.port,
    user: server.user,
    password: server.password,
    dbname: "postgres",
    schema: "bench_dbt",
    threads,
    sslmode: "require",
  };
  write(cwd, "profiles.yml", JSON.stringify({ bench: { target: "dev", outputs: { dev: target } } }));
  for (let index = 0; index < pairs; index++) {
    write(cwd, `models/table_${index}.sql`, `{{ config(materialized="table") }}\nselect ${index} as id`);
    write(
      cwd,
      `models/view_${index}.sql`,
      `{{ config(materialized="view") }}\nselect * from {{ ref("table_${index}") }}`,
    );
  }
  const quiet = { DBT_SEND_ANONYMOUS_USAGE_STATS: "false", DBT_PROFILES_DIR: cwd };
  return {
    name: "dbt run",
    command: [bin, "--quiet", "run"],
    idle: [bin, "--quiet", "parse"],
    cwd,
    env: quiet,
  };
}

function writeSqlx(cwd: string): void {
  for (let index = 0; index < pairs; index++) {
    write(cwd, `definitions/table_${index}.sqlx`, `config { type: "table" }\nselect ${index} as id`);
    write(
      cwd,
      `definitions/view_${index}.sqlx`,
      `config { type: "view" }\nselect * from \${ref("table_${index}")}`,
    );
  }
}

function write(cwd: string, path: string, text: string): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
}

/** Milliseconds of one whole command, which must succeed. */
function timed(tool: Tool, [file = "", ...args]: readonly string[]): number {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|PG[A-Z]+)$/.test(name)),
  );
  const started = performance.now();
  const ended = spawnSync(file, args, {
    cwd: tool.cwd,
    env: { ...env, ...tool.env },
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (ended.status !== 0)
    throw new Error(`${tool.name}: ${ended.stdout.slice(-2000)}${ended.stderr.slice(-2000)}`);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

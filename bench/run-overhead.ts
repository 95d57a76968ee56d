import { startEncrypted } from "./_encrypted-server.js";
import { peers, pythonPeer } from "./_python-peer.js";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resetEmbedded, type EmbeddedServer } from "../src/warehouse/embedded/embedded-server.js";

const repository = process.cwd();
const pairs = 200;
const repetitions = 5;
const threads = 8;

/** One tool on the same models: its commands, and why it is left out where it is. */
interface Tool {
  readonly name: string;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs all models. */
  readonly run?: Command;
  /** Does all but run the models: the start of the program, the compilation. */
  readonly idle?: Command;
  /** Runs all models and a check of each. */
  readonly build?: Command;
  /** Finds, after a build, that there is nothing to do. */
  readonly nothing?: Command;
}

type Command = readonly string[];

/**
 * What a run costs beside the queries: 200 trivial tables and a view on each are rebuilt, without and with a check of every
 * one, by whole commands in turns; and how long it takes to find that nothing changed. Aquifer, the last Google CLI that
 * knew PostgreSQL (2.6.7, encrypted connections only; its assertions are errors on PostgreSQL), dbt and SQLMesh.
 */
export default async function runOverhead(print: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  chmodSync(root, 0o755);
  try {
    const server = await startEncrypted(join(root, "server"));
    const found = [aquifer, dataform2, dbt, sqlmesh].map((tool) => tool(root, server));
    const tools = found.filter((tool) => typeof tool !== "string");
    for (const reason of found) if (typeof reason === "string") print(`skipped: ${reason}`);
    const ran = measure(tools, ["run", "idle"]);
    print(`${pairs} tables and ${pairs} views rebuilt, medians of ${repetitions} whole commands in turns`);
    const perModel = (times: Times): number => (times.run - times.idle) / (2 * pairs);
    const [first] = ran;
    for (const [tool, times] of ran) {
      print(
        `${tool.name}: ${seconds(times.run)} (ratio ${ratio(times.run, first?.[1].run)}), without running models ` +
          `${seconds(times.idle)}, ${perModel(times).toFixed(1)} ms a model (ratio ${ratio(perModel(times), first && perModel(first[1]))})`,
      );
    }
    print(`the same with a check of every model: ${2 * pairs} assertions`);
    const built = measure(tools, ["build"]);
    for (const [tool, times] of built)
      print(`${tool.name}: ${seconds(times.build)} (ratio ${ratio(times.build, built[0]?.[1].build)})`);
    print("nothing to do");
    const idle = measure(tools, ["nothing"]);
    for (const [tool, times] of idle)
      print(`${tool.name}: ${seconds(times.nothing)} (ratio ${ratio(times.nothing, idle[0]?.[1].nothing)})`);
  } finally {
    await resetEmbedded(join(root, "server"));
    rmSync(root, { recursive: true, force: true });
  }
}

type Times = Record<Kind, number>;
type Kind = "run" | "idle" | "build" | "nothing";

/** Medians of each kind of command in turns, of the tools that have all of them; the first round is not counted. */
function measure(tools: readonly Tool[], kinds: readonly Kind[]): [Tool, Times][] {
  const measured = tools
    .filter((tool) => kinds.every((kind) => tool[kind] !== undefined))
    .map((tool): { tool: Tool; times: Record<Kind, number[]> } => ({
      tool,
      times: { run: [], idle: [], build: [], nothing: [] },
    }));
  for (let round = 0; round <= repetitions; round++) {
    for (const { tool, times } of measured) {
      for (const kind of kinds) {
        const elapsed = timed(tool, tool[kind] ?? []);
        if (round > 0) times[kind].push(elapsed);
      }
    }
  }
  return measured.map(({ tool, times: { run, idle, build, nothing } }) => [
    tool,
    { run: median(run), idle: median(idle), build: median(build), nothing: median(nothing) },
  ]);
}

function ratio(value: number, base = NaN): string {
  return (value / base).toFixed(1);
}

function aquifer(root: string, server: EmbeddedServer): Tool {
  const cwd = join(root, "aquifer");
  for (const [folder, checks] of [
    ["plain", ""],
    ["checked", ', assertions: { nonNull: ["id"] }'],
  ] as const) {
    const settings = { warehouse: "postgres", defaultSchema: folder, assertionSchema: `${folder}_quality` };
    write(join(cwd, folder), "dataform.json", JSON.stringify(settings));
    writeSqlx(join(cwd, folder), checks);
  }
  const bin = [process.execPath, join(repository, "bin", "dataform.js")];
  const all = ["--concurrency", String(threads)];
  const url = `postgres://${server.user}:${server.password}@localhost:${server.port}/postgres?sslmode=require`;
  return {
    name: "dataform (Aquifer)",
    run: [...bin, "run", "plain", ...all],
    idle: [...bin, "compile", "plain"],
    build: [...bin, "run", "checked", ...all],
    nothing: [...bin, "run", "checked", "--actions", "state:modified", ...all],
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
    run: [process.execPath, cli, "run", "--timeout=5m"],
    idle: [process.execPath, cli, "compile", "--timeout=5m"],
    cwd,
  };
}

function dbt(root: string, server: EmbeddedServer): Tool | string {
  const bin = pythonPeer("dbt");
  if (bin === undefined) return "dbt does not install here";
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
  const names = Array.from({ length: pairs }, (_, index) => [`table_${index}`, `view_${index}`]).flat();
  const checks = names.map((name) => ({ name, columns: [{ name: "id", data_tests: ["not_null"] }] }));
  write(cwd, "models/checks.yml", JSON.stringify({ version: 2, models: checks }));
  const quiet = { DBT_SEND_ANONYMOUS_USAGE_STATS: "false", DBT_PROFILES_DIR: cwd };
  return {
    name: "dbt 1.11 (run, build)",
    run: [bin, "--quiet", "run"],
    idle: [bin, "--quiet", "parse"],
    build: [bin, "--quiet", "build"],
    cwd,
    env: quiet,
  };
}

function sqlmesh(root: string, server: EmbeddedServer): Tool | string {
  const bin = pythonPeer("sqlmesh");
  if (bin === undefined) return "SQLMesh does not install here";
  const cwd = join(root, "sqlmesh");
  const { port, user, password } = server;
  const connection = { type: "postgres", host: "localhost", port, user, password, database: "postgres" };
  const config = {
    gateways: { bench: { connection: { ...connection, concurrent_tasks: threads } } },
    default_gateway: "bench",
    model_defaults: { dialect: "postgres", start: "2026-01-01" },
    disable_anonymized_analytics: true,
  };
  write(cwd, "config.yaml", JSON.stringify(config));
  for (let index = 0; index < pairs; index++) {
    write(
      cwd,
      `models/table_${index}.sql`,
      `MODEL (name bench_sqlmesh.table_${index}, kind FULL);\nselect ${index} as id`,
    );
    write(
      cwd,
      `models/view_${index}.sql`,
      `MODEL (name bench_sqlmesh.view_${index}, kind VIEW);\nselect id from bench_sqlmesh.table_${index}`,
    );
  }
  return {
    name: "SQLMesh",
    nothing: [bin, "plan", "--auto-apply", "--no-prompts"],
    cwd,
    env: { HOME: cwd },
  };
}

function writeSqlx(cwd: string, checks = ""): void {
  for (let index = 0; index < pairs; index++) {
    write(cwd, `definitions/table_${index}.sqlx`, `config { type: "table"${checks} }\nselect ${index} as id`);
    write(
      cwd,
      `definitions/view_${index}.sqlx`,
      `config { type: "view"${checks} }\nselect * from \${ref("table_${index}")}`,
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

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  resetEmbedded,
  startEmbedded,
  type EmbeddedServer,
} from "../src/warehouse/embedded/embedded-server.js";
import { materialization, modelQuery, writeGeneratedProject, type ModelWords } from "./_generated-project.js";
import { pythonPeer } from "./_python-peer.js";

const repository = process.cwd();
const rounds = 3;

/** One command of a tool in its folder. */
type Command = readonly string[];

/** A peer on the same graph. */
interface Peer {
  readonly name: string;
  readonly cwd: string;
  readonly commands: Readonly<Record<string, Command>>;
  readonly env: Readonly<Record<string, string>>;
  /** The file of a model. */
  readonly modelFile: (model: number) => string;
}

/**
 * What it takes to check a generated project of 1,000 models with two assertions each, by whole commands in turns: all of it
 * with the start of the server (but for the first initdb), and again after one file changed; then 10,000 models. Against what
 * dbt and SQLMesh do without running a model of the same graph, and who finds a misspelled column.
 */
export default async function check(print: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  chmodSync(root, 0o755);
  const [thousand, tenThousand, peerServer] = ["1k", "10k", "server"].map((name) => join(root, name));
  try {
    if (thousand === undefined || tenThousand === undefined || peerServer === undefined) return;
    for (const each of [thousand, tenThousand, peerServer]) mkdirSync(each);
    writeGeneratedProject(thousand, 1000, join(repository, "node_modules"));
    measureOwn(thousand, 1000, rounds, print);
    writeGeneratedProject(tenThousand, 10_000, join(repository, "node_modules"));
    measureOwn(tenThousand, 10_000, 1, print);
    const server = await startEmbedded(peerServer);
    for (const peer of [dbt(root, server), sqlmesh(root, server)]) {
      if (typeof peer === "string") print(`skipped: ${peer}`);
      else measurePeer(peer, print);
    }
    print(`dataform check finds an unknown column: ${findsTypo(thousand, ["check"])}`);
  } finally {
    for (const each of [thousand, tenThousand, peerServer]) if (each !== undefined) await resetEmbedded(each);
    rmSync(root, { recursive: true, force: true });
  }
}

function measureOwn(cwd: string, models: number, times: number, print: (line: string) => void): void {
  const dataform = (...args: string[]): number =>
    timed([process.execPath, join(repository, "bin/dataform.js"), ...args], cwd);
  dataform("warehouse", "start");
  const whole: number[] = [];
  const nothing: number[] = [];
  const query: number[] = [];
  const columns: number[] = [];
  for (let round = 0; round < times; round++) {
    dataform("warehouse", "stop");
    rmSync(join(cwd, ".aquifer", "cache"), { recursive: true, force: true });
    whole.push(dataform("check"));
    nothing.push(dataform("check"));
    edit(join(cwd, sqlx(500)), /batch = .*;/, `batch = ${round + 1};`);
    query.push(dataform("check"));
    // The first of a chain of ten: the other nine take its type over.
    edit(join(cwd, sqlx(500)), /latest\.quantity,/, "latest.quantity::bigint,");
    columns.push(dataform("check"));
    edit(join(cwd, sqlx(500)), /latest\.quantity::bigint,/, "latest.quantity,");
  }
  const of = `${models.toLocaleString("en")} models, median of ${times}`;
  print(`${of}: all, with the start of the server ${seconds(median(whole))}`);
  print(`${of}: nothing changed ${seconds(median(nothing))}`);
  print(`${of}: one file changed, its columns the same ${seconds(median(query))}`);
  print(`${of}: one file changed, the type of a column too ${seconds(median(columns))}`);
}

function measurePeer(peer: Peer, print: (line: string) => void): void {
  for (const [what, command] of Object.entries(peer.commands)) {
    for (const cache of ["target", ".cache"]) rmSync(join(peer.cwd, cache), { recursive: true, force: true });
    print(`1,000 models, once: ${peer.name} ${what} ${seconds(timed(command, peer.cwd, peer.env))}`);
  }
  edit(join(peer.cwd, peer.modelFile(505)), /latest\.amount/, "latest.amont");
  const commands = Object.values(peer.commands);
  const finds = commands.some((command) => {
    const { status, stdout, stderr } = spawn(command, peer.cwd, peer.env);
    return status !== 0 || /amont/.test(stdout + stderr);
  });
  print(`${peer.name} finds an unknown column: ${finds ? "yes" : "no"}`);
}

function findsTypo(cwd: string, args: readonly string[]): string {
  edit(join(cwd, sqlx(505)), /"latest\.amount"/, '"latest.amont"');
  const { status } = spawn([process.execPath, join(repository, "bin/dataform.js"), ...args], cwd);
  return status === 0 ? "no" : "yes";
}

function sqlx(model: number): string {
  return `definitions/group_${model % 20}/model_${model}.sqlx`;
}

function dbt(root: string, server: EmbeddedServer): Peer | string {
  const program = pythonPeer("dbt");
  if (program === undefined) return "dbt does not install here";
  const cwd = join(root, "dbt");
  const target = {
    ...{ type: "postgres", host: "localhost", port: server.port, user: server.user },
    ...{ password: server.password, dbname: "postgres", schema: "bench_dbt", threads: 8 },
  };
  write(cwd, "dbt_project.yml", "name: bench\nversion: '1.0.0'\nprofile: bench\nmodel-paths: [models]\n");
  write(cwd, "profiles.yml", JSON.stringify({ bench: { target: "dev", outputs: { dev: target } } }));
  const words: ModelWords = {
    ref: (name) => `{{ ref("${name}") }}`,
    euro: (column) => `{{ euro("${column}") }}`,
    since: "2024-01-01",
    batch: "1",
    increment: "{% if is_incremental() %}where latest.ordered_at > current_date{% endif %}",
  };
  write(cwd, "macros/euro.sql", "{% macro euro(column) %}round({{ column }} / 100.0, 2){% endmacro %}\n");
  const names: string[] = [];
  for (let model = 0; model < 1000; model++) {
    const kind = materialization(model);
    const materialized = kind === "materialized" ? "materialized_view" : kind;
    const key = kind === "incremental" ? ', unique_key="order_id"' : "";
    const config = `{{ config(materialized="${materialized}"${key}) }}`;
    write(cwd, `models/model_${model}.sql`, `${config}\n${modelQuery(model, words)}`);
    names.push(`model_${model}`);
  }
  const columns = [
    { name: "order_id", data_tests: ["unique"] },
    { name: "customer_id", data_tests: ["not_null"] },
  ];
  write(
    cwd,
    "models/tests.yml",
    JSON.stringify({ version: 2, models: names.map((name) => ({ name, columns })) }),
  );
  return {
    name: "dbt",
    cwd,
    commands: { parse: [program, "--quiet", "parse"], compile: [program, "--quiet", "compile"] },
    env: { DBT_SEND_ANONYMOUS_USAGE_STATS: "false", DBT_PROFILES_DIR: cwd },
    modelFile: (model) => `models/model_${model}.sql`,
  };
}

function sqlmesh(root: string, server: EmbeddedServer): Peer | string {
  const program = pythonPeer("sqlmesh");
  if (program === undefined) return "SQLMesh does not install here";
  const cwd = join(root, "sqlmesh");
  const { port, user, password } = server;
  const connection = { type: "postgres", host: "localhost", port, user, password, database: "postgres" };
  const config = {
    gateways: { bench: { connection: { ...connection, concurrent_tasks: 8 } } },
    default_gateway: "bench",
    model_defaults: { dialect: "postgres", start: "2026-01-01" },
    disable_anonymized_analytics: true,
  };
  write(cwd, "config.yaml", JSON.stringify(config));
  const words: ModelWords = {
    ref: (name) => `bench_sqlmesh.${name}`,
    euro: (column) => `round(${column} / 100.0, 2)`,
    ...{ since: "2024-01-01", batch: "1", increment: "" },
  };
  for (let model = 0; model < 1000; model++) {
    const kind = {
      view: "VIEW",
      incremental: "INCREMENTAL_BY_UNIQUE_KEY (unique_key order_id)",
    }[materialization(model)];
    const audits = "audits (unique_values(columns := (order_id)), not_null(columns := (customer_id)))";
    write(
      cwd,
      `models/model_${model}.sql`,
      `MODEL (name bench_sqlmesh.model_${model}, kind ${kind ?? "FULL"}, ${audits});\n${modelQuery(model, words)}`,
    );
  }
  return {
    name: "SQLMesh",
    cwd,
    commands: { "plan --explain": [program, "plan", "--explain", "--no-prompts"] },
    env: { HOME: cwd },
    modelFile: (model) => `models/model_${model}.sql`,
  };
}

function edit(path: string, found: RegExp, replacement: string): void {
  const text = readFileSync(path, "utf8");
  if (!found.test(text)) throw new Error(`${path} has no ${found.source}`);
  writeFileSync(
    path,
    text.replace(found, () => replacement),
  );
}

function write(cwd: string, path: string, text: string): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
}

/** Milliseconds of one whole command, which must succeed. */
function timed(command: Command, cwd: string, env: Readonly<Record<string, string>> = {}): number {
  const started = performance.now();
  const { status, stdout, stderr } = spawn(command, cwd, env);
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return performance.now() - started;
}

function spawn(
  [file = "", ...args]: Command,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const own = Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|PG[A-Z]+)$/.test(name));
  return spawnSync(file, args, {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

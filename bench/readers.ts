import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { startEncrypted } from "./_encrypted-server.js";
import { peers, pythonPeer } from "./_python-peer.js";
import { resetEmbedded } from "../src/warehouse/embedded/embedded-server.js";

const repository = process.cwd();
const rebuilds = 50;
const badRebuilds = 20;
const rows = 2000;

/** A tool that builds a table, a view on it and a view on that, and checks that no note of the table is bad. */
interface Tool {
  readonly name: string;
  /** Writes the project; returns the command that builds and checks it. */
  readonly prepare: (folder: string, server: URL) => readonly string[];
}

/** What four readers met while a tool rebuilt what they read. */
interface Seen {
  reads: number;
  errors: number;
  empty: number;
  mixed: number;
  bad: number;
}

/**
 * Readers on a table, a view on it and a view on that, while each tool rebuilds them: what
 * the readers see, and what is left of somebody's view and grant afterwards. Tools that cannot be installed are left out.
 */
export default async function readers(report: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-readers-"));
  const server = await startEncrypted(join(root, "server"));
  const url = new URL(`postgres://${server.user}:${server.password}@localhost:${server.port}/postgres`);
  report(
    "| tool | rebuilds | seconds each | reads | errors | empty | mixed versions | reads of bad rows, of errors, in " +
      `${badRebuilds} rebuilds that fail their check | somebody's view and grant |`,
  );
  report("|---|---|---|---|---|---|---|---|---|");
  try {
    for (const tool of [aquifer, dbt(), dataform2()]) {
      if (typeof tool === "string") report(tool);
      else report(await measure(tool, root, url));
    }
  } finally {
    await resetEmbedded(join(root, "server"));
    rmSync(root, { recursive: true });
  }
}

async function measure(tool: Tool, root: string, server: URL): Promise<string> {
  const database = tool.name.replace(/\W+/g, "_").toLowerCase();
  const admin = new pg.Client({ connectionString: server.href });
  await admin.connect();
  await admin.query(`create database ${database}`);
  await admin.end();
  const url = new URL(server.href);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query("create schema raw; create table raw.version as select 1 as version, 'good' as note");
    const folder = join(root, database);
    const command = tool.prepare(folder, url);
    const first = await run(command, folder, url);
    if (first.code !== 0) return `${tool.name}: left out, its first run failed: ${first.output.slice(-300)}`;
    await client.query(
      "create view public.theirs as select version, note from silver.upon; grant select on silver.items to public",
    );
    const started = performance.now();
    const seen = await whileReading(url, async () => {
      for (let version = 2; version <= rebuilds + 1; version++) {
        await client.query(`update raw.version set version = ${version}`);
        await run(command, folder, url);
      }
    });
    const seconds = (performance.now() - started) / 1000 / rebuilds;
    const seenBad = await whileReading(url, async () => {
      await client.query("update raw.version set note = 'bad'");
      for (let round = 0; round < badRebuilds; round++) await run(command, folder, url);
    });
    const kept = await client.query<{ view: boolean; granted: boolean }>(
      `select to_regclass('public.theirs') is not null as view,
  exists (select from pg_class, aclexplode(relacl) where oid = to_regclass('silver.items') and grantee = 0) as granted`,
    );
    const [left] = kept.rows;
    const cells = [
      rebuilds,
      seconds.toFixed(1),
      seen.reads,
      seen.errors,
      seen.empty,
      seen.mixed,
      seenBad.bad,
    ];
    return `| ${tool.name} | ${cells.join(" | ")} | ${left?.view === true ? "kept" : "view lost"}, ${left?.granted === true ? "kept" : "grant lost"} |`;
  } finally {
    await client.end();
  }
}

async function whileReading(url: URL, work: () => Promise<void>): Promise<Seen> {
  const seen: Seen = { reads: 0, errors: 0, empty: 0, mixed: 0, bad: 0 };
  const pairs = [
    ["silver.items", "silver.reader"],
    ["silver.reader", "silver.upon"],
    ["silver.upon", "silver.items"],
    ["silver.items", "silver.upon"],
  ] as const;
  let done = false;
  const loops = pairs.map(async ([left, right]) => {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    while (!done) {
      // Ten milliseconds between reads: about a hundred a second, and the tool is not starved on a small machine.
      await new Promise((resolve) => setTimeout(resolve, 10));
      await read(client, left, right, seen);
    }
    await client.end();
  });
  await work();
  done = true;
  await Promise.all(loops);
  return seen;
}

async function read(client: pg.Client, left: string, right: string, seen: Seen): Promise<void> {
  seen.reads += 1;
  try {
    const answer = await client.query<{ n: string; versions: string; bad: string }>(
      `select count(*) as n, count(distinct version) as versions, count(*) filter (where note = 'bad') as bad
from (select version, note from ${left} union all select version, note from ${right}) as both_versions`,
    );
    const [row] = answer.rows;
    if (Number(row?.n) < 2 * rows) seen.empty += 1;
    else if (Number(row?.versions) > 1) seen.mixed += 1;
    if (Number(row?.bad) > 0) seen.bad += 1;
  } catch {
    seen.errors += 1;
  }
}

function run(
  command: readonly string[],
  cwd: string,
  url: URL,
): Promise<{ code: number | null; output: string }> {
  const [program = "", ...args] = command;
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    DATABASE_URL: `${url.href}?sslmode=require`,
    NO_COLOR: "1",
    CI: "1",
  };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const select = `select n as id, version, note from raw.version, generate_series(1, ${rows}) as n`;

const sqlxModels = {
  "definitions/items.sqlx": `config { type: "table", assertions: { rowConditions: ["note <> 'bad'"] } } ${select}`,
  "definitions/reader.sqlx":
    'config { type: "view" } select id, version, note from ${ref("items")} where id > 0',
  "definitions/upon.sqlx": 'config { type: "view" } select version, note from ${ref("reader")}',
  "dataform.json": JSON.stringify({
    warehouse: "postgres",
    defaultSchema: "silver",
    assertionSchema: "quality",
  }),
};

const aquifer: Tool = {
  name: "Aquifer",
  prepare: (folder) => {
    write(folder, sqlxModels);
    return [process.execPath, join(repository, "bin/dataform.js"), "run", folder];
  },
};

/** dbt in a virtual environment of its own; a sentence where it cannot be had. */
function dbt(): Tool | string {
  const program = pythonPeer("dbt");
  if (program === undefined) return "dbt-postgres: left out, it cannot be installed here";
  return {
    name: "dbt-postgres",
    prepare: (folder, url) => {
      write(folder, {
        "dbt_project.yml": "name: readers\nversion: '1.0'\nprofile: readers\nmodel-paths: [models]\n",
        "profiles.yml": `readers:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: ${url.hostname}, port: ${url.port}, user: ${url.username}, password: "${url.password}", dbname: ${url.pathname.slice(1)}, schema: silver, threads: 4}\n`,
        "models/items.sql": `{{ config(materialized='table') }} ${select}`,
        "models/reader.sql": "select id, version, note from {{ ref('items') }} where id > 0",
        "models/upon.sql": "select version, note from {{ ref('reader') }}",
        "tests/no_bad.sql": "select * from {{ ref('items') }} where note = 'bad'",
      });
      return [program, "build", "--project-dir", folder, "--profiles-dir", folder];
    },
  };
}

/** The last Dataform that spoke to PostgreSQL; a sentence where it cannot be had. */
function dataform2(): Tool | string {
  const folder = join(peers, "dataform");
  const program = join(folder, "node_modules", "@dataform", "cli", "bundle.js");
  if (!existsSync(program)) {
    try {
      write(folder, { "package.json": '{ "private": true }' });
      execFileSync(
        "npm",
        ["install", "--no-audit", "--no-fund", "@dataform/cli@2.6.7", "@dataform/core@2.6.7"],
        { cwd: folder, stdio: "pipe" },
      );
    } catch (thrown) {
      return `@dataform/cli 2.6.7: left out, it cannot be installed here (${String(thrown).split("\n")[0] ?? ""})`;
    }
  }
  return {
    name: "@dataform/cli 2.6.7",
    prepare: (project, url) => {
      write(project, {
        ...sqlxModels,
        // Its SQL of assertions is an error on PostgreSQL (a backslash before the quotes), which fails every run.
        "definitions/items.sqlx": `config { type: "table" } ${select}`,
        "package.json": '{ "dependencies": { "@dataform/core": "2.6.7" } }',
        ".df-credentials.json": JSON.stringify({
          host: url.hostname,
          port: Number(url.port),
          username: url.username,
          password: url.password,
          databaseName: url.pathname.slice(1),
        }),
      });
      symlinkSync(join(folder, "node_modules"), join(project, "node_modules"));
      return [process.execPath, program, "run", project];
    },
  };
}

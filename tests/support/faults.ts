import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import {
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
  type EmbeddedServer,
} from "../../src/warehouse/embedded/embedded-server.js";
import { fillDisk, freeDisk, moveToSmallDisk, startWithSmallFiles } from "./small-disk.js";

/** What may befall a run. */
export const faults = [
  "kill -9",
  "SIGTERM",
  "SIGINT",
  "terminated backends",
  "server restart",
  "full disk",
] as const;
export type Fault = (typeof faults)[number];

/** What the run was doing when it was hit, as the server saw it. */
export const phases = [
  "starting",
  "building",
  "auditing",
  "swapping",
  "merging",
  "committing",
  "between",
] as const;
export type Phase = (typeof phases)[number];

/** One injected fault and what came of it. */
export interface Hit {
  readonly fault: Fault;
  /** The phase that was waited for, and the one that was hit. */
  readonly wanted: Phase;
  readonly phase: Phase;
  /** Actions that were done when the fault came. */
  readonly done: number;
  /** Actions that \`retry\` ran. */
  readonly retried: number;
  /** Promises that did not hold, in words. */
  readonly broken: readonly string[];
}

const rows = 2000;
/** Left free until the disk is to be full: enough for a run, and filled in no time. */
const headroom = 96 * 1024 * 1024;
/** Size of the server's own disk, where one can be mounted: enough for the run, and soon full. */
const diskBytes = 448 * 1024 * 1024;
const relations = Array.from({ length: 10 }, (_, index) => index);

function projectFiles(): Record<string, string> {
  const files: Record<string, string> = {
    "dataform.json": JSON.stringify({
      warehouse: "postgres",
      defaultSchema: "silver",
      assertionSchema: "quality",
    }),
    "definitions/version.sqlx": 'config { type: "declaration", schema: "raw", name: "version" }',
  };
  for (const index of relations) {
    const assertions = index < 5 ? ', assertions: { nonNull: ["id"] }' : "";
    const count = index === 9 ? "case when is_big then 600000 else 2000 end" : String(rows);
    files[`definitions/t${index}.sqlx`] =
      `config { type: "table"${assertions} } select n as id, version from \${ref("raw", "version")}, pg_sleep(0.02) as slept, generate_series(1, ${count}) as n`;
    files[`definitions/v${index}.sqlx`] =
      `config { type: "view" } select id, version from \${ref("t${index}")} where id <= ${rows}`;
    if (index >= 5) continue;
    files[`definitions/m${index}.sqlx`] =
      `config { type: "view", materialized: true } select id, version from \${ref("v${index}")}`;
    files[`definitions/i${index}.sqlx`] =
      `config { type: "incremental", uniqueKey: ["id"] } select id, version from \${ref("t${index}")}`;
    files[`definitions/g${index}.sqlx`] =
      `config { type: "table" } select v.id, v.version from \${ref("v${index}")} as v join \${ref("i${index}")} as i using (id), pg_sleep(0.02) as slept`;
  }
  return files;
}

const checked = [
  ...relations.flatMap((index) => [`t${index}`, `v${index}`]),
  ...relations.slice(0, 5).flatMap((index) => [`m${index}`, `i${index}`, `g${index}`]),
];

/** A throw-away server with a project of 40 actions, on which faults are tried one after the other. */
export class FaultRig {
  private version = 1;
  private server: EmbeddedServer | undefined;
  /** Where the server's data lie on a disk of their own. */
  private disk: string | undefined;

  private constructor(
    private readonly folder: string,
    private readonly cli: string,
  ) {}

  /** @param cli path of \`bin/dataform.js\` */
  static async make(cli: string): Promise<FaultRig> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-faults-")));
    const rig = new FaultRig(folder, cli);
    for (const [path, text] of Object.entries(projectFiles())) {
      mkdirSync(join(folder, "project", path, ".."), { recursive: true });
      writeFileSync(join(folder, "project", path), text);
    }
    mkdirSync(join(folder, "server"));
    await rig.start();
    await rig.moveToDisk();
    await rig.ask(`
create schema raw;
create table raw.version as select 1 as version, false as is_big, false as commits_slowly;
create function raw.wait() returns trigger language plpgsql as
$$ begin if (select commits_slowly from raw.version) then perform pg_sleep(0.05); end if; return null; end $$`);
    const first = await rig.finish(rig.spawn(["run"]));
    if (first.code !== 0) {
      await rig.close();
      throw new Error(`the first run failed:\n${first.output}`);
    }
    // A commit takes no time, so it could not be hit: what is deferred runs within it.
    await rig.ask(`
create constraint trigger wait after insert on aquifer.action_run
deferrable initially deferred for each row execute function raw.wait()`);
    return rig;
  }

  async close(): Promise<void> {
    await stopEmbedded(join(this.folder, "server"));
    if (this.disk !== undefined) execFileSync("umount", [this.disk]);
    await resetEmbedded(join(this.folder, "server"));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Starts a run, lets a fault befall it in a phase (or in whatever phase it is when that one does not come), repairs what
   * is outside of the run, retries, and checks every promise.
   *
   * @param random numbers from 0 to 1
   */
  async inject(fault: Fault, wanted: Phase, random: () => number): Promise<Hit> {
    const broken: string[] = [];
    const version = ++this.version;
    const isBig = fault === "full disk" && this.disk === undefined;
    await this.ask(
      `update raw.version set version = ${version}, is_big = ${isBig}, commits_slowly = ${wanted === "committing"}`,
    );
    const before = await this.lastRun();
    if (isBig) await this.restartWithSmallFiles();
    if (fault === "full disk" && this.disk !== undefined) fillDisk(this.disk, headroom);
    const child = this.spawn(["run"]);
    const ended = this.finish(child);
    const phase = isBig ? "building" : await this.awaitPhase(child, wanted, 300 + random() * 1500);
    await this.strike(fault, child, random);
    const result = await ended;
    if (this.disk !== undefined) freeDisk(this.disk);
    if (isBig) await stopEmbedded(join(this.folder, "server"));
    // A signal in the first moments ends the process before it listens; the shell sees 130 then too.
    const codes = phase === "starting" ? [130, 0, null] : [130, 0];
    if ((fault === "SIGTERM" || fault === "SIGINT") && !codes.includes(result.code))
      broken.push(`exit code ${result.code} after ${fault}: ${result.output.slice(-300)}`);
    if (isBig && result.code !== 1) broken.push(`exit code ${result.code} with a full disk`);
    // What needs no more room succeeds.
    if (fault === "full disk" && result.code !== 0 && result.code !== 1)
      broken.push(`exit code ${result.code} with a full disk: ${result.output.slice(-300)}`);
    await this.start();
    broken.push(...(await this.whatRuns(fault === "kill -9" ? 5000 : 1000)));
    broken.push(...(await this.whatIsBad([version - 1, version])));

    const hit = await this.lastRun();
    const wasRecorded = hit !== undefined && hit.runId !== before?.runId;
    await this.ask("update raw.version set is_big = false, commits_slowly = false");
    const second = await this.finish(this.spawn([wasRecorded ? "retry" : "run"]));
    if (second.code !== 0)
      broken.push(`the run after it ended with ${second.code}: ${second.output.slice(-600)}`);
    const last = await this.lastRun();
    if (wasRecorded) broken.push(...differenceOf(hit, last));
    const told = wasRecorded ? await this.statusOf(hit.runId) : undefined;
    if (wasRecorded && !expectedStatuses(fault, result.code).includes(told ?? ""))
      broken.push(
        `history says ${told ?? "nothing"} of a run that ended with ${result.code ?? "a signal"} (${fault})`,
      );
    broken.push(...(await this.whatIsBad([version])), ...(await this.litter()));
    return {
      fault,
      wanted,
      phase,
      done: wasRecorded ? hit.done.length : 0,
      retried: last?.planned.length ?? 0,
      broken,
    };
  }

  private async start(): Promise<void> {
    this.server = await startEmbedded(join(this.folder, "server"), {
      settings: { fsync: "off", max_connections: "60", max_wal_size: "128MB", min_wal_size: "32MB" },
    });
  }

  private get url(): string {
    if (this.server === undefined) throw new Error("the server was not started");
    const { host, port, user, password } = this.server;
    return `postgres://${user}:${password}@${host}:${port}/postgres`;
  }

  private spawn(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [this.cli, ...args, join(this.folder, "project")], {
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], DATABASE_URL: this.url, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  private finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
  }

  private async ask<R extends object>(text: string): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: "faults" });
    await client.connect();
    try {
      return (await client.query<R>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until the run is in a phase, or for a time; returns the phase it is in. */
  private async awaitPhase(child: ChildProcess, wanted: Phase, atMost: number): Promise<Phase> {
    const client = new pg.Client({ connectionString: this.url, application_name: "faults" });
    const reader = new pg.Client({ connectionString: this.url, application_name: "faults" });
    await Promise.all([client.connect(), reader.connect()]);
    try {
      // A reader that keeps a table for a while makes the swap of it wait, so that it can be hit.
      if (wanted === "swapping") await reader.query("begin; select from silver.t3 limit 1");
      let deadline: number | undefined;
      for (;;) {
        const phase = await phaseOf(client);
        if (phase !== "starting") deadline ??= performance.now() + atMost;
        const isOver = child.exitCode !== null || (deadline !== undefined && performance.now() > deadline);
        if (phase === wanted || isOver) return phase;
        await pause(2);
      }
    } finally {
      await Promise.all([client.end(), reader.end()]);
    }
  }

  private async strike(fault: Fault, child: ChildProcess, random: () => number): Promise<void> {
    switch (fault) {
      case "kill -9":
        child.kill("SIGKILL");
        return;
      case "SIGTERM":
      case "SIGINT":
        child.kill(fault);
        return;
      case "terminated backends": {
        const backends = await this.ask<{ pid: number }>(
          "select pid from pg_stat_activity where datname = current_database() and application_name <> 'faults' and pid <> pg_backend_pid()",
        );
        const chosen = backends.filter(() => random() < 0.5).map(({ pid }) => pid);
        await this.ask(`select pg_terminate_backend(pid) from unnest('{${chosen.join(",")}}'::int[]) as pid`);
        return;
      }
      case "server restart":
        process.kill(this.server?.pid ?? 0, "SIGQUIT");
        await pause(200);
        await this.start();
        return;
      case "full disk":
        if (this.disk !== undefined) fillDisk(this.disk, 0);
        return;
    }
  }

  /** Puts the data on a small disk of their own, where one can be mounted; else a full disk is a limit on file sizes. */
  private async moveToDisk(): Promise<void> {
    const data = this.server?.data ?? "";
    await stopEmbedded(join(this.folder, "server"));
    if (moveToSmallDisk(data, diskBytes)) this.disk = data;
    await this.start();
  }

  /** A server whose files may not grow beyond 17 MB, one more than its log segments: what a full disk does to a table. */
  private async restartWithSmallFiles(): Promise<void> {
    const root = join(this.folder, "server");
    await stopEmbedded(root);
    startWithSmallFiles(root, this.cli);
    await this.start();
  }

  /** Statements that go on although nobody waits for them. */
  private async whatRuns(patienceMs: number): Promise<string[]> {
    const started = performance.now();
    for (;;) {
      const running = await this.ask<{ query: string }>(
        `select left(query, 100) as query from pg_stat_activity
where datname = current_database() and application_name <> 'faults' and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()`,
      );
      if (running.length === 0) return [];
      if (performance.now() - started > patienceMs)
        return running.map(({ query }) => `still running: ${query}`);
      await pause(50);
    }
  }

  /** Relations that cannot be read, or do not hold exactly one of the versions. */
  private async whatIsBad(versions: readonly number[]): Promise<string[]> {
    const bad: string[] = [];
    const wanted = versions.join(", ");
    const parts = checked.map(
      (name) =>
        `select '${name}' as name, array_agg(distinct version)::text as versions, count(distinct version) = 1 and bool_and(version in (${wanted})) and count(*) >= ${rows} as good from silver.${name}`,
    );
    try {
      const found = await this.ask<{ name: string; versions: string; good: boolean }>(
        parts.join(" union all "),
      );
      for (const each of found)
        if (!each.good) bad.push(`${each.name} holds ${each.versions}, wanted ${wanted}`);
    } catch (thrown) {
      bad.push(`a relation cannot be read: ${String(thrown)}`);
    }
    return bad;
  }

  private async litter(): Promise<string[]> {
    const found = await this.ask<{ what: string }>(
      `select 'schema ' || nspname as what from pg_namespace where nspname like 'aquifer\\_%'
union all select 'temporary relation ' || relname from pg_class where relpersistence = 't'
union all select 'relation ' || relname from pg_class where relnamespace = 'silver'::regnamespace and relkind in ('r', 'v', 'm')
  and relname <> all ('{${checked.join(",")}}')`,
    );
    return found.map(({ what }) => `left behind: ${what}`);
  }

  private async lastRun(): Promise<RecordedRun | undefined> {
    const [run] = await this.ask<RecordedRun>(
      `select run_id::text as "runId", planned, coalesce((select array_agg(distinct action) from aquifer.action_run
  where action_run.run_id = run.run_id and status = 'successful'), '{}') as done
from aquifer.run order by started_at desc limit 1`,
    ).catch((thrown: unknown) => {
      if (thrown instanceof pg.DatabaseError && thrown.code === "42P01") return [];
      throw thrown;
    });
    return run;
  }

  private async statusOf(runId: string): Promise<string | undefined> {
    const [run] = await this.ask<{ status: string }>(
      `select status from aquifer.run_summary where run_id = '${runId}'`,
    );
    return run?.status;
  }
}

interface RecordedRun {
  readonly runId: string;
  readonly planned: readonly string[];
  readonly done: readonly string[];
}

/** What \`retry\` ran beside what was left, or left out of it; an assertion goes with the table that it is checked with. */
function differenceOf(hit: RecordedRun, retry: RecordedRun | undefined): string[] {
  const left = new Set(hit.planned.filter((action) => !hit.done.includes(action)));
  const ran = new Set(retry?.runId === hit.runId ? [] : retry?.planned);
  return [
    ...[...left].filter((action) => !ran.has(action)).map((action) => `retry left out ${action}`),
    ...[...ran]
      .filter((action) => !left.has(action) && !action.startsWith("quality."))
      .map((action) => `retry ran ${action} again`),
  ];
}

function expectedStatuses(fault: Fault, code: number | null): string[] {
  if (code === 0) return ["successful"];
  if (code === 130) return ["cancelled"];
  if (code === null) return ["crashed"];
  // While the server is away nothing can be written: the next run finds that this one never ended.
  return fault === "SIGTERM" || fault === "SIGINT" || fault === "kill -9"
    ? ["failed"]
    : ["failed", "crashed"];
}

const signs: readonly (readonly [Phase, RegExp])[] = [
  ["swapping", /set local lock_timeout|create or replace view|set schema|savepoint locks/],
  ["merging", /merge into|keyFaults|aquifer_delta/],
  ["auditing", /count\(\*\)/],
  ["building", /create (unlogged )?table|create materialized|create view|analyze/],
  ["committing", /lost its lock|commit/],
];

async function phaseOf(client: pg.Client): Promise<Phase> {
  const active = await client.query<{ query: string; state: string }>(
    `select query, state from pg_stat_activity where datname = current_database() and application_name <> 'faults'
  and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()`,
  );
  const queries = active.rows.map((row) => row.query);
  for (const [phase, sign] of signs) if (queries.some((query) => sign.test(query))) return phase;
  return queries.length === 0 ? "starting" : "between";
}

/** A pseudo-random number generator (mulberry32) with a seed, so that a soak can be run again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

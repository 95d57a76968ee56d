import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import pg from "pg";
import { writeSample } from "../../src/ingest/write-sample.js";
import type { SampleItem } from "../../src/project/sample.js";
import {
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
  type EmbeddedServer,
} from "../../src/warehouse/embedded/embedded-server.js";
import { zipFile } from "../ingest/zip-file.js";
import { fillDisk, freeDisk, moveToSmallDisk, startWithSmallFiles } from "./small-disk.js";

/** What may befall a load. */
export const loadFaults = ["kill -9", "dropped connection", "full disk"] as const;
export type LoadFault = (typeof loadFaults)[number];

/** What the load was doing when it was hit, as the server saw it. */
export const loadPhases = ["starting", "reading", "copying", "publishing"] as const;
export type LoadPhase = (typeof loadPhases)[number];

/** What is loaded, with how many rows: a writer of samples holds sheets whole. */
const rowsOf = {
  text: 60_000,
  large: 300_000,
  gzip: 60_000,
  zip: 60_000,
  xlsx: 20_000,
  xls: 4000,
  json: 40_000,
  ndjson: 40_000,
  parquet: 60_000,
  database: 60_000,
  checked: 300_000,
};
export type LoadForm = keyof typeof rowsOf;
export const loadForms = Object.keys(rowsOf) as LoadForm[];

/** One injected fault and what came of it. */
export interface LoadHit {
  readonly form: LoadForm;
  readonly fault: LoadFault;
  /** The phase that was waited for, and the one that was hit. */
  readonly wanted: LoadPhase;
  readonly phase: LoadPhase;
  /** Promises that did not hold, in words. */
  readonly broken: readonly string[];
}

/** Left free until the disk is to be full: enough for a load, and filled in no time. */
const headroom = 64 * 1024 * 1024;
/** Size of the server's own disk, where one can be mounted. */
const diskBytes = 448 * 1024 * 1024;
/** Rows of more bytes than a file may have where no disk can be mounted; sheets of so many are not written. */
const hugeRows = 400_000;

const declarations = `
import { defineSource } from "aquifer";
const columns = { id: {}, version: {}, note: {} };
const source = (form, more) => defineSource({ name: "shop/" + form, columns, reload: "snapshot", ...more });
export const text = source("text", { files: "text.csv" });
export const large = source("large", { files: "large.csv" });
export const checked = source("checked", { files: "checked.csv", columns: { ...columns, id: { type: "integer", unique: true } } });
export const gzip = source("gzip", { files: "gzip.csv" });
export const zip = source("zip", { files: "zip.csv" });
export const xlsx = source("xlsx", { files: "xlsx.xlsx" });
export const xls = source("xls", { files: "xls.xls" });
export const json = source("json", { files: "json.json", format: "json" });
export const ndjson = source("ndjson", { files: "ndjson.ndjson", format: "ndjson" });
export const parquet = source("parquet", { files: "parquet.parquet", format: "parquet" });
export const database = defineSource({ name: "shop/database", columns, database: { connection: "till", relation: "shop.item" } });
`;

const note = "some words that make the row longer";
/** With it a large file is one that is copied while it is looked at: its lines only, or its values too. */
const longNote = note.repeat(3);

/** A throw-away server and a project with a source of each form, on whose loads faults are tried one after the other. */
export class LoadRig {
  private server: EmbeddedServer | undefined;
  /** Where the server's data lie on a disk of their own. */
  private disk: string | undefined;
  private round = 0;

  private constructor(
    private readonly folder: string,
    private readonly cli: string,
  ) {}

  /** @param cli path of `bin/dataform.js` */
  static async make(cli: string): Promise<LoadRig> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "aquifer-loads-")));
    const rig = new LoadRig(folder, cli);
    for (const path of ["project/ingest", "server"]) mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(rig.project, "dataform.json"), '{ "warehouse": "postgres" }');
    writeFileSync(join(rig.project, "ingest/shop.ts"), declarations);
    await rig.start();
    const data = rig.server?.data ?? "";
    await stopEmbedded(join(folder, "server"));
    if (moveToSmallDisk(data, diskBytes)) rig.disk = data;
    await rig.start();
    return rig;
  }

  async close(): Promise<void> {
    await stopEmbedded(join(this.folder, "server"));
    if (this.disk !== undefined) execFileSync("umount", [this.disk]);
    await resetEmbedded(join(this.folder, "server"));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Loads a first version, lets a fault befall the load of a second one in a phase (or in whatever phase it is
   * when that one does not come), loads again, and checks every promise: one whole version all the time, in the end the second, each row once.
   */
  async inject(form: LoadForm, fault: LoadFault, wanted: LoadPhase, random: () => number): Promise<LoadHit> {
    const broken: string[] = [];
    const isSmall = fault === "full disk" && this.disk === undefined;
    const name = `round_${++this.round}`;
    await this.ask("postgres", `create database ${name}`);
    await this.ask("postgres", `create database ${name}_till`);
    await this.write(form, 1, rowsOf[form], name);
    const first = await this.finish(this.spawn(form, name));
    if (first.code !== 0) broken.push(`the first load ended with ${first.code}: ${first.output.slice(-600)}`);
    await this.delayPublishing(name);
    const rows = isSmall && form !== "xlsx" && form !== "xls" ? hugeRows : rowsOf[form];
    await this.write(form, 2, rows, name);

    if (isSmall) await this.restartWithSmallFiles();
    else if (fault === "full disk") fillDisk(this.disk ?? "", headroom);
    const child = this.spawn(form, name);
    const ended = this.finish(child);
    const phase = isSmall ? "copying" : await this.awaitPhase(child, name, wanted, 500 + random() * 3000);
    if (fault === "kill -9") child.kill("SIGKILL");
    else if (fault === "dropped connection") await this.dropConnections(name);
    else if (this.disk !== undefined) fillDisk(this.disk, 0);
    const result = await ended;
    if (this.disk !== undefined) freeDisk(this.disk);
    if (isSmall) await stopEmbedded(join(this.folder, "server"));
    await this.start();
    if (fault !== "kill -9" && result.code !== 0 && result.code !== 1 && result.code !== 2)
      broken.push(`exit code ${result.code} after ${fault}: ${result.output.slice(-300)}`);
    const versions = { 1: rowsOf[form], 2: rows };
    // A fault after the commit makes the command fail, whose load is there.
    const could = result.code === 0 ? [2] : [1, 2];
    broken.push(...(await this.whatIsBad(name, form, versions, could)));

    const second = await this.finish(this.spawn(form, name));
    if (second.code !== 0)
      broken.push(`the load after it ended with ${second.code}: ${second.output.slice(-600)}`);
    broken.push(
      ...(await this.whatIsBad(name, form, versions, [2])),
      ...(await this.whatTheLedgerSays(name, form)),
    );
    await this.ask("postgres", `drop database ${name} with (force)`);
    await this.ask("postgres", `drop database ${name}_till with (force)`);
    return { form, fault, wanted, phase, broken };
  }

  private get project(): string {
    return join(this.folder, "project");
  }

  private async start(): Promise<void> {
    this.server = await startEmbedded(join(this.folder, "server"), {
      settings: { fsync: "off", max_connections: "60", max_wal_size: "64MB", min_wal_size: "32MB" },
    });
  }

  private async restartWithSmallFiles(): Promise<void> {
    await stopEmbedded(join(this.folder, "server"));
    startWithSmallFiles(join(this.folder, "server"), this.cli);
    await this.start();
  }

  private url(database: string): string {
    if (this.server === undefined) throw new Error("the server was not started");
    const { host, port, user, password } = this.server;
    return `postgres://${user}:${password}@${host}:${port}/${database}`;
  }

  private async ask<R extends object>(database: string, text: string): Promise<R[]> {
    const client = await this.connect(database);
    try {
      return (await client.query<R>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** A server whose disk was full may have stopped, and recovers by itself. */
  private async connect(database: string): Promise<pg.Client> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const client = new pg.Client({ connectionString: this.url(database), application_name: "faults" });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return client;
      } catch (error) {
        const isRecovering = error instanceof pg.DatabaseError && error.code?.startsWith("57P0") === true;
        if (!isRecovering || performance.now() > deadline) throw error;
        await pause(100);
      }
    }
  }

  private spawn(form: LoadForm, database: string): ChildProcess {
    return spawn(process.execPath, [this.cli, "ingest", `shop/${form}`], {
      cwd: this.project,
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        DATABASE_URL: this.url(database),
        TILL_DATABASE_URL: this.url(`${database}_till`),
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  private finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
  }

  /** Puts a version where the source of a form finds it. */
  private async write(form: LoadForm, version: number, rows: number, database: string): Promise<void> {
    if (form === "database") {
      await this.ask(
        `${database}_till`,
        `drop schema if exists shop cascade; create schema shop;
create table shop.item as select id::text, '${version}' as version, '${note}' as note from generate_series(1, ${rows}) as id`,
      );
      return;
    }
    const item = itemOf(form, version, rows);
    const signal = new AbortController().signal;
    await writeSample({ root: this.project, system: "shop", item, signal, onBytes: () => undefined });
  }

  /** A commit takes no time, so it could not be hit: what is deferred runs within it. */
  private async delayPublishing(database: string): Promise<void> {
    await this.ask(
      database,
      `create schema raw;
create function raw.wait() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
create constraint trigger wait after update on aquifer.ingest_batch
deferrable initially deferred for each row execute function raw.wait()`,
    );
  }

  /** Waits until the load is in a phase, or for a time; returns the phase it is in. */
  private async awaitPhase(
    child: ChildProcess,
    database: string,
    wanted: LoadPhase,
    atMost: number,
  ): Promise<LoadPhase> {
    const client = await this.connect("postgres");
    let [deadline, copied]: [number | undefined, boolean] = [undefined, false];
    try {
      for (;;) {
        const { rows } = await client.query<{ copying: boolean; connected: boolean }>(
          `select exists (select from pg_stat_progress_copy where datname = '${database}') as copying,
  exists (select from pg_stat_activity where datname = '${database}' and application_name <> 'faults' and backend_type = 'client backend') as connected`,
        );
        const [now] = rows;
        copied ||= now?.copying === true;
        const phase: LoadPhase =
          now?.copying === true
            ? "copying"
            : copied
              ? "publishing"
              : now?.connected === true
                ? "reading"
                : "starting";
        if (phase !== "starting") deadline ??= performance.now() + atMost;
        const isOver = child.exitCode !== null || (deadline !== undefined && performance.now() > deadline);
        if (phase === wanted || isOver) return phase;
        await pause(2);
      }
    } finally {
      await client.end();
    }
  }

  private async dropConnections(database: string): Promise<void> {
    await this.ask(
      "postgres",
      `select pg_terminate_backend(pid) from pg_stat_activity
where datname in ('${database}', '${database}_till') and application_name <> 'faults'`,
    );
  }

  /** What is not exactly one of the versions, whole, each row once. */
  private async whatIsBad(
    database: string,
    form: LoadForm,
    versions: Readonly<Record<number, number>>,
    could: readonly number[],
  ): Promise<string[]> {
    const [found] = await this.ask<Record<"versions" | "rows" | "ids" | "sum", string>>(
      database,
      `select string_agg(distinct version, ',') as versions, count(*) as rows, count(distinct id) as ids, sum(_row) as sum from bronze.shop_${form}`,
    );
    const isRight = could.some((version) => {
      const rows = versions[version] ?? 0;
      const sum = String((rows * (rows + 1)) / 2);
      const { versions: held, rows: counted, ids, sum: rowSum } = found ?? {};
      return held === String(version) && Number(counted) === rows && Number(ids) === rows && rowSum === sum;
    });
    return isRight
      ? []
      : [`bronze.shop_${form} holds ${JSON.stringify(found)}, wanted version ${could.join(" or ")}`];
  }

  /** Batches and files that never ended, rows and tables of a dead load, a version that is current beside another. */
  private async whatTheLedgerSays(database: string, form: LoadForm): Promise<string[]> {
    const found = await this.ask<{ what: string }>(
      database,
      `select 'batch ' || name || ' is ' || status as what from aquifer.ingest_batch where status not in ('loaded', 'failed')
union all select 'file ' || file_name || ' is ' || status from aquifer.ingest_file where status not in ('loaded', 'failed')
union all select count(*) || ' files are current' from aquifer.ingest_file
  where source = 'shop/${form}' and status = 'loaded' and superseded_by is null having count(*) <> 1
union all select count(*) || ' rows of no loaded file lie in the store' from bronze_store.shop_${form} as stored
  where not exists (select from aquifer.ingest_file as file where file.content_file_id = stored._file_id and file.status = 'loaded') having count(*) > 0
union all select 'table ' || relname || ' is no part of a store' from pg_class
  where relnamespace = 'bronze_store'::regnamespace and relname ~ '^_file_' and relkind = 'r'
    and not exists (select from pg_inherits where inhrelid = pg_class.oid)
union all select 'a connection is ' || state || ': ' || left(query, 80) from pg_stat_activity
  where datname = current_database() and application_name <> 'faults' and backend_type = 'client backend' and state <> 'idle'`,
    );
    return found.map(({ what }) => what);
  }
}

function itemOf(form: Exclude<LoadForm, "database">, version: number, rows: number): SampleItem {
  const numbers = Array.from({ length: rows }, (_, index) => index + 1);
  const csv = (words = note): string =>
    `id,version,note\n${numbers.map((id) => `${id},${version},${words}\n`).join("")}`;
  const objects = (): string[] =>
    numbers.map((id) => JSON.stringify({ id: String(id), version: String(version), note }));
  switch (form) {
    case "text":
      return { path: "text.csv", content: [csv()] };
    case "large":
    case "checked":
      return { path: `${form}.csv`, content: [csv(longNote)] };
    case "gzip":
      return { path: "gzip.csv.gz", content: [gzipSync(csv())] };
    case "zip":
      return { path: "zip.zip", content: [zipFile({ "zip.csv": csv() })] };
    case "xlsx":
    case "xls":
      return {
        path: `${form}.${form}`,
        sheets: [
          { name: "Data", rows: [["id", "version", "note"], ...numbers.map((id) => [id, version, note])] },
        ],
      };
    case "json":
      return { path: "json.json", content: [`[${objects().join(",\n")}]`] };
    case "ndjson":
      return { path: "ndjson.ndjson", content: [`${objects().join("\n")}\n`] };
    case "parquet":
      return {
        path: "parquet.parquet",
        query: `select i::varchar as id, '${version}' as version, '${note}' as note from range(1, ${rows + 1}) as t(i) order by i`,
      };
  }
}

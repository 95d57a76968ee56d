import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { openWarehouse } from "../../src/warehouse/connect.js";
import {
  embeddedStatus,
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
} from "../../src/warehouse/embedded/embedded-server.js";
import { runTool } from "../../src/warehouse/embedded/run-tool.js";
import {
  packageFolder,
  platformPackage,
  prepareFolder,
} from "../../src/warehouse/embedded/server-binaries.js";
import { chooseServerUser } from "../../src/warehouse/embedded/server-user.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { projectFolder } from "../support/project-folder.js";
import { skipUnless } from "../support/skip.js";

const isRoot = process.getuid?.() === 0;
const dataform = join(import.meta.dirname, "../../bin/dataform.js");

function command(args: readonly string[], options: { uid?: number; gid?: number } = {}): ChildProcess {
  return spawn(process.execPath, [dataform, "warehouse", ...args], { stdio: "pipe", ...options });
}

async function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

/** Process numbers of all servers that were started on a data directory, without their children. */
function serversOn(data: string): number[] {
  const found = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`postgres -D ${data}`))
    .map((line) => line.trim().split(/\s+/, 2).map(Number));
  const pids = found.map(([pid = 0]) => pid);
  return found.filter(([, parent = 0]) => !pids.includes(parent)).map(([pid = 0]) => pid);
}

async function withWarehouse<T>(root: string, body: (warehouse: Warehouse) => Promise<T>): Promise<T> {
  const warehouse = await openWarehouse({ projectRoot: root, embedded: true, env: {}, maxSessions: 1 });
  try {
    return await body(warehouse);
  } finally {
    await warehouse.close();
  }
}

describe("the embedded server", () => {
  it("is started by the first command, found by the next, and gone after stop", async () => {
    const root = projectFolder();
    expect(await embeddedStatus(root)).toMatchObject({ state: "absent" });
    const first = await startEmbedded(root);
    expect(await startEmbedded(root)).toEqual(first);
    expect(await embeddedStatus(root)).toMatchObject({ state: "running", version: 18, pid: first.pid });
    expect(serversOn(first.data)).toEqual([first.pid]);
    expect(await stopEmbedded(root)).toBe(true);
    expect(serversOn(first.data)).toEqual([]);
    expect(await stopEmbedded(root)).toBe(false);
    expect(await embeddedStatus(root)).toMatchObject({ state: "stopped" });
  });

  it("keeps its data, port and password over a restart", async () => {
    const root = projectFolder();
    const first = await startEmbedded(root);
    await withWarehouse(root, (warehouse) => warehouse.query("create table kept as select 1 as one"));
    await stopEmbedded(root);
    const second = await startEmbedded(root);
    expect({ ...second, pid: 0 }).toEqual({ ...first, pid: 0 });
    expect(second.pid).not.toBe(first.pid);
    const { rows } = await withWarehouse(root, (warehouse) => warehouse.query("select one from kept"));
    expect(rows).toEqual([{ one: 1 }]);
  });

  it("lets in only who knows the password, only from this machine, and shows the password to nobody", async () => {
    const root = projectFolder();
    const { host, port, user, password, passwordFile } = await startEmbedded(root);
    const connect = async (given: string): Promise<string> => {
      const client = new pg.Client({ host, port, user, database: "postgres", password: given, ssl: false });
      await client.connect();
      const { rows } = await client.query<{ listen: string }>(
        "select current_setting('listen_addresses') || current_setting('unix_socket_directories') as listen",
      );
      await client.end();
      return rows[0]?.listen ?? "";
    };
    await expect(connect("guess")).rejects.toMatchObject({ code: "28P01" });
    expect(await connect(password)).toBe("127.0.0.1");
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(passwordFile)).mode & 0o777).toBe(0o700);
  });

  it("knows all of Unicode on every machine", async () => {
    const { rows } = await withWarehouse(projectFolder(), (warehouse) =>
      warehouse.query("select upper('éß') as upper, current_setting('TimeZone') as zone"),
    );
    expect(rows).toEqual([{ upper: "Éß", zone: "UTC" }]);
  });

  it("runs once for each of several projects at once", async () => {
    const roots = [projectFolder(), projectFolder()];
    const servers = await Promise.all(roots.map((root) => startEmbedded(root)));
    expect(new Set(servers.map((server) => server.port)).size).toBe(2);
    for (const [index, root] of roots.entries()) {
      await withWarehouse(root, (warehouse) => warehouse.query(`create table of_${index} ()`));
    }
    const { rows } = await withWarehouse(roots[0] ?? "", (warehouse) =>
      warehouse.query("select to_regclass('of_0')::text as own, to_regclass('of_1')::text as other"),
    );
    expect(rows).toEqual([{ own: "of_0", other: null }]);
  });

  it("runs once when many commands start it at the same moment", async () => {
    const root = projectFolder();
    const results = await Promise.all([1, 2, 3, 4].map(() => finished(command(["start", root]))));
    expect(results.map((result) => result.output.replace(/^Starting.*\n/, "").split("\n")[0])).toEqual(
      Array(4).fill("Embedded PostgreSQL 18 running"),
    );
    const { data } = await embeddedStatus(root);
    expect(serversOn(data)).toHaveLength(1);
    expect(readdirSync(join(root, ".aquifer"))).toEqual(["server"]);
  });

  it("makes its database once when many commands connect at the same moment", async () => {
    const root = projectFolder();
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => withWarehouse(root, (warehouse) => warehouse.query("select 1 as one"))),
    );
    expect(answers.flatMap((answer) => answer.rows)).toEqual(Array(4).fill({ one: 1 }));
  });

  it("is found by the next command wherever the one that started it was killed", async () => {
    const root = projectFolder();
    for (const milliseconds of [150, 300, 450, 600, 750, 900]) {
      const child = command(["start", root]);
      const end = finished(child);
      await delay(milliseconds);
      child.kill("SIGKILL");
      await end;
    }
    const server = await startEmbedded(root);
    expect(serversOn(server.data)).toEqual([server.pid]);
    await withWarehouse(root, (warehouse) => warehouse.query("select 1"));
    expect(readdirSync(join(root, ".aquifer"))).toEqual(["server"]);
    await stopEmbedded(root);
    expect(serversOn(server.data)).toEqual([]);
  });

  it("recovers by itself after a kill -9, with everything that was committed", async () => {
    const root = projectFolder();
    const first = await startEmbedded(root);
    await withWarehouse(root, async (warehouse) => {
      await warehouse.query("create table committed as select n from generate_series(1, 1000) n");
    });
    process.kill(first.pid, "SIGKILL");
    const second = await startEmbedded(root);
    expect(second.pid).not.toBe(first.pid);
    expect(serversOn(second.data)).toEqual([second.pid]);
    const { rows } = await withWarehouse(root, (warehouse) =>
      warehouse.query("select count(*)::int as n from committed"),
    );
    expect(rows).toEqual([{ n: 1000 }]);
  });

  it("recovers while a statement of the killed server still runs", async () => {
    const root = projectFolder();
    const first = await startEmbedded(root);
    const busy = await openWarehouse({ projectRoot: root, embedded: true, env: {}, maxSessions: 1 });
    const query = busy.query("select count(*) from generate_series(1, 20000000)").catch(() => undefined);
    await delay(300);
    process.kill(first.pid, "SIGKILL");
    const second = await startEmbedded(root);
    expect(serversOn(second.data)).toEqual([second.pid]);
    await query;
    await busy.close();
  });

  it("does not take another program's process for its server", async () => {
    const root = projectFolder();
    const { data } = await startEmbedded(root);
    const file = join(data, "postmaster.pid");
    const ofServer = readFileSync(file, "utf8");
    await stopEmbedded(root);
    writeFileSync(file, ofServer.replace(/^\d+/, String(process.pid)));
    expect(await embeddedStatus(root)).toMatchObject({ state: "stopped" });
    const again = await startEmbedded(root);
    expect(again.pid).not.toBe(process.pid);
    expect(serversOn(data)).toEqual([again.pid]);
  });

  it("of a copied project is another one", async () => {
    const [original, copy] = [projectFolder(), projectFolder()];
    const first = await startEmbedded(original);
    await withWarehouse(original, (warehouse) => warehouse.query("checkpoint"));
    cpSync(join(original, ".aquifer"), join(copy, ".aquifer"), { recursive: true });
    expect(await embeddedStatus(copy)).toMatchObject({ state: "stopped" });
    const second = await startEmbedded(copy);
    expect(second.pid).not.toBe(first.pid);
    expect(second.port).not.toBe(first.port);
    expect(await stopEmbedded(copy)).toBe(true);
    expect(serversOn(first.data)).toEqual([first.pid]);
  });

  it("of a moved project is still found", async () => {
    const root = projectFolder();
    const first = await startEmbedded(root);
    const moved = projectFolder();
    renameSync(join(root, ".aquifer"), join(moved, ".aquifer"));
    expect(await embeddedStatus(moved)).toMatchObject({ state: "running", pid: first.pid });
    expect(await stopEmbedded(moved)).toBe(true);
    expect(serversOn(first.data)).toEqual([]);
  });

  it("takes another port when its own is taken", async () => {
    const root = projectFolder();
    const first = await startEmbedded(root);
    await stopEmbedded(root);
    const intruder = createServer().listen(first.port, "127.0.0.1");
    onTestFinished(() => void intruder.close());
    await new Promise((resolve) => intruder.once("listening", resolve));
    const second = await startEmbedded(root);
    expect(second.port).not.toBe(first.port);
  });

  it("says so when its data are of another version", async (context) => {
    const older = `postgres-15-${process.platform}-${process.arch}`;
    skipUnless(context, existsSync(join("node_modules", older)), `${older} is not installed`);
    const root = projectFolder();
    await startEmbedded(root, { packageName: older });
    await stopEmbedded(root);
    await expect(startEmbedded(root)).rejects.toMatchObject({
      code: "embedded-version",
      exitCode: 2,
      message: "The embedded server's data are of PostgreSQL 15, the installed server is 18",
    });
  });

  it("says what its log says when it cannot start", async () => {
    const root = projectFolder();
    const { data } = await startEmbedded(root);
    await stopEmbedded(root);
    writeFileSync(join(data, "postgresql.conf"), "no_such_setting = 1\n");
    await expect(startEmbedded(root)).rejects.toMatchObject({
      code: "embedded-start",
      details: expect.arrayContaining([expect.stringContaining("no_such_setting") as string]) as string[],
    });
  });

  it("is forgotten with its data by reset", async () => {
    const root = projectFolder();
    const { data } = await startEmbedded(root);
    await resetEmbedded(root);
    expect(serversOn(data)).toEqual([]);
    expect(existsSync(data)).toBe(false);
    expect(await embeddedStatus(root)).toMatchObject({ state: "absent" });
  });
});

describe("for root", () => {
  it("runs as another account in a folder that only root may enter, and is found when .aquifer was deleted", async (context) => {
    skipUnless(context, isRoot, "not root");
    const root = projectFolder({ mode: 0o700 });
    const first = await startEmbedded(root);
    const owner = execFileSync("ps", ["-o", "uid=", "-p", String(first.pid)], { encoding: "utf8" });
    expect(Number(owner)).not.toBe(0);
    rmSync(join(root, ".aquifer"), { recursive: true });
    expect((await startEmbedded(root)).pid).toBe(first.pid);
    expect(serversOn(first.data)).toEqual([first.pid]);
    await resetEmbedded(root);
    expect(existsSync(first.data)).toBe(false);
  });

  it("stops the server of a project that was deleted, when it next starts another", async (context) => {
    skipUnless(context, isRoot, "not root");
    const deleted = projectFolder({ mode: 0o700 });
    const orphan = await startEmbedded(deleted);
    rmSync(deleted, { recursive: true });
    const other = projectFolder({ mode: 0o700 });
    const server = await startEmbedded(other);
    await expect.poll(() => serversOn(orphan.data), { timeout: 10_000 }).toEqual([]);
    expect(serversOn(server.data)).toEqual([server.pid]);
    // The project comes back: so do its data, and the cleaning up after this test removes both.
    mkdirSync(deleted);
    chmodSync(deleted, 0o700);
    expect(await embeddedStatus(deleted)).toMatchObject({ state: "stopped", data: orphan.data });
  });

  it("works on data that an ordinary user made, and leaves them to that user", async (context) => {
    skipUnless(context, isRoot, "not root");
    const user = await chooseServerUser("/");
    const { uid, gid } = user ?? { uid: 0, gid: 0 };
    const root = projectFolder();
    chownSync(root, uid, gid);
    const asUser = (...args: string[]): ReturnType<typeof finished> =>
      finished(command([...args, root], { uid, gid }));
    expect(await asUser("start")).toMatchObject({ code: 0 });
    await withWarehouse(root, (warehouse) => warehouse.query("create table by_root ()"));
    expect(await stopEmbedded(root)).toBe(true);
    await startEmbedded(root);
    expect(await asUser("stop")).toMatchObject({ code: 0, output: "Embedded PostgreSQL stopped.\n" });
  });

  it("refuses an ordinary user who meets another account's data, and names the account", async (context) => {
    skipUnless(context, isRoot, "not root");
    const root = projectFolder();
    await startEmbedded(root);
    const { code, output } = await finished(command(["status", root], { uid: 4321, gid: 4321 }));
    expect(code).toBe(2);
    expect(output).toMatch(/has no account|belong to the account/);
  });

  it("copies programs that the account cannot reach, and makes their missing links", async (context) => {
    skipUnless(context, isRoot, "not root");
    const folder = mkdtempSync(join(tmpdir(), "aquifer-native-"));
    const copies = mkdtempSync(join(tmpdir(), "aquifer-copies-"));
    onTestFinished(() => {
      for (const each of [folder, copies]) rmSync(each, { recursive: true });
    });
    chmodSync(folder, 0o700);
    chmodSync(copies, 0o755);
    const unpacked = join(folder, "package");
    mkdirSync(unpacked);
    for (const name of ["package.json", "native"]) {
      cpSync(join(packageFolder(platformPackage()), name), join(unpacked, name), {
        recursive: true,
        verbatimSymlinks: true,
        // As npm leaves it where install scripts are off.
        filter: (path) => !path.endsWith("libicuuc.so.60"),
      });
    }
    const user = await chooseServerUser(folder);
    const binaries = await prepareFolder(unpacked, user, copies);
    expect(binaries.postgres.startsWith(copies)).toBe(true);
    expect(await runTool(binaries.postgres, ["--version"], { cwd: "/", user })).toMatchObject({
      code: 0,
      output: expect.stringContaining("PostgreSQL) 18.") as string,
    });
  });
});

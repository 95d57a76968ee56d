import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resetEmbedded, startEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { scratchPrefix } from "../../src/warehouse/scratch-databases.js";
import type { Warehouse } from "../../src/warehouse/warehouse.js";
import { dataform } from "../support/command-line.js";
import { open } from "../support/database.js";
import { temporaryFolder } from "../support/project-folder.js";
import { serverUrl, testSettings } from "../support/servers.js";
import { settings } from "../support/temporary-project.js";

const program = join(import.meta.dirname, "../../bin/dataform.js");
const root = temporaryFolder();
let admin: Warehouse;

beforeAll(async () => {
  chmodSync(root, 0o755);
  mkdirSync(join(root, "definitions"));
  writeFileSync(join(root, "dataform.json"), settings);
  for (let model = 0; model < 60; model++) {
    const from = model === 0 ? "(select 1 as id) s" : `\${ref("m${model - 1}")}`;
    writeFileSync(
      join(root, `definitions/m${model}.sqlx`),
      `config { type: "table" }\nselect id, ${model} as n from ${from}`,
    );
  }
  admin = await open(serverUrl(await startEmbedded(root, { settings: testSettings })), 1);
});
afterAll(async () => {
  await admin.close();
  await resetEmbedded(root);
});

async function left(): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_database where starts_with(datname, $1)
     union select rolname from pg_roles where starts_with(rolname, $1)`,
    [scratchPrefix],
  );
  return rows.map(({ name }) => name);
}

/** Starts a check, signals it after it has made its database and a while longer; resolves with its exit code. */
async function signalled(signal: NodeJS.Signals, afterMs: number): Promise<number | null> {
  const child = spawn(process.execPath, [program, "check"], { cwd: root, stdio: "ignore" });
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  while ((await left()).length === 0 && child.exitCode === null) await delay(5);
  await delay(afterMs);
  child.kill(signal);
  return ended;
}

it.each(["SIGINT", "SIGTERM"] as const)("removes everything on %s, at any moment", async (signal) => {
  for (const afterMs of [0, 30, 150, 400]) {
    const code = await signalled(signal, afterMs);
    // It may have ended by itself before; null when the signal met Node in its last moment, which lets go of it then.
    expect([0, 130, null]).toContain(code);
    expect(await left()).toEqual([]);
  }
});

it("leaves nothing that the next command does not remove when it is killed, whichever command that is", async () => {
  let killed = 0;
  const next = [["warehouse", "start"], ["check"], ["run", "--dry-run"], ["test"]];
  for (const [index, command] of next.entries()) {
    if ((await signalled("SIGKILL", index * 40)) === null) killed += 1;
    // The server notices within a second that a client is gone while it works for it.
    for (let tries = 0; tries < 30 && (await standing()) > 0; tries++) await delay(100);
    expect((await dataform(command, { cwd: root })).exitCode).toBe(0);
    expect(await left()).toEqual([]);
  }
  expect(killed).toBeGreaterThan(0);
});

async function standing(): Promise<number> {
  const { rowCount } = await admin.query(
    "select from pg_stat_activity where starts_with(application_name, $1)",
    [scratchPrefix],
  );
  return rowCount;
}

it("does not touch the database of a check that runs at the same time", async () => {
  const codes = await Promise.all([1, 2, 3].map(() => dataform(["check"], { cwd: root })));
  expect(codes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(await left()).toEqual([]);
});

import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommandLine } from "../../src/cli/main.js";
import { resetEmbedded, startEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { scratchPrefix } from "../../src/warehouse/scratch-databases.js";
import { open } from "../support/database.js";
import { temporaryFolder } from "../support/project-folder.js";
import { serverUrl, testSettings } from "../support/servers.js";
import { settings } from "../support/temporary-project.js";

const program = join(import.meta.dirname, "../../bin/dataform.js");
const root = temporaryFolder();

beforeAll(async () => {
  write("dataform.json", settings);
  write("definitions/orders.sqlx", 'config { type: "table" }\nselect 1 as id, 2.5 as amount\n');
  write("definitions/days.sqlx", 'config { type: "view" }\nselect amount from ${ref("orders")}\n');
  await startEmbedded(root, { settings: testSettings });
});
afterAll(() => resetEmbedded(root));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

it("checks again after every change, goes on after errors of all kinds, and ends clean on SIGINT", async () => {
  const child = spawn(process.execPath, [program, "check", "--watch"], { cwd: root });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  /** What it says until it waits again. */
  const screen = async (): Promise<string> => {
    await expect.poll(() => said, { timeout: 30_000, interval: 20 }).toMatch(/Watching for changes\.\.\.\n$/);
    const text = said;
    said = "";
    return text;
  };
  expect(await screen()).toMatch(/^Checked 2 actions and .*: 0 errors, 0 warnings\n\nWatching/);
  write("definitions/orders.sqlx", 'config { type: "table" }\nselect 1 as id, 2.5 as amnt\n');
  expect(await screen()).toMatch(
    /^definitions\/days.sqlx:2:8: column "amount" does not exist\n[^]*\nChecked 2 actions \(2 anew\) .*: 1 error, 0/,
  );
  write("definitions/orders.sqlx", 'config { type: "table" }\nselect ${nothing}\n');
  expect(await screen()).toMatch(/definitions\/orders.sqlx:2:10: nothing is not defined/);
  write("definitions/orders.sqlx", 'config { type: "table" }\nselect 1 as id, 2.5 as amount\n');
  expect(await screen()).toMatch(/^Checked 2 actions \(2 anew\) .*: 0 errors/);
  write("definitions/more/new.sqlx", 'config { type: "view" }\nselect id from ${ref("orders")}\n');
  expect(await screen()).toMatch(/^Checked 3 actions \(1 anew\) .*: 0 errors/);
  rmSync(join(root, "definitions/days.sqlx"));
  expect(await screen()).toMatch(/^Checked 2 actions \(0 anew\) .*: 0 errors/);
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(await left()).toEqual([]);
});

it("ends clean also in the middle of a check", async () => {
  for (const afterMs of [0, 60, 200]) {
    const child = spawn(process.execPath, [program, "check", "--watch"], { cwd: root, stdio: "ignore" });
    const ended = new Promise<number | null>((done) => child.once("exit", done));
    while ((await left()).length === 0 && child.exitCode === null) await pause(5);
    await pause(afterMs);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(await left()).toEqual([]);
  }
});

it("shows each check on a screen of its own where there is one", async () => {
  const stop = new AbortController();
  let said = "";
  const stdout = { isTerminal: true, columns: 80, write: (text: string) => void (said += text) };
  const effects = {
    ...{ stdout, stderr: stdout, env: {}, newId: () => "id", signal: stop.signal },
    clock: { now: () => new Date(), elapsed: () => performance.now() },
  };
  const watching = runCommandLine(["check", "--watch"], { cwd: root, effects });
  const screens = (): string[] => said.split("\u001b[2J\u001b[3J\u001b[H").slice(1);
  await expect.poll(() => screens().join(""), { timeout: 30_000 }).toContain("Watching");
  write("definitions/orders.sqlx", "select ${nothing}");
  await expect.poll(() => screens()[1], { timeout: 30_000 }).toContain("Watching");
  stop.abort();
  expect(await watching).toBe(0);
  expect(screens()).toEqual([
    expect.stringMatching(/^Checked 2 actions/),
    expect.stringMatching(/^[^]*orders.sqlx:1:10: nothing is not defined/),
  ]);
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

async function left(): Promise<string[]> {
  const admin = await open(serverUrl(await startEmbedded(root)), 1);
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_database where starts_with(datname, $1)
     union select rolname from pg_roles where starts_with(rolname, $1)`,
    [scratchPrefix],
  );
  await admin.close();
  return rows.map(({ name }) => name);
}

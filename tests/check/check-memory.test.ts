import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryFolder } from "../support/project-folder.js";
import { settings as projectSettings } from "../support/temporary-project.js";

const root = temporaryFolder();
const memory = join(root, ".aquifer/cache/check.json");

beforeAll(async () => {
  mkdirSync(join(root, "definitions"));
  writeFileSync(join(root, "dataform.json"), projectSettings);
  write("orders", "select 1 as id, 2.5 as amount");
  write("days", "select id, sum(amount) as total from ${ref('orders')} group by id");
  write("names", "select 'x' as name");
  write("others", "select name from ${ref('names')}");
  await checked();
});
afterAll(() => resetEmbedded(root));

function write(name: string, query: string, settings = ""): void {
  const text = `config { type: "table"${settings} }\n${query}\n`;
  writeFileSync(join(root, `definitions/${name}.sqlx`), text);
}

/** What a check says, without how long it took. */
async function checked(...args: string[]): Promise<string> {
  const { stdout } = await dataform(["check", ...args], { cwd: root });
  return stdout.replace(/ in [\d.]+ m?s:/, ":").trimEnd();
}

const counted = (actions: string): string =>
  `Checked ${actions} and 0 report queries by PostgreSQL 18: 0 errors, 0 warnings`;

it("judges what changed, and what reads something that came out differently", async () => {
  expect(await checked()).toBe(counted("4 actions (0 anew)"));
  write("orders", "select 2 as id, 2.5 as amount");
  expect(await checked()).toBe(counted("4 actions (1 anew)"));
  write("orders", "select 2::bigint as id, 2.5 as amount");
  expect(await checked()).toBe(counted("4 actions (2 anew)"));
  expect(await checked("--full")).toBe(counted("4 actions"));
});

it("tells what is broken as long as it is, and that it is mended", async () => {
  write("orders", "select 2 as id, 2.5 as amnt");
  const broken = [
    'definitions/days.sqlx:2:16: column "amount" does not exist',
    "  1 | config { type: \"table\" }\n  2 | select id, sum(amount) as total from ${ref('orders')} group by id",
  ];
  const first = await checked();
  expect(first).toContain(broken.join("\n"));
  expect(await checked()).toBe(first.replace("(2 anew)", "(1 anew)"));
  write("orders", "select 2 as id, 2.5 as amount");
  expect(await checked()).toBe(counted("4 actions (2 anew)"));
});

it.each([
  ["is cut short", (text: string) => text.slice(0, -20)],
  ["was changed", (text: string) => text.replace("numeric", "integer")],
  ["is of another program", (text: string) => `${JSON.stringify({ ground: "x" })}${text.slice(22)}`],
  ["is empty", () => ""],
  ["is no text", () => "\0\n\0"],
])("ignores a memory that %s", async (_, spoil) => {
  await checked();
  const kept = readFileSync(memory, "utf8");
  expect(spoil(kept)).not.toBe(kept);
  writeFileSync(memory, spoil(kept));
  expect(await checked()).toBe(counted("4 actions"));
  expect(readFileSync(memory, "utf8")).toBe(kept);
});

it("judges everything when a function changes, which anything may call", async () => {
  const operation = (body: string): void =>
    writeFileSync(join(root, "definitions/f.sqlx"), `config { type: "operations" }\n${body}`);
  operation("create function f(integer) returns integer return 1");
  write("others", "select f(1) as name from ${ref('names')}", ', dependencies: ["f"]');
  expect(await checked()).toBe(counted("5 actions"));
  expect(await checked()).toBe(counted("5 actions (1 anew)"));
  operation("create function f(integer) returns text return 'x'");
  expect(await checked()).toBe(counted("5 actions"));
  const { stdout } = await dataform(["check", "--json"], { cwd: root });
  expect(JSON.parse(stdout)).toMatchObject({
    model: { relations: { "silver.others": { columns: [{ name: "name", type: "text" }] } } },
  });
});

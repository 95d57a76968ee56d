import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { connectEmbedded } from "../../src/warehouse/embedded-database.js";
import {
  embeddedStatus,
  resetEmbedded,
  startEmbedded,
} from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryProject } from "../support/temporary-project.js";

const orders = (columns: string): string => `config { type: "table" }\nselect ${columns}`;
let root: string;

beforeEach(() => {
  root = temporaryProject({
    "definitions/orders.sqlx": orders("1 as id, 2.5 as amount, date '2024-01-01' as day"),
    "definitions/days.sqlx":
      'config { type: "view" }\nselect day, sum(amount) as total from ${ref("orders")} group by day',
  });
  chmodSync(root, 0o755);
  onTestFinished(() => resetEmbedded(root));
});

describe("dataform check", () => {
  it("needs no credentials, says what it did and leaves the server up", async () => {
    const result = await dataform(["check"], { cwd: root });
    expect(result).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^Starting embedded/) as string,
    });
    expect(result.stdout).toMatch(
      /^Checked 2 actions and 0 report queries by PostgreSQL 18 in .*: 0 errors, 0 warnings\n$/,
    );
    expect((await embeddedStatus(root)).state).toBe("running");
  });

  it("shows the place with a caret, and fails", async () => {
    writeFileSync(join(root, "definitions/orders.sqlx"), orders("1 as id,\n  amout"));
    const { exitCode, stdout } = await dataform(["check"], { cwd: root });
    expect(exitCode).toBe(1);
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      'definitions/orders.sqlx:3:3: column "amout" does not exist',
      "  2 | select 1 as id,",
      "  3 |   amout",
      "    |   ^",
    ]);
    expect(stdout).toContain("not checked: silver.days reads silver.orders, which is broken\n");
  });

  it("fails for a warning only when strict", async () => {
    writeFileSync(
      join(root, "definitions/zeta.sqlx"),
      'config { type: "view" }\nselect day from silver.orders',
    );
    const codes = [];
    for (const args of [["check"], ["check", "--strict"]])
      codes.push((await dataform(args, { cwd: root })).exitCode);
    expect(codes).toEqual([0, 1]);
  });

  it("prints one JSON document", async () => {
    const { stdout } = await dataform(["check", "--json"], { cwd: root });
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [],
      model: { version: 1, relations: { "silver.days": { kind: "view" } } },
    });
  });

  it("says what changes against the last check, and fails when something reads what goes", async () => {
    expect(await dataform(["check", "--against", "last"], { cwd: root })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("no earlier check") as string,
    });
    await dataform(["check"], { cwd: root });
    writeFileSync(
      join(root, "definitions/orders.sqlx"),
      orders("1::bigint as id, 2.5 as amount, date '2024-01-01' as day, 1 as n"),
    );
    const { exitCode, stdout } = await dataform(["check", "--against", "last"], { cwd: root });
    expect(stdout.split("\n\n")[1]).toBe(
      "Against last:\nretyped  silver.orders.id integer -> bigint\nadded    silver.orders.n integer\n",
    );
    expect(exitCode).toBe(0);
  });

  it("says what changes against a git revision, with the readers it had there", async () => {
    const git = (...args: string[]): void =>
      void execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
        cwd: root,
      });
    writeFileSync(join(root, ".gitignore"), ".aquifer/\n");
    git("init", "-q", "-b", "main");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    rmSync(join(root, "definitions/days.sqlx"));
    writeFileSync(join(root, "definitions/orders.sqlx"), orders("1 as id, date '2024-01-01' as day"));
    const { exitCode, stdout } = await dataform(["check", "--against", "main", "--markdown"], { cwd: root });
    expect(exitCode).toBe(1);
    expect(stdout).toBe(
      [
        "Against `main`:",
        "",
        "| | what | before | after | read by |",
        "|---|---|---|---|---|",
        "| removed | `silver.days` |  |  |  |",
        "| **break** | `silver.orders.amount` | numeric |  | silver.days.total |",
        "",
      ].join("\n"),
    );
    expect(readdirSync(join(root, ".aquifer", "revisions"))).toEqual([]);
    expect(existsSync(join(root, "definitions/days.sqlx"))).toBe(false);
    expect(await dataform(["check", "--against", "nowhere"], { cwd: root })).toMatchObject({ exitCode: 2 });
  });
});

describe("dataform check --against last-run", () => {
  it("compares with what the runs have built, and names other people's views and functions that read it", async () => {
    expect(await dataform(["check", "--against", "last-run"], { cwd: root })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("no run of this project") as string,
    });
    await dataform(["run"], { cwd: root });
    const server = await startEmbedded(root);
    const warehouse = await connectEmbedded(server, { database: "warehouse", origin: "t", maxSessions: 1 });
    await warehouse.query(
      `create view public.theirs as select id, amount from silver.orders;
create view public.upon as select amount from public.theirs;
create view public.other as select id from silver.orders;
create function public.most() returns numeric begin atomic select max(amount) from silver.orders; end`,
    );
    await warehouse.close();
    rmSync(join(root, "definitions/days.sqlx"));
    writeFileSync(join(root, "definitions/orders.sqlx"), orders("1 as id, date '2024-01-01' as day, 1 as n"));
    const { exitCode, stdout } = await dataform(["check", "--against", "last-run"], { cwd: root });
    expect(stdout.split("\n\n")[1]?.split("\n")).toEqual([
      "Against last-run:",
      "removed  silver.days",
      "removed  silver.orders.amount numeric",
      "         read by function public.most of others, view public.theirs of others, view public.upon of others",
      "added    silver.orders.n integer",
      "",
    ]);
    expect(exitCode).toBe(1);
  });

  it("says so in one line when the warehouse cannot be reached, and that only the SQL of a model changes", async () => {
    await dataform(["check"], { cwd: root });
    writeFileSync(
      join(root, "definitions/orders.sqlx"),
      orders("2 as id, 2.5 as amount, date '2024-01-01' as day -- better"),
    );
    const { exitCode, stdout } = await dataform(["check", "--against", "last", "--markdown"], {
      cwd: root,
      env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" },
    });
    expect(stdout).toMatch(
      /\| changed \| `silver.orders` \| {2}\| {2}\| silver.days.total, silver.days.day, silver.days \|\n\nOther people's views are not among the readers: No server answers at .*\.\n$/,
    );
    expect(exitCode).toBe(0);
  });
});

describe("dataform lineage", () => {
  it("shows both directions as trees, and as JSON", async () => {
    expect((await dataform(["lineage", "silver.days.total"], { cwd: root })).stdout).toBe(
      "silver.days.total\ncomputed from\n  silver.orders.amount\nin rows chosen by\n  silver.orders.day\n",
    );
    expect(
      JSON.parse((await dataform(["lineage", "silver.orders.amount", "--json"], { cwd: root })).stdout),
    ).toEqual({
      column: "silver.orders.amount",
      from: [],
      through: [],
      feeds: [{ column: "silver.days.total", next: [] }],
    });
  });

  it("names the nearest column when there is no such one", async () => {
    expect(await dataform(["lineage", "silver.days.totl"], { cwd: root })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Did you mean silver.days.total?") as string,
    });
  });
});

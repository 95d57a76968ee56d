import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, type TestContext } from "vitest";
import { commands } from "../../src/cli/commands.js";
import { dataform as inProcess } from "../support/command-line.js";
import { freshDatabase, type TestDatabase } from "../support/database.js";
import { skipUnless } from "../support/skip.js";
import { temporaryProject } from "../support/temporary-project.js";
import {
  command,
  dataform,
  emptyFolder,
  repository,
  succeed,
  type Ended,
  type SpawnOptions,
} from "./support.js";

/** Terminal output with its escape character made visible. */
const visible = (text: string): string => text.replaceAll("\u001b", "<esc>");

async function database(): Promise<TestDatabase> {
  const made = await freshDatabase();
  onTestFinished(() => made.drop());
  return made;
}

async function projectOn(
  files: Readonly<Record<string, string>>,
): Promise<SpawnOptions & { database: TestDatabase }> {
  const made = await database();
  return { cwd: temporaryProject(files), env: { DATABASE_URL: made.url }, database: made };
}

const everyKind = {
  "definitions/a_table.sqlx": 'config { type: "table", assertions: { nonNull: ["n"] } }\nselect 1 as n',
  "definitions/b_view.sqlx": 'config { type: "view" }\nselect * from ${ref("a_table")}',
  "definitions/c_incremental.sqlx": 'config { type: "incremental" }\nselect * from ${ref("b_view")}',
  "definitions/d_operation.sqlx":
    'config { type: "operations", dependencies: ["c_incremental"] }\ncomment on schema silver is \'cleaned\'',
  "definitions/e_passes.sqlx":
    'config { type: "assertion", dependencies: ["d_operation"] }\nselect * from ${ref("a_table")} where n <> 1',
  "definitions/f_fails.sqlx":
    'config { type: "assertion", dependencies: ["e_passes"] }\nselect * from ${ref("a_table")} where n = 1',
  "definitions/g_broken.sqlx": 'config { type: "table", dependencies: ["e_passes"] }\nselect 1 / 0 as n',
  "definitions/h_after.sqlx": 'config { type: "table" }\nselect * from ${ref("g_broken")}',
};

describe("in a pipe", () => {
  test("run says one plain line an action, in the words that scripts read, and no escape codes", async () => {
    const options = await projectOn(everyKind);
    const { code, stdout, stderr } = await dataform(["run"], options);
    expect(code).toBe(1);
    expect(visible(stdout + stderr)).not.toContain("<esc>");
    const facts = / {2}\(.*\)$/gm;
    const lines = stdout.replace(facts, "").split("\n");
    expect(lines.slice(0, 6)).toEqual(["Compiling...", "", "Compiled successfully.", "", "Running...", ""]);
    // Actions that do not depend on each other end in any order.
    expect(lines.slice(6, -4).sort()).toEqual([
      "Assertion failed:  quality.f_fails",
      "Assertion passed:  quality.e_passes",
      "Assertion passed:  quality.silver_a_table_assertions_rowConditions",
      "Dataset creation failed:  silver.g_broken [table]",
      "Incremental table created:  silver.c_incremental [incremental]",
      "Operation completed successfully:  silver.d_operation [operations]",
      "Skipping dataset creation:  silver.h_after [table]",
      "Table created:  silver.a_table [table]",
      "View created:  silver.b_view [view]",
    ]);
    expect(lines.at(-3)).toMatch(/^6 successful, 2 failed, 1 skipped in \S+ m?s\.$/);
    expect(stderr).toContain("postgres error: Assertion failed: query returned 1 row(s).");
    expect(stderr).toContain("definitions/g_broken.sqlx: postgres error: division by zero");
  });

  test("run --json prints one JSON document on stdout and nothing else, also when it fails", async () => {
    const options = await projectOn(everyKind);
    const { code, stdout } = await dataform(["run", "--json"], options);
    expect(code).toBe(1);
    const result = JSON.parse(stdout) as {
      status: string;
      actions: { target: { name: string }; status: string }[];
    };
    expect(result.status).toBe("FAILED");
    expect(result.actions).toHaveLength(9);
    const wrong = await dataform(["run", "--json", "--actions", "a_tabel"], options);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
  });

  test("a reader that goes away ends the command without a stack", async () => {
    const cwd = temporaryProject(everyKind);
    const pipe = `"${process.execPath}" "${join(repository, "bin/dataform.js")}" compile --json | head -c 1`;
    const { stdout, stderr } = await command("sh", ["-c", pipe], { cwd });
    expect({ stdout, stderr }).toEqual({ stdout: "{", stderr: "" });
  });
});

describe("on a terminal", () => {
  const slow = { "definitions/slow.sqlx": 'config { type: "operations" }\nselect pg_sleep(0.7)' };
  const isScriptThere = spawnSync("script", ["--version"], { stdio: "ignore" }).status === 0;

  /** Runs a command on a pseudo-terminal; both streams come as one. */
  function onTerminal(context: TestContext, argv: readonly string[], options: SpawnOptions): Promise<Ended> {
    skipUnless(context, isScriptThere, "script (of util-linux), which makes a terminal, is not installed");
    const line = [process.execPath, join(repository, "bin/dataform.js"), ...argv]
      .map((each) => `'${each}'`)
      .join(" ");
    return command("script", ["-qec", line, "/dev/null"], {
      ...options,
      env: { TERM: "xterm", ...options.env },
    });
  }

  test("a live line tells what runs and is gone in the end", async (context) => {
    const { code, stdout } = await onTerminal(context, ["run"], await projectOn(slow));
    expect(code).toBe(0);
    const seen = visible(stdout);
    expect(seen).toMatch(/\r<esc>\[2K0\/1 {2}silver\.slow \d+ ms/);
    expect(seen).toContain("<esc>[32mOperation completed successfully:  silver.slow [operations]<esc>[0m");
    expect(seen.trimEnd().split("\n").at(-1)).toMatch(
      /^(\r<esc>\[2K)?<esc>\[32m1 successful in \S+ m?s\.<esc>\[0m$/,
    );
  });

  test("NO_COLOR takes the colours away", async (context) => {
    const options = await projectOn(slow);
    const { code, stdout } = await onTerminal(context, ["run"], {
      ...options,
      env: { ...options.env, NO_COLOR: "1" },
    });
    expect(code).toBe(0);
    expect(stdout).toContain("Operation completed successfully:  silver.slow [operations]");
    expect(visible(stdout)).not.toMatch(/<esc>\[\d+m/);
  });

  test("--json stays plain", async (context) => {
    const { stdout } = await onTerminal(context, ["run", "--json"], await projectOn(slow));
    expect(visible(stdout)).not.toContain("<esc>");
  });
});

test("SIGINT during a long action cancels it on the server, rolls back, and ends with 130", async () => {
  const options = await projectOn({
    "definitions/done.sqlx": 'config { type: "table" }\nselect 1 as n',
    "definitions/long.sqlx":
      'config { type: "table" }\nselect n from ${ref("done")} where pg_sleep(60) is not null',
    "definitions/never.sqlx": 'config { type: "view" }\nselect * from ${ref("long")}',
  });
  const { warehouse } = options.database;
  const sleeping =
    "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
  let interrupt: ((signal: NodeJS.Signals) => void) | undefined;
  const running = dataform(["run"], { ...options, onOutput: (_, send) => (interrupt = send) });
  await expect.poll(async () => (await warehouse.query(sleeping)).rows, { timeout: 20_000 }).toHaveLength(1);
  const began = performance.now();
  interrupt?.("SIGINT");
  const { code, stdout } = await running;
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(code).toBe(130);
  expect(stdout).toContain("\nTable created:  silver.done [table]");
  expect(stdout).toContain("\nCancelled:  silver.long [table]\n");
  expect(stdout).not.toContain("After mending");
  expect((await warehouse.query(sleeping)).rows).toEqual([]);
  const { rows } = await warehouse.query(
    "select to_regclass('silver.long')::text as long, to_regclass('silver.done')::text as done",
  );
  expect(rows).toEqual([{ long: null, done: "silver.done" }]);
  const [run] = JSON.parse(await succeed(["history", "--json"], options)) as [object];
  expect(run).toMatchObject({ status: "cancelled", planned: 3, successful: 1, failed: 0 });
});

describe("help", () => {
  let help: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const names = [[], ...Object.keys(commands).map((name) => [name])];
    const inner = ["start", "stop", "status", "url", "psql", "reset"].map((name) => ["warehouse", name]);
    const texts = await Promise.all(
      [...names, ...inner].map(async (path) => {
        const { exitCode, stdout, stderr } = await inProcess([...path, "--help"], { cwd: repository });
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        return [path.join(" "), stdout] as const;
      }),
    );
    help = Object.fromEntries(texts);
  });

  const optionsOf = (text: string): string[] =>
    [...text.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = ""]) => option);

  test("of every command ends with an example", () => {
    const without = Object.entries(help).filter(([, text]) => !/\nExample:\n(?: {2}\$ .+\n)+$/.test(text));
    expect(without.map(([name]) => name)).toEqual([]);
  });

  test("speaks only of options and commands that there are", () => {
    const unknown = Object.entries(help).flatMap(([name, text]) => {
      const [body = "", examples = ""] = text.split("\nExample:\n");
      // The list of all commands speaks of their options.
      const own = name === "" ? Object.values(help).flatMap(optionsOf) : optionsOf(body);
      const spoken = [...body.matchAll(/--[a-z][\w-]*/g)].filter(([option]) => !own.includes(option));
      const shown = [...examples.matchAll(/\bdataform ([^"&)\n]*)/g)].flatMap(([, line = ""]) => {
        const [first = "", second = ""] = line.trim().split(/\s+/);
        const target = help[`${first} ${second}`] ?? help[first];
        if (target === undefined && first !== "help") return [`${name}: dataform ${first}`];
        const known = optionsOf(target ?? "");
        return [...line.matchAll(/--[a-z][\w-]*/g)]
          .filter(([option]) => !known.includes(option))
          .map(([option]) => `${name}: ${option}`);
      });
      return [...spoken.map(([option]) => `${name}: ${option}`), ...shown];
    });
    expect(unknown).toEqual([]);
  });

  test("fits into 80 columns", () => {
    // Examples are to be copied as they are.
    const lines = Object.values(help).flatMap((text) => (text.split("\nExample:\n")[0] ?? "").split("\n"));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

test.each([
  { argv: ["rnu"], says: "error: unknown command 'rnu'\n(Did you mean run?)\n" },
  { argv: ["run", "--tag", "a"], says: "error: unknown option '--tag'\n(Did you mean --tags?)\n" },
  { argv: ["warehouse", "stpo"], says: "error: unknown command 'stpo'\n(Did you mean stop?)\n" },
  { argv: ["run", "--concurrency", "0"], says: "error: option '--concurrency <n>' argument '0' is invalid." },
])("$argv is refused with the nearest and exit code 2", async ({ argv, says }) => {
  const { code, stdout, stderr } = await dataform(argv, { cwd: emptyFolder() });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.slice(0, says.length)).toBe(says);
});

test("no arguments are a question for help, and --version is one line", async () => {
  const cwd = emptyFolder();
  expect(await dataform([], { cwd })).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.stringMatching(/^Usage: dataform /) as string,
  });
  expect(await dataform(["--version"], { cwd })).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
});

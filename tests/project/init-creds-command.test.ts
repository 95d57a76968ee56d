import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

test("init-creds writes a file that works, for its owner only, and says no password", async () => {
  const cwd = temporaryProject({ "definitions/a.sqlx": "config { type: 'table' }\nselect 1 as a" });
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const { hostname, port, username, password } = new URL(inject("serverUrl"));
  const env = { PGPASSWORD: password || "not-needed-here" };
  const options = ["--host", hostname, "--port", port, "--username", username, "--database", database.name];
  const made = await dataform(["init-creds", ...options, "--sslmode", "prefer"], { cwd, env });
  expect(made.stderr).toBe("");
  expect(made.stdout).toContain(`Connected to ${hostname}:${port}/${database.name}`);
  expect(made.stdout).not.toContain(env.PGPASSWORD);
  const file = join(cwd, ".df-credentials.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const run = await dataform(["run"], { cwd });
  expect(run.exitCode, run.stderr).toBe(0);
  const again = await dataform(["init-creds", ...options], { cwd, env });
  expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--force") as string });
});

test("what does not work is not written", async () => {
  const cwd = temporaryProject({});
  const options = ["--host", "127.0.0.1", "--port", "1", "--username", "me", "--database", "nowhere"];
  const made = await dataform(["init-creds", ...options], { cwd, env: { PGPASSWORD: "secret-word" } });
  expect(made.exitCode).toBe(2);
  expect(made.stderr).not.toContain("secret-word");
  expect(existsSync(join(cwd, ".df-credentials.json"))).toBe(false);
  const untried = await dataform(["init-creds", ...options, "--no-test-connection"], {
    cwd,
    env: { PGPASSWORD: "secret-word" },
  });
  expect(untried.exitCode).toBe(0);
  expect(JSON.parse(readFileSync(join(cwd, ".df-credentials.json"), "utf8"))).toEqual({
    host: "127.0.0.1",
    port: 1,
    username: "me",
    password: "secret-word",
    databaseName: "nowhere",
  });
});

test("without a terminal the missing option is named", async () => {
  const made = await dataform(["init-creds", "--host", "a"], { cwd: temporaryProject({}) });
  expect(made).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Give --port.") as string });
});

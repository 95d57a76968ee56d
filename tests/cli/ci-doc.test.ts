import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { expect, onTestFinished, test } from "vitest";
import { freshDatabase } from "../support/database.js";
import { command, emptyFolder, repository, succeed } from "./support.js";

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const guide = readFileSync(join(repository, "docs/ci.md"), "utf8");
const workflow = load(/```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "") as Workflow;

/** A new project under git, its generated types committed, as a team would have it. */
async function teamProject(): Promise<string> {
  const parent = emptyFolder();
  await succeed(["init", "shop"], { cwd: parent });
  const root = join(parent, "shop");
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  await succeed(["check"], { cwd: root });
  const git = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
  for (const args of [
    ["init", "-qb", "main"],
    ["add", "-A"],
    [...git, "commit", "-qm", "first"],
  ])
    expect((await command("git", args, { cwd: root })).code).toBe(0);
  await command("git", ["update-ref", "refs/remotes/origin/main", "HEAD"], { cwd: root });
  onTestFinished(async () => {
    await succeed(["warehouse", "reset", "--yes"], { cwd: root });
  });
  return root;
}

test("every command of the pipeline in docs/ci.md does what it says in a new project", async () => {
  const root = await teamProject();
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const summary = join(root, "summary.md");
  const env = { DATABASE_URL: database.url, GITHUB_STEP_SUMMARY: summary };
  const ran: string[] = [];
  for (const { steps } of Object.values(workflow.jobs)) {
    for (const { run } of steps) {
      if (run === undefined || run === "npm ci") continue;
      const line = run
        .replace("npx dataform", `"${process.execPath}" "${join(repository, "bin/dataform.js")}"`)
        .replace("${{ github.base_ref }}", "main");
      const { code, stdout, stderr } = await command("bash", ["-ec", line], { cwd: root, env });
      expect(code, `${run}\n${stdout}${stderr}`).toBe(0);
      ran.push(/dataform \w+/.exec(run)?.[0] ?? "");
    }
  }
  expect(new Set(ran)).toEqual(
    new Set(
      ["format", "check", "test", "ingest", "run", "report", "refresh", "freshness"].map(
        (each) => `dataform ${each}`,
      ),
    ),
  );
  expect(readFileSync(summary, "utf8")).toContain("main");
  for (const { steps } of Object.values(workflow.jobs)) {
    const paths = steps.flatMap((step) =>
      step.uses?.startsWith("actions/upload-artifact") ? [step.with?.["path"]] : [],
    );
    for (const path of String(paths).trim().split(/\s+/)) {
      expect(await command("test", ["-e", path], { cwd: root }), path).toMatchObject({ code: 0 });
    }
  }
}, 240_000);

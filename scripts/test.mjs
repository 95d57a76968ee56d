// All checks of the repository: format, lint, types, tests. Ends with the list of skips and one line of counts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "aquifer-test-"));
const skipList = join(scratch, "skips.txt");
const results = join(scratch, "results.json");
// Tests use servers of their own, whatever the environment says.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name !== "DATABASE_URL" && !/^PG[A-Z]/.test(name)),
);

const steps = [
  ["prettier", "--check", "--log-level", "warn", "."],
  ["eslint", "--max-warnings", "0", "."],
  ["tsc", "--noEmit"],
  ["dataform", "check", "--strict", "--locked"],
  [
    "vitest",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile=${results}`,
    ...process.argv.slice(2),
  ],
];
// The project's check runs from dist/, on the embedded server, which is left as it was found.
spawnSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, env, stdio: "inherit" });
const wasRunning = warehouse("status", "--json").includes('"running"');
let failed = 0;
let failedStatic = 0;
for (const [tool, ...args] of steps) {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, [binary(tool), ...args], {
    cwd: root,
    env: { ...env, AQUIFER_SKIP_LIST: skipList },
    stdio: ["ignore", "inherit", "inherit"],
  });
  console.log(`${status === 0 ? "ok" : "FAILED"}  ${tool}  ${((Date.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) failed += 1;
  if (status !== 0 && tool !== "vitest") failedStatic += 1;
}

if (!wasRunning) warehouse("stop");

const counts = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : undefined;
if (existsSync(skipList)) {
  const lines = [...new Set(readFileSync(skipList, "utf8").trim().split("\n"))];
  console.log(`\nSkipped, because a part from outside is absent:\n  ${lines.join("\n  ")}`);
}
rmSync(scratch, { recursive: true, force: true });
const staticChecks = steps.length - 1;
console.log(
  `\nchecks: ${staticChecks - failedStatic} of ${staticChecks} static checks and ${counts?.numPassedTests ?? 0} tests passed`,
);
console.log(
  `${counts?.numPassedTests ?? 0} passed, ${(counts?.numFailedTests ?? 0) + (counts === undefined ? 1 : 0)} failed, ${counts?.numPendingTests ?? 0} skipped`,
);
process.exit(failed === 0 && counts !== undefined ? 0 : 1);

function warehouse(...args) {
  const command = [binary("dataform"), "warehouse", ...args];
  return spawnSync(process.execPath, command, { cwd: root, env, encoding: "utf8" }).stdout;
}

/** The script of a tool's command, run by this Node so that no shell or shim stands between. */
function binary(tool) {
  if (tool === "dataform") return join(root, "bin", "dataform.js");
  const packages = { prettier: "prettier", eslint: "eslint", tsc: "typescript", vitest: "vitest" };
  const folder = join(root, "node_modules", packages[tool]);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[tool]);
}

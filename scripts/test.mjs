// All checks of the repository: format, lint, types, tests. Ends with the list of skips and one line of counts.
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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

const checks = [
  ["prettier", "--check", "--log-level", "warn", "."],
  ["eslint", "--max-warnings", "0", "."],
  ["tsc", "--noEmit"],
  ["dataform", "check", "--strict", "--locked"],
];
const reporters = ["--reporter=default", "--reporter=json", `--outputFile=${results}`];
const tests = ["vitest", "run", ...reporters, ...process.argv.slice(2)];
// The project's check runs from dist/, on the embedded server, which is left as it was found.
spawnSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, env, stdio: "inherit" });
const wasRunning = warehouse("status", "--json").includes('"running"');
let failed = 0;
// The static checks side by side, each printed whole when it has ended; then the tests, which want the machine for themselves.
await Promise.all(checks.map((step) => perform(step, "pipe")));
const failedStatic = failed;
await perform(tests, "inherit");

if (!wasRunning) warehouse("stop");

const counts = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : undefined;
if (existsSync(skipList)) {
  const lines = [...new Set(readFileSync(skipList, "utf8").trim().split("\n"))];
  console.log(`\nSkipped, because a part from outside is absent:\n  ${lines.join("\n  ")}`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(
  `\nchecks: ${checks.length - failedStatic} of ${checks.length} static checks and ${counts?.numPassedTests ?? 0} tests passed`,
);
console.log(
  `${counts?.numPassedTests ?? 0} passed, ${(counts?.numFailedTests ?? 0) + (counts === undefined ? 1 : 0)} failed, ${counts?.numPendingTests ?? 0} skipped`,
);
process.exit(failed === 0 && counts !== undefined ? 0 : 1);

/** Runs one step and prints how it ended. */
async function perform([tool, ...args], output) {
  const started = Date.now();
  const child = spawn(process.execPath, [binary(tool), ...args], {
    cwd: root,
    env: { ...env, AQUIFER_SKIP_LIST: skipList },
    stdio: ["ignore", output, output],
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => said.push(chunk));
  const [status] = await once(child, "close");
  if (status !== 0) failed += 1;
  process.stdout.write(Buffer.concat(said));
  console.log(`${status === 0 ? "ok" : "FAILED"}  ${tool}  ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

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

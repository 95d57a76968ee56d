// The main job from end to end on the embedded server with generated data: `npm start`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const wasRunning = JSON.parse(dataform(["warehouse", "status", "--json"], "pipe").stdout).state === "running";

for (const args of [
  ["sample", "bank", "--customers", "41188"],
  ["sample", "utility", "perumda", "telco", "pam", "--embedded"],
  ["refresh", "--embedded"],
]) {
  console.log(`\n$ npx dataform ${args.join(" ")}`);
  const { status } = dataform(args, "inherit");
  if (status !== 0) {
    stop();
    process.exit(status ?? 1);
  }
}
stop();

const index = join("build", "reports", "index.html");
if (!existsSync(join(root, index))) {
  console.error(`${index} was not written`);
  process.exit(1);
}
console.log(`
Done. Where to look:
  ${index.padEnd(30)} the reports; open it in a browser
  ${"npx dataform history last".padEnd(30)} what ran, how long, how many rows
  ${"npx dataform warehouse psql".padEnd(30)} the tables themselves: select * from gold...
  ${"definitions/ ingest/ reports/".padEnd(30)} the models, sources and reports that did it`);

/** Sample data never lands in somebody's warehouse: no variable that names a server is handed on. */
function dataform(args, stdio) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^PG|(DATABASE|KAFKA)_URL$/.test(name)),
  );
  const options = { cwd: root, env, stdio: ["ignore", stdio, "inherit"], encoding: "utf8" };
  return spawnSync(process.execPath, [join(root, "bin", "dataform.js"), ...args], options);
}

/** Leaves a server running that was running before. */
function stop() {
  if (!wasRunning) dataform(["warehouse", "stop"], "pipe");
}

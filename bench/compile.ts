import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = process.cwd();

/** Compiles a generated project of 1,000 models with two assertions each, by Aquifer and by Google's CLI, whole commands. */
export default async function compile(report: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  try {
    writeProject(root, 1000);
    const ours = time(["bin/dataform.js", "compile", "--json", root]);
    const google = time(["node_modules/@dataform/cli/bundle.js", "compile", "--json", root]);
    report(`1,000 models, 2,000 assertions: dataform (Aquifer) ${seconds(ours)}`);
    report(`1,000 models, 2,000 assertions: @dataform/cli 3.0.69 ${seconds(google)}`);
    report(`ratio ${(google.milliseconds / ours.milliseconds).toFixed(1)}`);
    if (ours.targets !== google.targets) throw new Error(`${ours.targets} against ${google.targets} actions`);
    writeProject(root, 10_000);
    rmSync(join(root, ".aquifer"), { recursive: true });
    report(`10,000 models, 20,000 assertions: first ${seconds(time(["bin/dataform.js", "compile", root]))}`);
    report(`10,000 models, 20,000 assertions: again ${seconds(time(["bin/dataform.js", "compile", root]))}`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Models in chains of ten, with a config, columns, a js block and two inline assertions each. */
function writeProject(root: string, models: number): void {
  const core = "node_modules/@dataform/core";
  cpSync(join(repository, core), join(root, core), { recursive: true });
  writeFileSync(join(root, "package.json"), "{}");
  writeFileSync(join(root, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "bench" }');
  for (let model = 0; model < models; model++) {
    const folder = join(root, "definitions", `group_${model % 20}`);
    mkdirSync(folder, { recursive: true });
    const source = model % 10 === 0 ? "generate_series(1, 10) as id" : `\${ref("model_${model - 1}")}`;
    writeFileSync(
      join(folder, `model_${model}.sqlx`),
      `config {
  type: "table",
  tags: ["bench"],
  columns: { id: "number", amount: "in cents" },
  assertions: { uniqueKey: ["id"], nonNull: ["amount"], rowConditions: ["amount >= 0"] }
}
js {
  const factor = ${model};
}
-- one of many
select id, id * \${factor} as amount, 'it''s' as note
from ${source}
where id > 0
`,
    );
  }
}

function time(command: readonly string[]): { milliseconds: number; megabytes: number; targets: number } {
  const measured = "/usr/bin/time";
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(measured, ["-f", "%M", process.execPath, ...command], {
    cwd: repository,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  const milliseconds = performance.now() - started;
  const megabytes = Number(stderr.trim().split("\n").at(-1)) / 1024;
  const targets = stdout.startsWith("{") ? (JSON.parse(stdout) as { targets: unknown[] }).targets.length : 0;
  return { milliseconds, megabytes, targets };
}

function seconds({ milliseconds, megabytes }: { milliseconds: number; megabytes: number }): string {
  return `${(milliseconds / 1000).toFixed(2)} s, ${Math.round(megabytes)} MB`;
}

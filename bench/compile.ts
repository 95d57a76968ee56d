import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeGeneratedProject } from "./_generated-project.js";

const repository = process.cwd();
const modules = join(repository, "node_modules");

/** Compiles a generated project of 1,000 models with two assertions each, by Aquifer and by Google's CLI, whole commands in turns. */
export default async function compile(report: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  try {
    writeGeneratedProject(root, 1000, modules);
    const google: Measured[] = [];
    const first: Measured[] = [];
    const again: Measured[] = [];
    for (let round = 0; round < 3; round++) {
      google.push(measure(["node_modules/@dataform/cli/bundle.js", "compile", "--json", root]));
      rmSync(join(root, ".aquifer"), { recursive: true, force: true });
      first.push(measure(["bin/dataform.js", "compile", "--json", root]));
      again.push(measure(["bin/dataform.js", "compile", "--json", root]));
    }
    if (google[0]?.targets !== first[0]?.targets) throw new Error("the two graphs differ");
    report(`1,000 models, 2,000 assertions, median of 3: @dataform/cli 3.0.69 ${describe(median(google))}`);
    report(`1,000 models, 2,000 assertions, median of 3: dataform, first ${describe(median(first))}`);
    report(`1,000 models, 2,000 assertions, median of 3: dataform, again ${describe(median(again))}`);
    report(`ratio ${(median(google).milliseconds / median(first).milliseconds).toFixed(1)}`);
    writeGeneratedProject(root, 10_000, modules);
    rmSync(join(root, ".aquifer"), { recursive: true });
    report(
      `10,000 models, 20,000 assertions: first ${describe(measure(["bin/dataform.js", "compile", root]))}`,
    );
    report(
      `10,000 models, 20,000 assertions: again ${describe(measure(["bin/dataform.js", "compile", root]))}`,
    );
  } finally {
    rmSync(root, { recursive: true });
  }
}

interface Measured {
  readonly milliseconds: number;
  readonly megabytes: number;
  /** Actions in the graph, where it was printed. */
  readonly targets: number;
}

function measure(command: readonly string[]): Measured {
  const measured = "/usr/bin/time";
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(measured, ["-f", "%M", process.execPath, ...command], {
    cwd: repository,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  const milliseconds = performance.now() - started;
  const kilobytes = Number(stderr.trim().split("\n").at(-1));
  const targets = stdout.startsWith("{") ? (JSON.parse(stdout) as { targets: unknown[] }).targets.length : 0;
  return { milliseconds, megabytes: kilobytes / 1024, targets };
}

function median(measured: readonly Measured[]): Measured {
  const sorted = [...measured].sort((a, b) => a.milliseconds - b.milliseconds);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}

function describe({ milliseconds, megabytes }: Measured): string {
  return `${(milliseconds / 1000).toFixed(2)} s, ${Math.round(megabytes)} MB`;
}

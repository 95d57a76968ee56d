import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = process.cwd();

/** Compiles a generated project of 1,000 models with two assertions each, by Aquifer and by Google's CLI, whole commands in turns. */
export default async function compile(report: (line: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "aquifer-bench-"));
  try {
    writeProject(root, 1000);
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
    writeProject(root, 10_000);
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

/**
 * Models of an ordinary size in chains of ten: eight described columns, a js block, two refs and two inline assertions
 * (a unique key; conditions).
 */
function writeProject(root: string, models: number): void {
  const core = "node_modules/@dataform/core";
  cpSync(join(repository, core), join(root, core), { recursive: true });
  writeFileSync(join(root, "package.json"), "{}");
  writeFileSync(join(root, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "bench" }');
  mkdirSync(join(root, "includes"), { recursive: true });
  writeFileSync(
    join(root, "includes/money.js"),
    "exports.euro = (column) => `round(${column} / 100.0, 2)`;\n",
  );
  for (let model = 0; model < models; model++) {
    const folder = join(root, "definitions", `group_${model % 20}`);
    mkdirSync(folder, { recursive: true });
    const source = (distance: number): string =>
      model % 10 < distance ? "generate_series(1, 10) as id" : `\${ref("model_${model - distance}")}`;
    writeFileSync(
      join(folder, `model_${model}.sqlx`),
      `config {
  type: "table",
  description: "Orders of one day, cleaned.",
  tags: ["bench", "daily"],
  columns: {
    order_id: "Number of the order.",
    customer_id: "Who ordered.",
    ordered_at: "When it was ordered.",
    product: "What was ordered.",
    quantity: "How many.",
    amount: "In euro.",
    is_returned: "Whether it came back.",
    batch: "The load it came with."
  },
  assertions: { uniqueKey: ["order_id"], nonNull: ["customer_id"], rowConditions: ["amount >= 0", "quantity > 0"] }
}

js {
  const batch = ${model};
  const since = "2024-01-01";
}

-- one of many
with latest as (
  select order_id, customer_id, ordered_at, product, quantity, amount
  from ${source(1)}
  where ordered_at >= '\${since}'
)
select
  latest.order_id,
  latest.customer_id,
  latest.ordered_at::date as ordered_at,
  coalesce(latest.product, 'it''s unknown') as product,
  latest.quantity,
  \${money.euro("latest.amount")} as amount,
  returned.order_id is not null as is_returned,
  \${batch} as batch
from latest
left join ${source(2)} as returned on returned.order_id = latest.order_id
`,
    );
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

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConditionCheck } from "../src/statements/assertion-scan.js";
import { conditionScan, queryScan } from "../src/statements/assertion-scan.js";
import { openWarehouse } from "../src/warehouse/connect.js";
import { resetEmbedded } from "../src/warehouse/embedded/embedded-server.js";

const rows = 5_000_000;
const conditions = 50;
const repetitions = 3;

/**
 * Fifty row conditions of one table: as one fused scan, as `dataform run` sends it, and as fifty queries of their own, as
 * other tools do. In turns, on the same connection.
 */
export default async function bench(print: (line: string) => void): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "aquifer-bench-"));
  const warehouse = await openWarehouse({ projectRoot: root, embedded: true, env: {}, maxSessions: 1 });
  try {
    await warehouse.query(
      `create table checked as select i as id, i % 100 as part, (i % 7)::numeric as amount, 'name ' || i % 1000 as name
from generate_series(1, ${rows}) as i; analyze checked`,
    );
    const relation = { schema: "public", name: "checked" };
    const standard = { severity: "fail", maxFailing: { rows: 0 }, strict: false, sample: true } as const;
    const checks = Array.from({ length: conditions }, (_, index): ConditionCheck => {
      const expressions = [
        `id > -${index}`,
        `part < ${100 + index}`,
        `amount <> ${7 + index}`,
        `length(name) < ${20 + index}`,
      ];
      return { assertion: "a", expression: expressions[index % 4] ?? "true", settings: standard };
    });
    const times: Record<"fused" | "single", number[]> = { fused: [], single: [] };
    for (let repetition = 0; repetition < repetitions; repetition++) {
      times.fused.push(await timed(() => warehouse.query(conditionScan(relation, checks))));
      times.single.push(
        await timed(async () => {
          for (const { expression } of checks) {
            await warehouse.query(queryScan(`select * from checked where not (${expression})`));
          }
        }),
      );
    }
    print(`${conditions} conditions on ${rows.toLocaleString("en-US")} rows`);
    for (const [name, list] of Object.entries(times)) {
      print(
        `  ${name}: ${list.map((time) => time.toFixed(2)).join(", ")} s, median ${median(list).toFixed(2)} s`,
      );
    }
    print(`  fused is ${(median(times.single) / median(times.fused)).toFixed(1)} times faster`);
  } finally {
    await warehouse.close();
    await resetEmbedded(root);
    await rm(root, { recursive: true });
  }
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

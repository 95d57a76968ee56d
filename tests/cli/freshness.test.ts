import { expect, onTestFinished, test } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const source = (freshness: string): string => `import { defineSource } from "aquifer";
export const orders = defineSource({ name: "shop", files: "*.csv", columns: { id: {} }${freshness} });`;

async function ageOf(freshness: string, days: number | undefined) {
  const database = await freshDatabase({ maxSessions: 2 });
  onTestFinished(() => database.drop());
  const cwd = temporaryProject({ "ingest/shop.ts": source(freshness), "raw/shop/a.csv": "id\n1\n" });
  const env = { DATABASE_URL: database.url };
  if (days !== undefined) {
    expect((await dataform(["ingest"], { cwd, env })).exitCode).toBe(0);
    await database.warehouse.query(
      `update aquifer.ingest_batch set ended_at = now() - interval '${days} days'`,
    );
  }
  const { exitCode, stdout } = await dataform(["freshness", "--json"], { cwd, env });
  const [age] = JSON.parse(stdout) as { status: string; ageSeconds: number | null }[];
  return { exitCode, ...age };
}

const limits = ', freshness: { warnAfter: "1d", errorAfter: "3d" }';

test.each([
  [0, "fresh", 0],
  [2, "warn", 0],
  [4, "error", 1],
  [undefined, "error", 1],
])("loaded %s days ago: %s, exit %s", async (days, status, exitCode) => {
  const age = await ageOf(limits, days);
  expect(age).toMatchObject({ status, exitCode });
  if (days !== undefined) expect(Math.round((age.ageSeconds ?? 0) / 86_400)).toBe(days);
});

test("a source without limits is listed and never fails", async () => {
  expect(await ageOf("", 100)).toMatchObject({ status: "no limit", exitCode: 0 });
});

test("an age that is no duration is refused with the source's name", async () => {
  const cwd = temporaryProject({ "ingest/shop.ts": source(', freshness: { warnAfter: "soon" }') });
  const { exitCode, stderr } = await dataform(["freshness"], { cwd, env: {} });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Source shop: freshness.warnAfter: "soon" is not a duration');
});

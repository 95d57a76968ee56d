import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { freshDatabase } from "../support/database.js";
import { emptyFolder, folderState, repository, succeed, writeFiles, type SpawnOptions } from "./support.js";

/** The repository's project half in a folder of its own, without raw files. */
function project(): string {
  const root = emptyFolder();
  for (const part of [
    "dataform.json",
    "package.json",
    "definitions",
    "includes",
    "ingest",
    "reports",
    "seeds",
  ])
    cpSync(join(repository, part), join(root, part), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  return root;
}

async function onOwnDatabase(
  cwd: string,
): Promise<SpawnOptions & { rows: (sql: string) => Promise<unknown> }> {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  return {
    cwd,
    env: { DATABASE_URL: database.url },
    rows: async (sql) => (await database.warehouse.query(sql)).rows,
  };
}

const sample = ["sample", "bank", "--customers", "1000", "--seed", "3"];

/** The actions that a run reports as done, by `schema.name`. */
function actionsOf(stdout: string): string[] {
  const line = /^(?:\w+ )*(?:created|passed|warned|successfully): {2}([\w.]+)/gm;
  return [...stdout.matchAll(line)].map(([, name = ""]) => name).sort();
}

/** What the reports show: the key figures of every page, without times and ids. */
function figuresOf(root: string): unknown {
  return ["customer-segmentation", "target-market"].map((name) => {
    const file = join(root, "build/reports/api/bank", `${name}.json`);
    const { kpis } = JSON.parse(readFileSync(file, "utf8")) as { kpis: { label: string; value: number }[] };
    return kpis.map(({ label, value }) => [label, value]);
  });
}

test("sample, ingest, run, test, report: the same figures on a named server and on the embedded one", async () => {
  const named = await onOwnDatabase(project());
  const embedded: SpawnOptions = { cwd: project() };
  const figures: unknown[] = [];
  try {
    for (const options of [named, embedded]) {
      await succeed(sample, options);
      expect(await succeed(["ingest"], options)).toMatch(/\nBatch batch_\w+: [\d,]+ rows of 69 files in /);
      expect(await succeed(["run"], options)).toMatch(/\n\d+ successful in /);
      expect(await succeed(["test"], options)).toMatch(/\n\d+ passed, 0 failed in /);
      expect(await succeed(["report"], options)).toContain("\n2 reports built in ");
      figures.push(figuresOf(options.cwd));
    }
  } finally {
    await resetEmbedded(embedded.cwd);
  }
  expect(figures[1]).toEqual(figures[0]);
  expect(figures[0]).toMatchObject([[["Customers", expect.any(Number)], {}, {}], {}]);
  expect(folderState(join(named.cwd, "raw"))).toEqual(folderState(join(embedded.cwd, "raw")));
});

test("refresh does all the first time, nothing the second, and only what a new daily file touches the third", async () => {
  const options = await onOwnDatabase(project());
  await succeed(sample, options);
  const first = await succeed(["refresh"], options);
  expect(first).toContain("\n2 reports built in ");
  const pages = folderState(join(options.cwd, "build"));

  const second = await succeed(["refresh"], options);
  expect(second).toMatch(/^Skipped: 69 files \(unchanged\)\nNothing new\.\nNo data yet: bank\/stream, /);
  // They read the server's catalog, whose grants and columns anybody may change at any time.
  expect(actionsOf(second)).toEqual([
    "quality.bank_contact_is_private",
    "quality.bank_gold_without_personal_data",
  ]);
  expect(second).toMatch(/\nReports are up to date\.\n$/);
  expect(folderState(join(options.cwd, "build"))).toEqual(pages);

  writeFiles(options.cwd, registration);
  const third = await succeed(["refresh"], options);
  expect(third).toMatch(
    /^Loaded: raw\/bank\/marketing_bank\/2021-01-01\/\S+ -> bronze\.bank_registration, 1 row, period 2021-01-01, /,
  );
  expect(third).toContain("\nSkipped: 69 files (unchanged)\n");
  // The dimensions come from seeds, which did not change; nothing else stands before the new row.
  const untouched = /\.(gold_)?bank_dim_/;
  const all = actionsOf(first);
  expect(all.filter((name) => untouched.test(name))).toHaveLength(16);
  expect(actionsOf(third)).toEqual(all.filter((name) => !untouched.test(name)));
  expect(third).toContain("\n2 reports built in ");
});

const dump = {
  "raw/bank/bank-marketing-dataset.csv":
    "age,job,marital,education,default,housing,loan\n30,admin.,married,basic.4y,no,no,no\n41,services,single,unknown,no,yes,no\n",
};
const registration = {
  "raw/bank/marketing_bank/2021-01-01/combined_data_2021-01-01.csv":
    "01/01/2021 06:05:36,ann@example.org,Ann,Lee,14/12/1980,admin.,single,basic.4y,no,no,yes\n",
};

test.each([
  { what: "the dump only", raw: dump, customers: 2 },
  { what: "registrations only", raw: registration, customers: 1 },
  { what: "nothing", raw: {}, customers: 0 },
])("run and report work after an ingest of $what", async ({ raw, customers }) => {
  const options = await onOwnDatabase(project());
  writeFiles(options.cwd, raw);
  await succeed(["ingest"], options);
  expect(await succeed(["run"], options)).toMatch(/\n\d+ successful in /);
  await succeed(["report"], options);
  expect(await options.rows("select count(*)::int as customers from gold.bank_profile_feed")).toEqual([
    { customers },
  ]);
});

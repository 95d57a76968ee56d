import { expect, it, onTestFinished } from "vitest";
import { chmodSync } from "node:fs";
import { embeddedStatus, resetEmbedded } from "../../src/warehouse/embedded/embedded-server.js";
import { dataform } from "../support/command-line.js";
import { temporaryProject } from "../support/temporary-project.js";
import { brief, checked } from "./check-support.js";

const model = 'config { type: "table" }\nselect id, sum(amount) as total from ${ref("orders")} group by id';
const test = (input: string, expected: string, dataset = "sums"): string =>
  `config { type: "test", dataset: "${dataset}" }\ninput "orders" {\n${input}\n}\n${expected}`;

it.each([
  ["a sound test", test("select 1 as id, 2.5 as amount", "select 1 as id, 2.5 as total"), []],
  [
    "an error in an input",
    test("select 1 as id,\n  2.5 as amount, nonsense", "select 1 as id, 2.5 as total"),
    ['sums_test.sqlx:4:18 test sums_test: column "nonsense" does not exist (in the input orders)'],
  ],
  [
    "an error in the expected rows",
    test("select 1 as id, 2.5 as amount", "select 1 as id, totl"),
    ['sums_test.sqlx:5:17 test sums_test: column "totl" does not exist (in the expected rows)'],
  ],
  [
    "an input that lacks what the model reads",
    test("select 1 as id", "select 1 as id, 2.5 as total"),
    ['sums_test.sqlx test sums_test: column "amount" does not exist (in the model\'s query on the inputs)'],
  ],
  [
    "other columns than the model's",
    test("select 1 as id, 2.5 as amount", "select 1 as id, 2.5 as totl"),
    [
      "sums_test.sqlx test sums_test: the column totl is expected, but the model does not have it",
      "sums_test.sqlx test sums_test: the model's column total is not among the expected ones",
    ],
  ],
])("judges unit tests: %s", async (_, text, expected) => {
  const { findings, tests } = await checked({ "sums.sqlx": model, "sums_test.sqlx": text });
  expect(findings.map(brief)).toEqual(expected);
  expect(tests).toBe(1);
});

it("judges the incremental form of tests in tests/models, and nothing on a broken model", async () => {
  const files = (increment: string): Record<string, string> => ({
    "kept.sqlx": `config { type: "incremental", uniqueKey: ["id"] }\nselect id, amount from \${ref("orders")} \${when(incremental(), \`where ${increment}\`)}`,
    "tests/models/kept.sqlx": `config { type: "test", dataset: "kept" }
input "orders" {
  select 1 as id, 2.5 as amont
}
input "self" {
  select 1 as id, 1.5 as amount
}
select 1 as id, 2.5 as amount`,
  });
  const sound = await checked(files("amount > (select max(amount) from ${self()})"));
  expect(sound.findings.map(({ message }) => message)).toEqual([
    'test kept: column "amount" does not exist (in the model\'s query on the inputs)',
  ]);
  const broken = await checked(files("absent > 1"));
  expect(broken.findings.map(({ message }) => message)).toEqual(['column "absent" does not exist']);
});

it("runs unit tests on an empty database when no server is named, with what operations make", async () => {
  const root = temporaryProject({
    "definitions/double.sqlx":
      'config { type: "operations" }\ncreate function silver.double(x int) returns int language sql as $$ select 2 * x $$',
    "definitions/base.sqlx": 'config { type: "table" }\nselect 1 as id',
    "definitions/twice.sqlx":
      'config { type: "table", dependencies: ["double"] }\nselect silver.double(id) as id from ${ref("base")}',
    "definitions/twice_test.sqlx":
      'config { type: "test", dataset: "twice" }\ninput "base" { select 4 as id }\nselect 8 as id',
  });
  chmodSync(root, 0o755);
  onTestFinished(() => resetEmbedded(root));
  const { stdout, exitCode } = await dataform(["test"], { cwd: root });
  expect(stdout).toContain("1 passed, 0 failed");
  expect(exitCode).toBe(0);
  expect((await embeddedStatus(root)).state).toBe("running");
});

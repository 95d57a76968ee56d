import { expect, it, onTestFinished } from "vitest";
import { dataform } from "../support/command-line.js";
import { freshDatabase } from "../support/database.js";
import { temporaryProject } from "../support/temporary-project.js";

const letters = ["a", "b", "c", "d"];

/** Relations of one kind that know nothing of each other, and an assertion whose view reads all of them. */
function project(type: "table" | "view" | "mixed"): string {
  const kind = (index: number): string => (type === "mixed" ? (index % 2 === 0 ? "table" : "view") : type);
  return temporaryProject({
    ...Object.fromEntries(
      letters.map((letter, index) => [
        `definitions/${letter}.sqlx`,
        `config { type: "${kind(index)}" }\nselect 1 as id, now() as built`,
      ]),
    ),
    "definitions/all_agree.sqlx": `config { type: "assertion" }
${letters.map((letter) => `select id from \${ref("${letter}")} where id <> 1`).join("\nunion all\n")}`,
  });
}

it.each(["table", "view", "mixed"] as const)(
  "actions (%s) that run at once and share a dependent view do not keep each other from their locks",
  async (type) => {
    const root = project(type);
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    const options = { cwd: root, env: { DATABASE_URL: database.url } };
    for (let round = 0; round < 4; round++) {
      const started = performance.now();
      const { exitCode, stdout, stderr } = await dataform(["run"], options);
      expect(exitCode, stdout + stderr).toBe(0);
      expect(performance.now() - started).toBeLessThan(20_000);
    }
  },
  120_000,
);

import { expect, onTestFinished, test } from "vitest";
import { freshDatabase } from "../support/database.js";
import { compiled, runAll } from "../support/project.js";

test.each(["assertions: { sample: false }", "sample: false"])(
  "with %s no failing row reaches the outcome or history, its count does",
  async (setting) => {
    const database = await freshDatabase({ maxSessions: 4 });
    onTestFinished(() => database.drop());
    const settings = `metadata: { extraProperties: { aquifer: { ${setting} } } }`;
    const project = await compiled({
      "a.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], rowConditions: ["email like '%@%'"] }, ${settings} }
select 1 as id, 'secret' as email union all select 1, 'secret'`,
    });
    const outcome = await runAll(project, database.warehouse);
    expect(outcome.status).toBe("failed");
    expect(JSON.stringify(outcome)).not.toContain("secret");
    const { rows } = await database.warehouse.query<{ failed: string; sample: unknown }>(
      "select rows_failed as failed, sample::text from aquifer.assertion_result order by assertion",
    );
    expect(rows.map(({ failed }) => failed)).toEqual(["2", "1"]);
    expect(JSON.stringify(rows)).not.toContain("secret");
  },
);

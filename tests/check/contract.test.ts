import { expect, it } from "vitest";
import { brief, checked } from "./check-support.js";

const model = (columns: string, query: string): Record<string, string> => ({
  "a.sqlx": `config { type: "table", columns: { ${columns} } }\n${query}`,
});

it("warns of a column that is described and not produced, and of the reverse", async () => {
  const { findings } = await checked(
    model('id: "x", amount: "y", dy: "z"', 'select id, amount, ordered_at as day from ${ref("orders")}'),
  );
  expect(findings.map(brief)).toEqual([
    'a.sqlx:1:58 warning: describes the column "dy", which the query does not return',
    'a.sqlx:2:34 warning: returns "day", which its columns do not describe',
  ]);
});

it("takes a few descriptions for notes, not for a contract", async () => {
  const query = 'select id, amount, ordered_at as day, note from ${ref("orders")}';
  for (const columns of ["", 'id: "x"', 'id: "x", amount: "y"']) {
    expect((await checked(model(columns, query))).findings).toEqual([]);
  }
  expect((await checked(model('id: "x", amount: "y", day: "z"', query))).findings).toHaveLength(1);
});

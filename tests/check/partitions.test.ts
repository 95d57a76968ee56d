import { expect, it } from "vitest";
import { brief, checked } from "./check-support.js";

function split(partition: string, query: string, type = "table", more = ""): string {
  return `config { type: "${type}", metadata: { extraProperties: { postgres: { partitionBy: ${partition}${more} } } } }
${query}`;
}

const byMonth = '{ column: "ordered_at", granularity: "month" }';
const orders = "select id, ordered_at, amount from ${ref('orders')}";

it.each([
  ["ranges of dates", byMonth, orders, "table", ""],
  ["a list", '{ column: "note", list: true }', "select note from ${ref('orders')}", "table", ""],
  ["a hash", '{ column: "id", hash: 4 }', orders, "table", ', primaryKey: ["id"]'],
  ["an incremental model", byMonth, orders, "incremental", ""],
])("builds partitioned models, and what reads them: %s", async (_, partition, query, type, more) => {
  const { findings, model } = await checked({
    "split.sqlx": split(partition, query, type, more),
    "reader.sqlx": 'config { type: "view" }\nselect * from ${ref("split")}',
  });
  expect(findings.map(brief)).toEqual([]);
  const [own, read] = ["split", "reader"].map((name) =>
    model.relations[`silver.${name}`]?.columns.map((column) => `${column.name} ${column.type}`),
  );
  expect(read).toEqual(own);
});

it.each([
  [
    "a column that the query does not return",
    '{ column: "ordered", granularity: "month" }',
    orders,
    "",
    'split.sqlx:1:92 column "ordered" named in partition key does not exist',
  ],
  [
    "ranges of what is no date",
    '{ column: "note", granularity: "month" }',
    "select note from ${ref('orders')}",
    "",
    "split.sqlx function isfinite(text) does not exist",
  ],
  [
    "a key without the column",
    byMonth,
    orders,
    ', primaryKey: ["id"]',
    "split.sqlx unique constraint on partitioned table must include all partitioning columns",
  ],
  [
    "an error in the query, at its place",
    byMonth,
    "select id, orderd_at from ${ref('orders')}",
    "",
    'split.sqlx:2:12 column "orderd_at" does not exist',
  ],
])("refuses %s", async (_, partition, query, more, expected) => {
  const { findings, unchecked } = await checked({
    "split.sqlx": split(partition, query, "table", more),
    "reader.sqlx": 'config { type: "view" }\nselect * from ${ref("split")}',
  });
  expect(findings.map(brief)).toEqual([expected]);
  expect([...unchecked.keys()]).toEqual(["silver.reader"]);
});

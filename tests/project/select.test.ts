import { expect, test } from "vitest";
import type { CompiledGraph } from "../../src/project/compiled-graph.js";
import { selectActions, type Selection } from "../../src/project/select.js";

const target = (schema: string, name: string): { schema: string; name: string } => ({ schema, name });

// bronze.orders -> silver.orders -> gold.sales -> gold.sales_view; silver.people -> gold.sales; quality.check -> gold.sales
const graph: CompiledGraph = {
  declarations: [{ target: target("bronze", "orders"), fileName: "definitions/shop/bronze/orders.sqlx" }],
  tables: [
    {
      target: target("silver", "orders"),
      enumType: "TABLE",
      tags: ["shop", "silver"],
      dependencyTargets: [target("bronze", "orders")],
      fileName: "definitions/shop/silver/orders.sqlx",
    },
    {
      target: target("silver", "people"),
      enumType: "TABLE",
      tags: ["hr"],
      fileName: "definitions/hr/people.sqlx",
    },
    {
      target: target("gold", "sales"),
      enumType: "TABLE",
      tags: ["shop"],
      dependencyTargets: [target("silver", "orders"), target("silver", "people")],
      fileName: "definitions/shop/gold/sales.sqlx",
    },
    {
      target: target("gold", "sales_view"),
      enumType: "VIEW",
      dependencyTargets: [target("gold", "sales")],
      fileName: "definitions/views.js",
    },
  ],
  assertions: [
    {
      target: target("quality", "silver_orders_assertions_uniqueKey_0"),
      parentAction: target("silver", "orders"),
      dependencyTargets: [target("silver", "orders")],
      fileName: "definitions/shop/silver/orders.sqlx",
    },
    {
      target: target("quality", "check"),
      dependencyTargets: [target("gold", "sales")],
      fileName: "definitions/shop/check.sqlx",
    },
  ],
};
const inline = "quality.silver_orders_assertions_uniqueKey_0";

function select(selection: Selection): string[] {
  return [...selectActions(graph, selection)].sort();
}

test.each<[what: string, selection: Selection, selected: string[]]>([
  ["schema and name", { actions: ["gold.sales"] }, ["gold.sales"]],
  ["name alone", { actions: ["people"] }, ["silver.people"]],
  ["a wildcard", { actions: ["gold.*"] }, ["gold.sales", "gold.sales_view"]],
  ["a table brings its inline assertions", { actions: ["silver.orders"] }, [inline, "silver.orders"]],
  ["a folder", { actions: ["definitions/shop/gold"] }, ["gold.sales"]],
  ["a folder below definitions", { actions: ["path:hr"] }, ["silver.people"]],
  ["a file", { actions: ["definitions/views.js"] }, ["gold.sales_view"]],
  ["a glob of files", { actions: ["shop/*/sales.sqlx"] }, ["gold.sales"]],
  ["a tag", { actions: ["tag:hr"] }, ["silver.people"]],
  ["--tags", { tags: ["shop"] }, ["gold.sales", inline, "silver.orders"]],
  ["a union", { actions: ["people", "sales_view"] }, ["gold.sales_view", "silver.people"]],
  [
    "dependencies",
    { actions: ["+sales"] },
    ["bronze.orders", "gold.sales", inline, "silver.orders", "silver.people"],
  ],
  ["one step of dependencies", { actions: ["1+sales_view"] }, ["gold.sales", "gold.sales_view"]],
  [
    "dependents",
    { actions: ["people+"] },
    ["gold.sales", "gold.sales_view", "quality.check", "silver.people"],
  ],
  ["one step of dependents", { actions: ["people+1"] }, ["gold.sales", "silver.people"]],
  [
    "--include-deps",
    { actions: ["sales_view"], includeDeps: true },
    ["bronze.orders", "gold.sales", "gold.sales_view", inline, "silver.orders", "silver.people"],
  ],
  [
    "--include-dependents",
    { actions: ["sales"], includeDependents: true },
    ["gold.sales", "gold.sales_view", "quality.check"],
  ],
  [
    "dependents of a declaration",
    { actions: ["bronze.orders+1"] },
    ["bronze.orders", inline, "silver.orders"],
  ],
  [
    "--exclude",
    { actions: ["+sales_view"], exclude: ["+silver.orders", "tag:hr"] },
    ["gold.sales", "gold.sales_view"],
  ],
])("%s", (_, selection, selected) => {
  expect(select(selection)).toEqual([...selected].sort());
});

test("no selection is everything, and can be reduced", () => {
  expect(select({})).toHaveLength(7);
  expect(select({ exclude: ["*"] })).toEqual([]);
});

test("selectors that the graph cannot answer are looked up, with graph operators", () => {
  const lookUp: NonNullable<Selection["lookUp"]> = ({ kind, value }) =>
    kind === "state" && value === "modified" ? new Set(["gold.sales", "gold.gone"]) : undefined;
  expect(select({ actions: ["state:modified"], lookUp })).toEqual(["gold.sales"]);
  expect(select({ actions: ["state:modified+1"], lookUp })).toEqual([
    "gold.sales",
    "gold.sales_view",
    "quality.check",
  ]);
  expect(() => select({ actions: ["state:nonsense"], lookUp })).toThrow(
    'No selector matches "state:nonsense"',
  );
});

test.each([
  [{ actions: ["gold.sale"] }, "gold.sales"],
  [{ actions: ["definitions/shop/gold/sale.sqlx"] }, "definitions/shop/gold/sales.sqlx"],
  [{ tags: ["shp"] }, "shop"],
  [{ actions: ["people"], exclude: ["pople"] }, "people"],
])("what matches nothing is an error that names the nearest: %o", (selection, nearest) => {
  expect(() => select(selection)).toThrow(
    expect.objectContaining({ hint: `Did you mean "${nearest}"?`, exitCode: 2 }) as Error,
  );
});

test("a name in several schemas must be told apart", () => {
  expect(() => select({ actions: ["orders"] })).toThrow("Ambiguous action name: orders");
  expect(select({ actions: ["*.orders"] })).toEqual(["bronze.orders", inline, "silver.orders"].sort());
});

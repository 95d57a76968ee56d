import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the models of a chain of ten are materialised, by their place in it. */
const materializations = ["table", "table", "view", "table", "incremental", "table", "table", "materialized"];

/** How a model of a generated project is materialised. */
export function materialization(model: number): string {
  return materializations[model % 10] ?? "table";
}

/**
 * Writes a Dataform project of models of an ordinary size in chains of ten, which really runs: tables, views, incremental
 * models and materialized views with eight described columns, a js block, two refs and two inline assertions (a unique key;
 * conditions).
 *
 * @param modules the `node_modules` whose `@dataform/core` the project gets its copy of
 */
export function writeGeneratedProject(root: string, models: number, modules: string): void {
  const core = join("@dataform", "core");
  cpSync(join(modules, core), join(root, "node_modules", core), { recursive: true });
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
    writeFileSync(
      join(folder, `model_${model}.sqlx`),
      `config {
  ${settings(materialization(model))}
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

${modelQuery(model, {
  ref: (name) => `\${ref("${name}")}`,
  euro: (column) => `\${money.euro("${column}")}`,
  since: "${since}",
  batch: "${batch}",
  increment: '${when(incremental(), "where latest.ordered_at > current_date")}',
})}`,
    );
  }
}

function settings(materialized: string): string {
  if (materialized === "incremental") return 'type: "incremental",\n  uniqueKey: ["order_id"],';
  if (materialized === "materialized") return 'type: "view",\n  materialized: true,';
  return `type: "${materialized}",`;
}

/** How a tool writes what changes from model to model. */
export interface ModelWords {
  readonly ref: (name: string) => string;
  readonly euro: (column: string) => string;
  readonly since: string;
  readonly batch: string;
  readonly increment: string;
}

/** The query of a model, in the words of one tool. */
export function modelQuery(model: number, words: ModelWords): string {
  const source = (distance: number): string =>
    model % 10 < distance ? firstOrders : words.ref(`model_${model - distance}`);
  const increment = materialization(model) === "incremental" ? `\n${words.increment}` : "";
  return `-- one of many
with latest as (
  select order_id, customer_id, ordered_at, product, quantity, amount
  from ${source(1)} as orders
  where ordered_at >= '${words.since}'
)
select
  latest.order_id,
  latest.customer_id,
  latest.ordered_at::date as ordered_at,
  coalesce(latest.product, 'it''s unknown') as product,
  latest.quantity,
  ${words.euro("latest.amount")} as amount,
  returned.order_id is not null as is_returned,
  ${words.batch} as batch
from latest
left join ${source(2)} as returned on returned.order_id = latest.order_id${increment}
`;
}

const firstOrders = `(
    select
      id as order_id,
      id % 3 as customer_id,
      timestamp '2024-01-01' + id * interval '1 hour' as ordered_at,
      'product ' || id as product,
      id as quantity,
      id * 1000 as amount
    from generate_series(1, 10) as id
  )`;

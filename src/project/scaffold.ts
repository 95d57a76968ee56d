/** The files of a new project by path: one source, one model, one unit test, one report, and data to try them with. */
export function scaffold(options: {
  readonly name: string;
  readonly aquiferVersion: string;
}): Record<string, string> {
  const packageJson = {
    name: options.name,
    private: true,
    scripts: {
      start: "dataform refresh",
      test: "dataform check && dataform test",
    },
    dependencies: { aquifer: options.aquiferVersion },
  };
  return {
    "package.json": `${JSON.stringify(packageJson, null, 2)}\n`,
    "dataform.json": `{
  "warehouse": "postgres",
  "defaultSchema": "gold",
  "assertionSchema": "quality"
}
`,
    ".gitignore": `node_modules/
.aquifer/
.df-credentials.json
build/
raw/
`,
    "tsconfig.json": `{
  "compilerOptions": {
    "target": "ES2022",
    "module": "NodeNext",
    "strict": true,
    "noEmit": true,
    "skipLibCheck": true
  },
  "include": ["ingest", "reports", "types", "aquifer.config.ts"]
}
`,
    "ingest/shop.ts": `import { defineSource } from "aquifer";

/** Orders as the shop exports them: one CSV a month. A file that comes again replaces its month. */
export const orders = defineSource({
  name: "shop/orders",
  files: "orders_*.csv",
  columns: { order_id: {}, ordered_at: {}, customer: {}, amount: { description: "In euro." } },
  period: { grain: "month", fromName: /orders_(?<year>\\d{4})-(?<month>\\d{2})\\.csv$/ },
  reload: "replace_period",
});
`,
    "raw/shop/orders_2024-01.csv": `order_id,ordered_at,customer,amount
1,2024-01-03,Ann,12.50
2,2024-01-09,Bob,80.00
3,2024-01-21,Ann,7.25
`,
    "raw/shop/orders_2024-02.csv": `order_id,ordered_at,customer,amount
4,2024-02-02,Cid,19.90
5,2024-02-14,Bob,45.00
`,
    "definitions/shop/shop_orders.sqlx": `config {
  type: "declaration",
  schema: "bronze",
  name: "shop_orders",
  description:
    "Orders as they came, every column as text; filled by ingest/shop.ts.",
}
`,
    "definitions/shop/shop_revenue.sqlx": `config {
  type: "table",
  description: "Orders and revenue of each month.",
  columns: {
    month: "First day of the month.",
    orders: "Orders taken.",
    revenue: "Sum of their amounts, in euro.",
  },
  assertions: {
    uniqueKey: ["month"],
    nonNull: ["month", "revenue"],
    rowConditions: ["orders > 0"],
  },
}

select
  date_trunc('month', ordered_at::date)::date as month,
  count(*) as orders,
  sum(amount::numeric) as revenue
from
  \${ref("bronze", "shop_orders")}
group by
  month
`,
    "definitions/shop/test_shop_revenue.sqlx": `config {
  type: "test",
  dataset: "shop_revenue",
}

input "bronze", "shop_orders" {
  select
    '2024-01-03' as ordered_at,
    '1.50' as amount
  union all
  select
    '2024-01-31',
    '2.50'
  union all
  select
    '2024-02-01',
    '4'
}

select
  date '2024-01-01' as month,
  2 as orders,
  4.00 as revenue
union all
select
  '2024-02-01',
  1,
  4
`,
    "reports/shop/revenue.ts": `import { defineReport, kpi, ref, sql, table, total } from "aquifer";

const euro = { as: "currency", currency: "EUR", digits: 2 } as const;

export default defineReport("shop/revenue", {
  title: "Revenue",
  description: "How much the shop sold in each month.",
  data: {
    months: {
      sql: sql\`select month, orders, revenue from \${ref("gold", "shop_revenue")} order by month\`,
      columns: {
        month: { type: "date", label: "Month", format: { as: "month" } },
        orders: { type: "integer", label: "Orders" },
        revenue: { type: "number", label: "Revenue", format: euro },
      },
    },
  },
  body: ({ months }) => [
    {
      title: "At a glance",
      items: [
        kpi({
          label: "Revenue",
          value: total(months, "revenue"),
          format: euro,
          definition: "Sum of the amounts of all orders.",
        }),
        table({ title: "Months", rows: months, fields: {} }),
      ],
    },
  ],
});
`,
    "README.md": `# ${options.name}

    npx dataform refresh     # load what is new in raw/, build and check what it touches, write build/reports/
    npx dataform test        # run the unit tests

Without a database of its own the project uses an embedded PostgreSQL in .aquifer/; for another, set DATABASE_URL or run
\`npx dataform init-creds\`.
`,
  };
}

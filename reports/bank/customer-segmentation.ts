import { chart, defineReport, inOrder, kpi, largest, ratio, ref, sql, sumBy, table, total } from "aquifer";
import { bars, columns, shareBars } from "aquifer/charts";

const customers = { label: "Customers", format: { as: "number", digits: 0 } } as const;
const source = "gold.bank_profile_feed: one row a customer, by the latest registration";

export default defineReport("bank/customer-segmentation", {
  title: "Customer segmentation overview",
  description:
    "Who the bank's customers are, and which of them already have a housing loan: for choosing segments to address.",
  data: {
    segments: {
      sql: sql`
        select
          age_group, job_type, education_type, marital_type,
          case has_housing when 1 then 'Housing loan' when 0 then 'No housing loan' else 'Unknown' end as housing,
          count(*) as customers
        from ${ref("gold", "bank_profile_feed")}
        group by age_group, job_type, education_type, marital_type, housing
        order by age_group, job_type, education_type, marital_type, housing`,
      columns: {
        age_group: { type: "text", label: "Age group" },
        job_type: { type: "text", label: "Job" },
        education_type: { type: "text", label: "Education" },
        marital_type: { type: "text", label: "Marital status" },
        housing: { type: "text", label: "Housing loan" },
        customers: { type: "integer", label: "Customers" },
      },
    },
  },
  filters: {
    job_type: { label: "Job" },
    education_type: { label: "Education" },
    marital_type: { label: "Marital status" },
  },
  body: ({ segments }) => {
    const owners = segments.filter(({ housing }) => housing === "Housing loan");
    const all = total(segments, "customers");
    const owning = all === null ? null : (total(owners, "customers") ?? 0);
    const byAge = inOrder(sumBy(segments, ["age_group"], ["customers"]), "age_group");
    const owned = new Map(
      sumBy(owners, ["job_type"], ["customers"]).map((row) => [row.job_type, row.customers]),
    );
    const byJob = largest(sumBy(segments, ["job_type"], ["customers"]), "customers").map((row) => ({
      ...row,
      owners: owned.get(row.job_type) ?? 0,
      rate: (owned.get(row.job_type) ?? 0) / row.customers,
    }));
    return [
      {
        title: "At a glance",
        items: [
          kpi({
            label: "Customers",
            value: all,
            format: customers.format,
            definition:
              "Distinct customers; one who registered again counts once, by the latest registration.",
          }),
          kpi({
            label: "Housing-loan owners",
            value: owning,
            format: customers.format,
            definition: "Customers whose housing-loan flag is yes.",
          }),
          kpi({
            label: "Ownership rate",
            value: ratio(owning, all),
            format: { as: "percent", digits: 2 },
            definition: "Housing-loan owners divided by all customers, those whose flag is unknown included.",
          }),
        ],
      },
      {
        title: "Segments",
        items: [
          chart({
            title: "Customers by job",
            subtitle: "Number of customers, the ten largest jobs",
            source,
            rows: largest(sumBy(segments, ["job_type"], ["customers"]), "customers", 10),
            fields: { job_type: { label: "Job" }, customers },
            draw: bars({ category: "job_type", value: "customers" }),
          }),
          chart({
            title: "Housing-loan ownership by age group",
            subtitle: "Share of the customers of each age group, 100 % each",
            source,
            rows: inOrder(sumBy(segments, ["age_group", "housing"], ["customers"]), "age_group"),
            fields: { age_group: { label: "Age group" }, housing: { label: "Housing loan" }, customers },
            draw: shareBars({
              category: "age_group",
              series: "housing",
              value: "customers",
              order: ["Housing loan", "No housing loan", "Unknown"],
            }),
          }),
          chart({
            title: "Customers by age group",
            subtitle: "Number of customers",
            source,
            width: "full",
            rows: byAge,
            fields: { age_group: { label: "Age group" }, customers },
            draw: columns({ category: "age_group", value: "customers" }),
          }),
          table({
            title: "Jobs in figures",
            subtitle: "Customers, housing-loan owners and ownership rate of every job",
            source,
            rows: byJob,
            fields: {
              job_type: { label: "Job" },
              customers,
              owners: { label: "Housing-loan owners", format: customers.format },
              rate: { label: "Ownership rate", format: { as: "percent", digits: 1 } },
            },
            totals: { customers: all ?? 0, owners: owning ?? 0, rate: ratio(owning, all) ?? 0 },
          }),
        ],
      },
    ];
  },
});

import { chart, defineReport, kpi, largest, ratio, ref, sql, sumBy, table, total } from "aquifer";
import { bars } from "aquifer/charts";

const customers = { label: "Customers", format: { as: "number", digits: 0 } } as const;
const source = "gold.bank_profile_feed: one row a customer, by the latest registration";

export default defineReport("bank/target-market", {
  title: "Target market of the housing-loan campaign",
  description:
    "Customers in their twenties and thirties, married or single, with neither a housing loan nor a default: how many, and who they are.",
  data: {
    customers: {
      sql: sql`
        select
          job_type, education_type, marital_type,
          case has_loan when 1 then 'Personal loan' when 0 then 'No personal loan' else 'Unknown' end as loan,
          count(*) as customers,
          count(*) filter (where is_target = 1) as targeted
        from ${ref("gold", "bank_profile_feed")}
        where marital_type in ('married', 'single')
        group by job_type, education_type, marital_type, loan
        order by job_type, education_type, marital_type, loan`,
      columns: {
        job_type: { type: "text", label: "Job" },
        education_type: { type: "text", label: "Education" },
        marital_type: { type: "text", label: "Marital status" },
        loan: { type: "text", label: "Personal loan" },
        customers: { type: "integer", label: "Customers" },
        targeted: { type: "integer", label: "Target market" },
      },
    },
  },
  filters: {
    marital_type: { label: "Marital status" },
    loan: { label: "Personal loan" },
  },
  body: ({ customers: all }) => {
    const targets = all.filter(({ targeted }) => targeted > 0);
    const size = all.length === 0 ? null : (total(targets, "targeted") ?? 0);
    const targeted = { label: "Target market", format: customers.format } as const;
    return [
      {
        title: "At a glance",
        items: [
          kpi({
            label: "Target market",
            value: size,
            format: customers.format,
            unit: "customers",
            definition:
              "Age group 20s or 30s, married or single, no housing loan and no default; unknown flags do not count as no.",
          }),
          kpi({
            label: "Share of married and single customers",
            value: ratio(size, total(all, "customers")),
            format: { as: "percent", digits: 1 },
            definition: "Target market divided by the married and single customers that the filters leave.",
          }),
          kpi({
            label: "Without a personal loan",
            value:
              size === null
                ? null
                : (total(
                    targets.filter(({ loan }) => loan === "No personal loan"),
                    "targeted",
                  ) ?? 0),
            format: customers.format,
            unit: "customers",
            definition: "Customers of the target market who repay no personal loan either.",
          }),
        ],
      },
      {
        title: "Who they are",
        items: [
          chart({
            title: "Target market by job",
            subtitle: "Number of customers",
            source,
            rows: largest(sumBy(targets, ["job_type"], ["targeted"]), "targeted"),
            fields: { job_type: { label: "Job" }, targeted },
            draw: bars({ category: "job_type", value: "targeted" }),
          }),
          chart({
            title: "Target market by education",
            subtitle: "Number of customers",
            source,
            rows: largest(sumBy(targets, ["education_type"], ["targeted"]), "targeted"),
            fields: { education_type: { label: "Education" }, targeted },
            draw: bars({ category: "education_type", value: "targeted" }),
          }),
          table({
            title: "Segments of the target market",
            subtitle: "By job, education and marital status, largest first",
            source,
            rows: largest(
              sumBy(targets, ["job_type", "education_type", "marital_type"], ["targeted"]),
              "targeted",
            ),
            fields: {
              job_type: { label: "Job" },
              education_type: { label: "Education" },
              marital_type: { label: "Marital status" },
              targeted,
            },
            totals: { targeted: size ?? 0 },
            search: true,
            pageSize: 15,
          }),
        ],
      },
    ];
  },
});

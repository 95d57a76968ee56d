import { chart, completePeriods, defineReport, kpi, largest, ref, sql, sumBy, table, total } from "aquifer";
import { bars, columns, heatmap, lines, shareBars, stackedColumns } from "aquifer/charts";

const rupiah = { as: "currency", currency: "IDR", compact: true } as const;
const region = { label: "Wilayah" } as const;
const month = { label: "Bulan", format: { as: "month" } } as const;
const revenue = { label: "Pendapatan", unit: "IDR", format: { as: "currency", currency: "IDR" } } as const;

/** Every chart of the framework, in Indonesian, on a table of months with one missing. */
export default defineReport({
  title: "Pendapatan air per wilayah",
  description: "Berapa pendapatan setiap bulan, dari mana asalnya, dan bagaimana perkiraannya.",
  locale: "id-ID",
  data: {
    revenue: {
      sql: sql`select month, region, kind, revenue from ${ref("gold", "revenue")} order by month, region, kind`,
      columns: {
        month: { type: "date", label: "Bulan" },
        region: { type: "text", label: "Wilayah" },
        kind: { type: "text", label: "Jenis" },
        revenue: { type: "number", label: "Pendapatan" },
      },
    },
    forecast: {
      sql: sql`select month, kind, value, low, high from ${ref("gold", "forecast")} order by month`,
      filtered: false,
      columns: {
        month: { type: "date", label: "Bulan" },
        kind: { type: "text", label: "Jenis" },
        value: { type: "number", label: "Nilai" },
        low: { type: "number", label: "Batas bawah", nullable: true },
        high: { type: "number", label: "Batas atas", nullable: true },
      },
    },
  },
  filters: { region: { label: "Wilayah" }, month: { label: "Bulan", kind: "range" } },
  body: ({ revenue: rows, forecast }, { format }) => {
    const monthly = completePeriods(sumBy(rows, ["month"], ["revenue"]), "month", "month");
    const [last, before] = [monthly.at(-1), monthly.at(-2)];
    const penalties = rows.filter(({ kind }) => kind === "Denda");
    const byRegion = sumBy(rows, ["month", "region"], ["revenue"]);
    const yearly = sumBy(
      rows.map((row) => ({ ...row, year: String(row.month.getUTCFullYear()) })),
      ["year", "kind"],
      ["revenue"],
    );
    return [
      {
        title: "Ringkasan",
        items: [
          kpi({
            label: "Pendapatan bulan terakhir",
            value: last?.revenue ?? null,
            format: rupiah,
            definition: "Tagihan dan denda bulan terakhir yang datanya ada.",
            previous: {
              value: before?.revenue ?? null,
              period: before?.month ? format(before.month, month.format) : "",
              better: "up",
            },
            trend: monthly.slice(-12).map((row) => row.revenue),
          }),
          kpi({
            label: "Pendapatan seluruh periode",
            value: total(rows, "revenue"),
            format: rupiah,
            definition: "Tagihan dan denda seluruh bulan yang dipilih.",
          }),
          kpi({
            label: "Bagian denda",
            value: (total(penalties, "revenue") ?? 0) / (total(rows, "revenue") ?? NaN),
            format: { as: "percent", digits: 2 },
            definition: "Denda dibagi seluruh pendapatan.",
            previous: { value: 0.09, period: "target", better: "down" },
          }),
          kpi({ label: "Keluhan", value: null, format: { as: "number" }, definition: "Belum ada datanya." }),
        ],
      },
      {
        title: "Perkembangan",
        description: "Bulan yang datanya belum ada tampak sebagai celah.",
        items: [
          chart({
            title: "Pendapatan per bulan dan wilayah",
            subtitle: "Rupiah",
            width: "full",
            rows: completePeriods(byRegion, "month", "month", ["region"]),
            fields: { month, region, revenue },
            draw: lines({ time: "month", value: "revenue", series: "region" }),
          }),
          chart({
            title: "Perkiraan enam bulan",
            subtitle: "Rupiah, dengan selang 80 %",
            rows: forecast,
            fields: {
              month,
              kind: { label: "Jenis" },
              value: revenue,
              low: { ...revenue, label: "Batas bawah" },
              high: { ...revenue, label: "Batas atas" },
            },
            draw: lines({
              time: "month",
              value: "value",
              zero: false,
              expected: ({ kind }) => kind === "forecast",
              bands: [{ low: "low", high: "high", label: "80 %" }],
            }),
          }),
          chart({
            title: "Pendapatan per tahun",
            subtitle: "Tagihan dan denda",
            rows: yearly,
            fields: { year: { label: "Tahun" }, kind: { label: "Jenis" }, revenue },
            draw: stackedColumns({
              category: "year",
              series: "kind",
              value: "revenue",
              order: ["Tagihan", "Denda"],
            }),
          }),
          chart({
            title: "Pendapatan per bulan",
            subtitle: "Bulan berjalan lebih muda warnanya",
            width: "full",
            rows: sumBy(rows, ["month"], ["revenue"]),
            fields: { month, revenue },
            draw: columns({
              category: "month",
              value: "revenue",
              running: (row) => row.month.getTime() === last?.month?.getTime(),
            }),
          }),
        ],
      },
      {
        title: "Susunan",
        items: [
          chart({
            title: "Bulan dan wilayah",
            subtitle: "Pendapatan 12 bulan terakhir",
            width: "full",
            rows: byRegion.slice(-36),
            fields: { region, month, revenue },
            draw: heatmap({ across: "month", down: "region", value: "revenue" }),
          }),
          chart({
            title: "Pendapatan per wilayah",
            rows: largest(sumBy(rows, ["region"], ["revenue"]), "revenue"),
            fields: { region, revenue: { ...revenue, format: rupiah } },
            draw: bars({ category: "region", value: "revenue", highlight: (row) => row.region === "Utara" }),
          }),
          chart({
            title: "Jenis pendapatan per wilayah",
            rows: sumBy(rows, ["region", "kind"], ["revenue"]),
            fields: { region, kind: { label: "Jenis" }, revenue },
            draw: shareBars({
              category: "region",
              series: "kind",
              value: "revenue",
              order: ["Tagihan", "Denda"],
              colorful: true,
            }),
          }),
          table({
            title: "Data bulanan",
            rows: sumBy(rows, ["month", "region"], ["revenue"]),
            fields: { month, region, revenue },
            totals: { revenue: total(rows, "revenue") ?? 0 },
            search: true,
            pageSize: 10,
          }),
        ],
      },
    ];
  },
});

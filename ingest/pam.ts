import { defineSource } from "aquifer";

/** How the files write dates, and months of bills. */
const dates = ["YYYY-M-D", "D-M-Y", "D MON Y", "DMMYYYY", "YYYYMMDD", "SERIAL"];
const months = ["YYYYMM", "MMYYYY", "YYYY-M", "M-YYYY", "MON Y"];

/** How names tell it: a day, or a month as such. */
const dayInName = ["YYYY-M-D", "D-M-YYYY", "YYYYMMDD", "DDMMYYYY"];
const monthInName = ["YYYYMM", "YYYY-MM", "MON Y", "YYYY MON", "MMYY"];

/** Lines of totals below the data. */
const footer = /^[\s"',;|]*(?:grand |sub)?total\b/i;

/** Every type is expected each month; of all but collection one file a month is current. */
const monthly = { expected: true, footer, maxRejected: "1%" } as const;
const optional = { optional: true };

/** Monthly billed list: the target. What it bills was read in the month before. */
export const mc = defineSource({
  ...monthly,
  name: "pam/mc",
  description: "Monthly billed list (MC), as text, as it came.",
  files: /^(?!MB[_\d])(?!.*(?:\bMB\b|_MB_))(?:MC[_\d]|.*(?:\bMC\b|_MC_|MASTER))/i,
  recognize: { anyOf: ["zona_novak"] },
  period: {
    grain: "month",
    fromColumn: { column: "tgl_catat", pattern: dates, shiftMonths: 1 },
    fromName: [{ pattern: dayInName, shiftMonths: 1 }, { pattern: monthInName }],
  },
  reload: "replace_period",
  columns: {
    nomen: {},
    nama_pel: optional,
    alm1_pel: optional,
    alm2_pel: optional,
    alm3_pel: optional,
    kd_pos: optional,
    zona_novak: {},
    notagihan: {},
    nomet: optional,
    tarif: optional,
    tgl_catat: optional,
    stan_awal: optional,
    stan_akir: optional,
    kubik: {},
    nominal: {},
    cust_type: optional,
  },
});

/** Daily payments; files accumulate. */
export const collection = defineSource({
  ...monthly,
  name: "pam/collection",
  description: "Daily payments (Collection), as text, as they came; days overlap, so payments repeat.",
  files: /COLL/i,
  recognize: {
    anyOf: [
      ["nomen", "amt_collect"],
      ["nomen", "pay_dt"],
    ],
  },
  period: {
    grain: "month",
    fromColumn: { column: "pay_dt", pattern: dates },
    fromName: [{ pattern: dayInName }, { pattern: monthInName }],
  },
  columns: {
    nomen: {},
    rayon: optional,
    notag: optional,
    amt_collect: {},
    pay_dt: {},
    vol_collect: optional,
    bill_period: optional,
    bill_reason: optional,
  },
});

/** Bank and early payments, made in the month before. */
export const mb = defineSource({
  ...monthly,
  name: "pam/mb",
  description: "Bank and early payments (MB), as text, as they came.",
  files: /\bMB\b|^MB_|_MB_|^MB\d/i,
  recognize: { anyOf: [["tgl_bayar", "nominal"]], without: ["amt_collect"] },
  period: {
    grain: "month",
    fromColumn: [
      { column: "tgl_bayar", pattern: dates, shiftMonths: 1 },
      { column: "bulan_rek", pattern: months },
    ],
    fromName: [{ pattern: dayInName, shiftMonths: 1 }, { pattern: monthInName }],
  },
  reload: "replace_period",
  columns: {
    nomen: { header: /^MC VOL .*NOMEN$/i },
    bulan_rek: optional,
    notagihan: optional,
    tgl_bayar: {},
    nominal: { header: "JUMLAH" },
    rayon: optional,
    zona_norek: optional,
    lks_bayar: optional,
    denda: optional,
    kubikbayar: optional,
  },
});

/** Final bill run. */
export const mainbill = defineSource({
  ...monthly,
  name: "pam/mainbill",
  description: "Final bill run (MainBill), as text, as it came; amounts have a decimal comma.",
  files: /MAINBILL/i,
  recognize: { anyOf: ["total_tagihan", "bill_cycle"] },
  period: {
    grain: "month",
    fromColumn: { column: "freeze_dt", pattern: dates },
    fromName: [{ pattern: dayInName }, { pattern: monthInName }],
  },
  reload: "replace_period",
  columns: {
    nomen: {},
    total_tagihan: {},
    freeze_dt: optional,
    pcezbk: optional,
    cc: { description: "The rayon.", ...optional },
    tarif: optional,
    bill_cycle: optional,
  },
});

/** Meter readings. */
export const sbrs = defineSource({
  ...monthly,
  name: "pam/sbrs",
  description: "Meter readings (SBRS), as text, as they came.",
  files: /SBRS/i,
  recognize: { anyOf: ["cmr_account", "sb_stand"] },
  period: {
    grain: "month",
    fromColumn: [
      { column: "cmr_rd_date", pattern: dates },
      { column: "bill_period", pattern: months },
    ],
    fromName: [{ pattern: dayInName }, { pattern: monthInName }],
  },
  reload: "replace_period",
  columns: {
    cmr_account: {},
    cmr_name: optional,
    cmr_address: optional,
    cmr_route: optional,
    cmr_prev_read: {},
    cmr_reading: {},
    sb_stand: optional,
    cmr_skip_code: optional,
    cmr_trbl1_code: optional,
    cmr_chg_spcl_msg: optional,
    tariff: optional,
    bill_period: optional,
    bill_amount: optional,
    read_method: optional,
    cmr_mtr_num: optional,
    cmr_rd_date: optional,
  },
});

/** Arrears, summed by customer or bill by bill. */
export const ardebt = defineSource({
  ...monthly,
  name: "pam/ardebt",
  description: "Arrears (Ardebt) of either form, as text, as they came: sumofjumlah, or jumlah bill by bill.",
  files: /DEBT/i,
  recognize: { anyOf: ["sumofjumlah", ["periode_bill", "jumlah"]] },
  period: {
    grain: "month",
    fromColumn: { column: "periode_bill", pattern: months },
    fromName: [{ pattern: dayInName }, { pattern: monthInName }],
  },
  reload: "replace_period",
  columns: {
    nomen: {},
    rayon: optional,
    sumofjumlah: optional,
    pcez: optional,
    periode_bill: optional,
    jumlah: optional,
    volume: optional,
    tipeplggn: optional,
  },
});

/** Follow-up items; the latest row of an item holds, and all of them are its activity log. */
export const analysis = defineSource({
  name: "pam/analysis",
  description: "Follow-up items with each change of them; every version of every file stays.",
  files: /ANAL[IY]S|FOLLOW.?UP/i,
  recognize: { anyOf: [["analysis_id", "status"]] },
  key: ["analysis_id", "changed_at"],
  columns: {
    analysis_id: {},
    nomen: { required: true },
    anomaly_type: { required: true, description: "One of the anomalies, or the user's own word." },
    description: optional,
    status: { required: true, domain: ["pending", "in_progress", "completed", "rejected"] },
    priority: { required: true, domain: ["low", "medium", "high", "critical"] },
    assigned_team: optional,
    due_date: { type: "date", ...optional },
    comment: optional,
    changed_by: { required: true },
    changed_at: { type: "timestamp" },
  },
});

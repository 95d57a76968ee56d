import type { SampleCell } from "aquifer";
import { isoDay } from "../parts/calendar.js";
import { flawOf, mixed } from "../parts/draws.js";
import type { Bill, PamBills } from "./bills.js";
import { pcez } from "./customers.js";
import { dateCell, dateText, idText, localAmount, monthParts, nothing } from "./spelling.js";
import { mostSheetRows, oldEnding, type PamTable, type TextLayout } from "./table.js";

/** What is wrong with a row of the billed list. */
export const mcFlaws = [
  "duplicate",
  "suffix",
  "decimal",
  "scientific",
  "padded",
  "noNomen",
  "nullWord",
  "strayQuote",
] as const;
export type McFlaw = (typeof mcFlaws)[number];

const mcColumns = [
  "nomen",
  "nama_pel",
  "alm1_pel",
  "alm2_pel",
  "alm3_pel",
  "kd_pos",
  "zona_novak",
  "notagihan",
  "nomet",
  "tarif",
  "tgl_catat",
  "stan_awal",
  "stan_akir",
  "kubik",
  "nominal",
  "cust_type",
];
const mbColumns = [
  "nomen",
  "bulan_rek",
  "notagihan",
  "tgl_bayar",
  "nominal",
  "rayon",
  "zona_norek",
  "lks_bayar",
  "denda",
  "kubikbayar",
];
const mainbillColumns = ["nomen", "total_tagihan", "freeze_dt", "pcezbk", "cc", "tarif", "bill_cycle"];
const sumColumns = ["nomen", "rayon", "sumofjumlah"];
const debtColumns = ["nomen", "rayon", "pcez", "periode_bill", "jumlah", "volume", "tipeplggn"];

const local: TextLayout = { kind: "text", delimiter: ";", encoding: "latin1", hasCrlf: true };
const plain: TextLayout = { kind: "text", delimiter: ",", hasMark: true };
const upper = (columns: readonly string[]): string[] => columns.map((name) => name.toUpperCase());

/** Whether a list is a sheet, or has too many rows for one. */
function fits(bills: PamBills, month: number): boolean {
  return bills.customers.everBy(month) <= mostSheetRows;
}

/**
 * The billed list of a month: as .xls, .xlsx, and text of two kinds, in turns. The first month's came with wrong amounts,
 * and once more.
 */
export function mcTables(bills: PamBills, month: number): PamTable[] {
  const { year, month: mm, name } = monthParts(bills.calendar.start(month));
  const mmyy = `${mm}${year.slice(2)}`;
  const common = { source: "mc", columns: mcColumns };
  const table = (path: string, layout: PamTable["layout"], isWrong = false): PamTable => ({
    ...common,
    path,
    header: upper(mcColumns),
    layout,
    rows: () => mcRows(bills, month, layout, isWrong),
  });
  const asText = (path: string): PamTable => ({
    ...table(path, { ...local, hasRagged: true, hasTotal: true }),
    header: mcColumns.map((column, index) => (index % 3 === 0 ? ` ${column} ` : `${column}\u00A0`)),
  });
  const form = month % 4;
  if (form === 3) return [table(`MASTER_${year}${mm}.csv`, plain)];
  if (form === 2) return [asText(`Data MC ${name} ${year}.csv`)];
  if (!fits(bills, month)) return [asText(`MC${mmyy}_AB_Sunter.csv`)];
  if (form === 1) return [table(`MC${mmyy}_AB_Sunter.xlsx`, { kind: "sheet", hasTotal: true })];
  const titles = ["PAM JAYA", "Daftar MC Sunter", `${name} ${year}`];
  return [
    table(
      `MC${mmyy}_AB_Sunter.${oldEnding(bills.customers.everBy(month))}`,
      { kind: "sheet", titles },
      month === 0,
    ),
    ...(month === 0 ? [asText(`MC${mmyy}_AB_Sunter_revisi.csv`)] : []),
  ];
}

export function mcFlaw(bills: PamBills, number: number, month: number): McFlaw | undefined {
  return flawOf(mcFlaws, number + month * 13, bills.customers.atStart);
}

function* mcRows(
  bills: PamBills,
  month: number,
  layout: PamTable["layout"],
  isWrong: boolean,
): Generator<SampleCell[]> {
  for (let number = 1; number <= bills.customers.everBy(month); number++) {
    const flaw = mcFlaw(bills, number, month);
    const bill = bills.at(number, month);
    const row = mcRow(
      bills,
      isWrong && number % 20 === 0 ? { ...bill, amount: bill.amount * 10 } : bill,
      layout,
      flaw,
    );
    yield row;
    if (flaw === "duplicate") yield row;
  }
}

function mcRow(
  { customers }: PamBills,
  { number, notag, readOn, opening, closing, usage, amount }: Bill,
  layout: PamTable["layout"],
  flaw: McFlaw | undefined,
): SampleCell[] {
  const { nomen, name, address, postcode, zone, meter, tariff, type } = customers.at(number);
  const isSheet = layout.kind === "sheet";
  const bits = mixed(customers.bits(number) ^ readOn);
  const id = flaw === "noNomen" ? null : spelled(nomen, flaw);
  const unknown = (value: string): string | null => (flaw === "nullWord" ? nothing(bits) : value);
  return [
    isSheet && id === nomen ? Number(id) : id,
    flaw === "strayQuote" ? `${name} PIPA 5" DAN 6" BARU` : name,
    ...address,
    unknown(postcode),
    // A number in a sheet loses the zeros at its beginning.
    isSheet ? Number(zone) : zone,
    isSheet ? Number(notag) : notag,
    unknown(meter),
    tariff,
    isSheet ? dateCell(readOn, bits) : dateText(readOn, bits),
    opening,
    closing,
    usage,
    isSheet ? amount : layout.delimiter === ";" ? localAmount(amount) : String(amount),
    type,
  ];
}

/** The flaws of the billed list are of ids too. */
function spelled(id: string, flaw: McFlaw | undefined): string {
  const ways = ["suffix", "decimal", "scientific", "padded"] as const;
  return idText(
    id,
    ways.find((way) => way === flaw),
  );
}

/** Who paid in the month before: as .xlsx, .xls and text of two kinds, in turns; one of them names the amount otherwise. */
export function mbTable(bills: PamBills, month: number): PamTable {
  const { year, month: mm } = monthParts(bills.calendar.start(month));
  const before = monthParts(bills.calendar.start(month - 1));
  const form = fits(bills, month) ? month % 4 : 3;
  const layouts: readonly PamTable["layout"][] = [
    { kind: "sheet", titles: ["Rekening yang dibayar"] },
    { ...plain, titles: ["Laporan MB", "Sunter"] },
    { kind: "sheet", hasTotal: true },
    local,
  ];
  const layout = layouts[form] ?? local;
  const header = upper(mbColumns).map((name) => (form === 1 && name === "NOMINAL" ? "JUMLAH" : name));
  if (form === 0) header[0] = `MC VOL ${before.name.toUpperCase()} ${before.year.slice(2)}_NOMEN`;
  return {
    path: `MB_${mm}${year.slice(2)}.${["xlsx", "csv", oldEnding(bills.customers.everBy(month)), "csv"][form] ?? "csv"}`,
    source: "mb",
    columns: mbColumns,
    header,
    layout,
    rows: function* () {
      for (let number = 1; number <= bills.customers.everBy(month); number++) {
        if (bills.paidAfter(number, month) !== -1) continue;
        const payment = bills.payment(number, month);
        if (!payment) continue;
        const { bill, day, place } = payment;
        const { nomen, zone } = bills.customers.at(number);
        const bits = mixed(bills.customers.bits(number) ^ day);
        const isSheet = layout.kind === "sheet";
        yield [
          isSheet ? Number(nomen) : idText(nomen, bits % 19 === 0 ? "suffix" : undefined),
          isSheet ? Number(`${mm}${year}`) : `${mm}${year}`,
          bill.notag,
          isSheet ? dateCell(day, bits) : dateText(day, bits),
          isSheet ? bill.amount : layout.delimiter === ";" ? localAmount(bill.amount) : String(bill.amount),
          bills.customers.rayon(number),
          zone,
          place,
          0,
          bill.usage,
        ];
      }
    },
  };
}

/** The final run of the bills of a month's list, on its 12th and 13th. */
export function mainbillTable(bills: PamBills, month: number): PamTable {
  const { year, month: mm } = monthParts(bills.calendar.start(month));
  return {
    path: `MainBill-12-${mm}-${year}_sd_13-${mm}-${year}-13${mm}${year}043303.txt`,
    source: "mainbill",
    columns: mainbillColumns,
    header: upper(mainbillColumns),
    layout: { kind: "text", delimiter: ";", hasRagged: true },
    rows: function* () {
      for (let number = 1; number <= bills.customers.everBy(month); number++) {
        const { nomen, zone, tariff } = bills.customers.at(number);
        const bits = bills.customers.bits(number);
        yield [
          idText(nomen, number % 97 === 0 ? "decimal" : undefined),
          localAmount(bills.at(number, month).amount),
          `${bits % 2 === 0 ? "12" : "13"}${bits % 3 === 0 ? `.${mm}.` : `-${mm}-`}${year}`,
          `${pcez(zone)}/${zone.slice(7)}`,
          bills.customers.rayon(number),
          tariff,
          `C${1 + (bits % 4)}`,
        ];
      }
    },
  };
}

/** What is open at the end of a month: summed by customer, or bill by bill, as text and as .xlsx. */
export function ardebtTable(bills: PamBills, month: number): PamTable {
  const { year, month: mm, name } = monthParts(bills.calendar.start(month));
  const form = fits(bills, month) ? month % 4 : 2;
  const isSummed = form === 0 || form === 3;
  const columns = isSummed ? sumColumns : debtColumns;
  const paths = [
    `ARDEBT_${year}-${mm}.csv`,
    `DEBT ${name} ${year}.xlsx`,
    `ARDEBT${mm}${year.slice(2)}.csv`,
    `Data DEBT_${name}${year}.xlsx`,
  ];
  const layout: PamTable["layout"] =
    form === 0 ? plain : form === 2 ? { ...local, hasTotal: true } : { kind: "sheet" };
  return {
    path: paths[form] ?? "",
    source: "ardebt",
    columns,
    header: isSummed ? ["NOMEN", "RAYON", "SumOfJUMLAH"] : upper(columns),
    layout,
    rows: function* () {
      for (let number = 1; number <= bills.customers.everBy(month); number++) {
        const open = [...bills.openAt(number, month)];
        if (open.length === 0) continue;
        yield* isSummed
          ? [sumRow(bills, number, open)]
          : open.map((bill) => debtRow(bills, number, bill, layout));
      }
    },
  };
}

function sumRow({ customers }: PamBills, number: number, open: readonly Bill[]): SampleCell[] {
  const sum = open.reduce((total, { amount }) => total + amount, 0);
  return [customers.at(number).nomen, customers.rayon(number), sum];
}

function debtRow(
  { customers }: PamBills,
  number: number,
  bill: Bill,
  layout: PamTable["layout"],
): SampleCell[] {
  const { nomen, zone, type } = customers.at(number);
  const period = isoDay(bill.readOn).slice(0, 7).replace("-", "");
  const isSheet = layout.kind === "sheet";
  return [
    isSheet ? Number(nomen) : nomen,
    customers.rayon(number),
    pcez(zone),
    isSheet ? Number(period) : period,
    isSheet ? bill.amount : localAmount(bill.amount),
    bill.usage,
    type,
  ];
}

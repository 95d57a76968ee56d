import type { SampleCell } from "aquifer";
import { dayMs, isoDay } from "../parts/calendar.js";
import { mixed } from "../parts/draws.js";
import type { PamBills, Payment } from "./bills.js";
import { dateText, idText, monthParts, nothing } from "./spelling.js";
import type { PamTable, TextLayout } from "./table.js";

const columns = [
  "nomen",
  "rayon",
  "notag",
  "amt_collect",
  "pay_dt",
  "vol_collect",
  "bill_period",
  "bill_reason",
];

/** Days of a month whose file has NULs, a byte order mark, a header in small letters. */
const oddDays = { nuls: 15, mark: 10, header: 20 };

/**
 * The payments of a day and of the day before in the same month: most stand in two files, and not always spelled alike.
 *
 * @param day first moment of it
 */
export function collectionTable(bills: PamBills, month: number, day: number): PamTable {
  const index = new Date(day).getUTCDate();
  const from = index === 1 ? day : day - dayMs;
  const stamp = `${isoDay(day).split("-").reverse().join("")}0421${String(index).padStart(2, "0")}`;
  const layout: TextLayout = {
    kind: "text",
    delimiter: "|",
    hasRagged: true,
    hasMark: index === oddDays.mark,
    nuls: index === oddDays.nuls ? 3 : 0,
  };
  return {
    path: `Collection-${isoDay(from)}_sd_${isoDay(day)}-${stamp}.txt`,
    source: "collection",
    columns,
    header: columns.map((name) => (index === oddDays.header ? ` ${name} ` : name.toUpperCase())),
    layout,
    rows: function* () {
      for (const payment of bills.paidBetween(month, from, day)) yield row(bills, payment, day);
    },
  };
}

/** SAP writes what comes in as negative, most of the time. */
function row({ customers }: PamBills, { bill, day, fine }: Payment, fileDay: number): SampleCell[] {
  const bits = mixed(customers.bits(bill.number) ^ bill.month);
  const isAgain = day !== fileDay;
  const amount = bill.amount + fine;
  const { year, english } = monthParts(bill.readOn);
  return [
    idText(
      customers.at(bill.number).nomen,
      isAgain && bits % 7 === 0 ? "suffix" : bits % 61 === 0 ? "scientific" : undefined,
    ),
    bits % 29 === 0 ? nothing(bits >>> 5) : customers.rayon(bill.number),
    bill.notag,
    bits % 10 < 7 ? -amount : amount,
    dateText(day, (bits >>> 6) + (isAgain ? 1 : 0)),
    bill.usage,
    bits % 23 === 0 ? null : `${english}/${year}`,
    fine > 0 ? "ARREARS" : nothing(bits >>> 3),
  ];
}

import { dayMs, daysIn, isoDay, monthName, monthStart, slashedDay } from "./calendar.js";
import { customerId, topics, type Customers } from "./customers.js";
import { drawer, flawOf } from "../parts/draws.js";
import { rateSchedule, type Usage } from "./usage.js";

/** What a customer owes for a month. */
export interface Bill {
  readonly id: string;
  readonly number: number;
  readonly month: number;
  readonly issuedOn: number;
  readonly dueOn: number;
  /** Hundredths of the currency. */
  readonly amount: number;
  /** Hundredths of kWh. */
  readonly usage: number;
  readonly rate: string;
}

export const billColumns = [
  "bill_id",
  "customer_id",
  "billing_period",
  "issued_on",
  "due_on",
  "amount",
  "kwh",
  "rate_schedule",
];

/** `late` comes with the next month's bills. */
export const billFlaws = [
  "late",
  "duplicate",
  "unknownCustomer",
  "textAmount",
  "textUsage",
  "blankUsage",
  "negative",
  "slashedDate",
] as const;
/** One line in so many is `ragged`: it lacks its last field, which ingest rejects. */
const linesPerRagged = 500;
export type BillFlaw = (typeof billFlaws)[number] | "ragged";

/** In hundredths: a month, and 100 kWh. */
const prices: Readonly<Record<string, readonly [fixed: number, per100: number]>> = {
  "RES-1": [950, 1840],
  "RES-TOU": [1150, 1610],
  "COM-1": [2900, 1520],
  "COM-2": [4800, 1390],
  "IND-1": [25_000, 980],
};

/** The bills of one seed: every customer who is there gets one a month, for all the readings of it. */
export class Bills {
  private readonly days: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly customers: Customers,
    private readonly usage: Usage,
  ) {
    this.days = drawer(seed, topics.bill);
  }

  at(number: number, month: number): Bill | undefined {
    if (!this.customers.isPresent(number, month)) return undefined;
    const rate = rateSchedule(this.customers.bits(number));
    const usage = this.usage.ofMonth(number, month);
    const [fixed, per100] = prices[rate] ?? [0, 0];
    const issuedOn = monthStart(month) + (daysIn(month) + (this.days(number, month) % 4)) * dayMs;
    return {
      id: billId(number, month),
      number,
      month,
      issuedOn,
      dueOn: issuedOn + 21 * dayMs,
      amount: fixed + Math.round((usage * per100) / 10_000),
      usage,
      rate,
    };
  }

  flaw(number: number, month: number): BillFlaw | undefined {
    if (number % linesPerRagged === linesPerRagged / 2) return "ragged";
    return flawOf(billFlaws, number + month * 17, this.customers.atStart);
  }
}

export function billId(number: number, month: number): string {
  return `B${monthName(month).replace("-", "")}-${String(number).padStart(8, "0")}`;
}

/** A bill's values in a file, in the order of its columns. */
export function billRow(bill: Bill, flaw: BillFlaw | undefined): string[] {
  const { id, number, month, issuedOn, dueOn, amount, usage, rate } = bill;
  const row = [
    id,
    flaw === "unknownCustomer" ? customerId(number).replace("C", "X") : customerId(number),
    monthName(month),
    flaw === "slashedDate" ? slashedDay(issuedOn) : isoDay(issuedOn),
    isoDay(dueOn),
    flaw === "textAmount" ? "n/a" : decimalComma(flaw === "negative" ? -amount : amount),
    flaw === "textUsage" ? "see meter" : flaw === "blankUsage" ? "" : decimalComma(usage),
    rate,
  ];
  return flaw === "ragged" ? row.slice(0, -1) : row;
}

/** `1234,50` of hundredths. */
export function decimalComma(hundredths: number): string {
  const digits = String(Math.abs(hundredths)).padStart(3, "0");
  return `${hundredths < 0 ? "-" : ""}${digits.slice(0, -2)},${digits.slice(-2)}`;
}

import { dayMs, isoTime } from "./calendar.js";
import type { Bill } from "./bills.js";
import { customerId, topics, type Customers } from "./customers.js";
import { drawer, flawOf, mixed } from "../parts/draws.js";

/** A row of the payment table, in the order of its columns; null is NULL. */
export type PaymentRow = readonly (string | null)[];

export const paymentTypes = {
  payment_id: "text",
  bill_id: "text",
  customer_id: "text",
  processed_at: "timestamptz not null",
  method: "text",
  amount: "numeric(12, 2)",
  status: "text",
};

export const paymentFlaws = [
  "duplicate",
  "unknownBill",
  "noCustomer",
  "twice",
  "negative",
  "blankMethod",
] as const;
export type PaymentFlaw = (typeof paymentFlaws)[number];

const methods = ["card", "direct_debit", "direct_debit", "bank_transfer", "card", "check", "cash"];

/** The payments of one seed: most bills are paid whole, some in two parts, some after a failure, some never. */
export class Payments {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly customers: Customers,
  ) {
    this.draw = drawer(seed, topics.payment);
  }

  flaw(bill: Bill): PaymentFlaw | undefined {
    return flawOf(paymentFlaws, bill.number + bill.month * 13, this.customers.atStart);
  }

  /** All rows about a bill. */
  of(bill: Bill): PaymentRow[] {
    const bits = this.draw(bill.number, bill.month);
    const share = bits % 100;
    if (share < 9) return [];
    const half = Math.floor(bill.amount / 2);
    const parts: readonly (readonly [amount: number, status: string])[] =
      share < 13
        ? [
            [half, "completed"],
            [bill.amount - half, "completed"],
          ]
        : share < 16
          ? [
              [bill.amount, "failed"],
              [bill.amount, "completed"],
            ]
          : [[bill.amount, share < 17 ? "refunded" : share < 18 ? "pending" : "completed"]];
    const rows = parts.map(([amount, status], index) => this.row(bill, index, amount, status));
    return withFlaw(rows, this.flaw(bill));
  }

  private row(bill: Bill, index: number, amount: number, status: string): PaymentRow {
    const bits = mixed(this.draw(bill.number, bill.month) ^ (index + 1));
    const days = Math.min((bits >>> 4) % 24, (bits >>> 12) % 40) + index * 3;
    const processed = bill.issuedOn + days * dayMs + (bits % 86_400) * 1000;
    return [
      `P${bill.id.slice(1)}-${index + 1}`,
      bill.id,
      customerId(bill.number),
      isoTime(processed),
      methods[(bits >>> 17) % methods.length] ?? "",
      (amount / 100).toFixed(2),
      status,
    ];
  }
}

function withFlaw(rows: readonly PaymentRow[], flaw: PaymentFlaw | undefined): PaymentRow[] {
  const [first, ...others] = rows;
  if (!first || flaw === undefined) return [...rows];
  const [id = "", bill = "", customer = "", at = "", method = "", amount = "", status = ""] = first;
  switch (flaw) {
    case "duplicate":
      return [first, first, ...others];
    case "twice":
      return [first, [`${id}R`, bill, customer, at, method, amount, status], ...others];
    case "unknownBill":
      return [
        [id, bill?.replace(/^B\d{6}/, "B209901") ?? null, customer, at, method, amount, status],
        ...others,
      ];
    case "noCustomer":
      return [[id, bill, null, at, method, amount, status], ...others];
    case "negative":
      return [[id, bill, customer, at, method, `-${amount}`, status], ...others];
    case "blankMethod":
      return [[id, bill, customer, at, null, amount, status], ...others];
  }
}

import type { Calendar } from "../parts/calendar.js";
import { dayMs } from "../parts/calendar.js";
import { drawer, mixed } from "../parts/draws.js";
import type { Readings } from "./readings.js";

/** A bill of the list of a month: what was read in the month before. */
export interface Bill {
  readonly number: number;
  /** Of the list that it stands on. */
  readonly month: number;
  readonly notag: string;
  readonly opening: number;
  readonly closing: number;
  readonly usage: number;
  /** IDR. */
  readonly amount: number;
  readonly readOn: number;
}

/** One payment of one bill. */
export interface Payment {
  readonly bill: Bill;
  readonly day: number;
  readonly place: string;
  /** IDR, for payments after the month of the list. */
  readonly fine: number;
}

/** Of 100 bills so many are paid in the month of the reading, in the next, in the two after that; the others never. */
const shares = { early: 24, onTime: 52, late: 12 };
/** One customer in so many never pays. */
const customersPerDefaulter = 23;
const lateMonths = 2;

/** The bills and payments of one seed. */
export class PamBills {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    readonly calendar: Calendar,
    readonly readings: Readings,
  ) {
    this.draw = drawer(seed, 14);
  }

  get customers(): Readings["customers"] {
    return this.readings.customers;
  }

  at(number: number, month: number): Bill {
    const { opening, closing, usage, amount, day } = this.readings.at(number, month - 1);
    const readOn = this.calendar.start(month - 1) + (day - 1) * dayMs;
    const yymm = new Date(readOn).toISOString().slice(2, 7).replace("-", "");
    return {
      number,
      month,
      notag: `${yymm}${String(number).padStart(7, "0")}`,
      opening,
      closing,
      usage,
      amount: Math.abs(amount),
      readOn,
    };
  }

  /** When a bill is paid, in months from that of its list on, which is -1, 0, 1 or 2; undefined: never. */
  paidAfter(number: number, month: number): number | undefined {
    if (this.customers.bits(number) % customersPerDefaulter === 0) return undefined;
    const bits = this.draw(number, month + 100);
    const share = bits % 100;
    if (share < shares.early) return -1;
    if (share < shares.early + shares.onTime) return 0;
    if (share < shares.early + shares.onTime + shares.late) return 1 + ((bits >>> 9) % lateMonths);
    return undefined;
  }

  /** The day on which a bill is paid. */
  paidOn(number: number, month: number): number | undefined {
    const after = this.paidAfter(number, month);
    if (after === undefined) return undefined;
    const days = this.calendar.daysIn(month + after);
    // Who pays in the month of the reading does so after it.
    const first = after === -1 ? 21 : 1;
    const bits = mixed(this.draw(number, month + 100));
    return this.calendar.start(month + after) + (first - 1 + (bits % (days - first + 1))) * dayMs;
  }

  payment(number: number, month: number): Payment | undefined {
    const [after, day] = [this.paidAfter(number, month), this.paidOn(number, month)];
    if (after === undefined || day === undefined) return undefined;
    const place = places[(this.draw(number, month + 100) >>> 16) % places.length] ?? "";
    return { bill: this.at(number, month), day, place, fine: after > 0 ? 5000 * after : 0 };
  }

  /** What is paid from a day of a month on up to another of it, customer by customer. */
  *paidBetween(month: number, from: number, to: number): Generator<Payment> {
    for (let number = 1; number <= this.customers.everBy(month); number++) {
      for (let list = month - lateMonths; list <= month + 1; list++) {
        const day = this.paidOn(number, list);
        if (day === undefined || day < from || day > to) continue;
        const payment = this.payment(number, list);
        if (payment) yield payment;
      }
    }
  }

  /** Bills of lists up to the one after a month, so those read in it too, that are open at its end. */
  *openAt(number: number, month: number, months = 6): Generator<Bill> {
    for (let list = month + 2 - months; list <= month + 1; list++) {
      const after = this.paidAfter(number, list);
      if (after === undefined || list + after > month) yield this.at(number, list);
    }
  }
}

const places = ["BANK DKI", "BCA", "MANDIRI", "LOKET SUNTER", "INDOMARET", "ALFAMART"];

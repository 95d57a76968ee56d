import { drawer } from "../parts/draws.js";
import type { PamCustomers } from "./customers.js";
import { pick } from "./customers.js";

/** What the office looks for in readings; each befalls one reading in so many. */
export const anomalies = ["extreme", "drop", "zero", "negative", "incorrect", "rebill", "estimated"] as const;
export type Anomaly = (typeof anomalies)[number];
const readingsPerAnomaly = 60;

/** A reading of a meter, stands and usage in m3. */
export interface Reading {
  readonly opening: number;
  readonly closing: number;
  readonly usage: number;
  /** Bill of it in IDR. */
  readonly amount: number;
  readonly day: number;
  readonly method: string;
  readonly skipCode: string | undefined;
  readonly troubleCode: string | undefined;
  readonly message: string | undefined;
  /** What was planted; others may come of themselves. */
  readonly anomaly: Anomaly | undefined;
}

/** Stands are counted from this month on. */
const firstMonth = -12;
/** Fixed part of a bill in IDR. */
const fixedFee = 9500;

/** The readings of one seed. What is read in a month is billed in the next. */
export class Readings {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    readonly customers: PamCustomers,
  ) {
    this.draw = drawer(seed, 13);
  }

  anomaly(number: number, month: number): Anomaly | undefined {
    const turn = (number + month * 37 + 37 * 12) % readingsPerAnomaly;
    return anomalies[turn];
  }

  at(number: number, month: number): Reading {
    const bits = this.draw(number, month - firstMonth);
    const anomaly = this.anomaly(number, month);
    const opening = this.stand(number, month - 1);
    const flow = this.flow(number, month);
    const back = 1 + (bits % 9);
    const closing = anomaly === "negative" || anomaly === "incorrect" ? opening - back : opening + flow;
    // An incorrect stand is billed by what is usual; a negative one as it is.
    const usage = anomaly === "negative" ? -back : flow;
    const amount = Math.max(0, usage) * this.customers.price(number) + fixedFee;
    const isSkipped = anomaly === "estimated" && bits % 2 === 0;
    return {
      opening,
      closing,
      usage,
      amount: anomaly === "rebill" && bits % 2 === 0 ? -amount : amount,
      day: 1 + ((bits >>> 8) % 20),
      method: anomaly === "estimated" ? pick(["ESTIMATED", "ESTIMASI"], bits >>> 5) : "ACTUAL",
      skipCode: isSkipped ? pick(skipCodes, bits >>> 12) : undefined,
      troubleCode: (bits >>> 3) % 25 === 0 ? pick(troubleCodes, bits >>> 15) : undefined,
      message: anomaly === "rebill" ? `REBILL ${((bits >>> 4) % 12) + 1}/2025` : undefined,
      anomaly,
    };
  }

  /** The meter at the end of a month. */
  private stand(number: number, month: number): number {
    let stand = 100 + (this.customers.bits(number) % 900);
    for (let each = firstMonth; each <= month; each++) stand += this.flow(number, each);
    return stand;
  }

  /** What went through the meter in a month. */
  private flow(number: number, month: number): number {
    const base = 12 + (this.customers.bits(number) % 24);
    const usual = Math.floor((base * (85 + (this.draw(number, month - firstMonth) % 31))) / 100);
    switch (this.anomaly(number, month)) {
      case "extreme":
        return 101 + usual * 4;
      case "drop":
        return Math.floor(base / 4);
      case "zero":
      case "negative":
        return 0;
      default:
        return usual;
    }
  }
}

/** Codes of seeds/pam_skip_code.csv and seeds/pam_trouble_code.csv, invented like all of this sample. */
export const skipCodes = ["1A", "1B", "1C", "2A", "2C", "3A", "4A", "5A"];
export const troubleCodes = ["1A", "1C", "2A", "2B", "2C", "3A", "4B"];

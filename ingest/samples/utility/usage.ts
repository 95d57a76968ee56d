import { dayMs, daysIn, isoTime, monthStart } from "./calendar.js";
import { topics, type Customers } from "./customers.js";
import { drawer, flawEvery, flawOf, mixed, mixedSql } from "../parts/draws.js";

/** A day's reading of a meter, in hundredths of kWh and kW. Each customer has one meter. */
export interface Reading {
  readonly usage: number;
  readonly peak: number;
  /** Minutes since midnight. */
  readonly minute: number;
  /** A actual, E estimated, M manual. */
  readonly quality: string;
}

/** Minutes of the day in which meters are read. */
const readingWindow = { start: 1410, length: 30 };

/** `late` comes two days later, `missing` never; `blank` has no number. */
export const usageFlaws = ["late", "duplicate", "negative", "unknownCustomer", "missing", "blank"] as const;
export type UsageFlaw = (typeof usageFlaws)[number];
export const lateDays = 2;

/** The readings of one seed: usage follows the type of the customer, the season, the weekday and chance. */
export class Usage {
  private readonly days: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly customers: Customers,
  ) {
    this.days = drawer(seed, topics.day);
  }

  reading(number: number, day: number): Reading {
    return this.readingOf(this.customers.bits(number), this.dayBits(day), dayFactor(day));
  }

  /** All of a month in hundredths of kWh, flaws apart. */
  ofMonth(number: number, month: number): number {
    const bits = this.customers.bits(number);
    let sum = 0;
    for (let day = 0; day < daysIn(month); day++) {
      const time = monthStart(month) + day * dayMs;
      sum += this.readingOf(bits, this.dayBits(time), dayFactor(time)).usage;
    }
    return sum;
  }

  private readingOf(bits: number, dayBits: number, factor: number): Reading {
    const chance = mixed(bits ^ dayBits);
    const usage = Math.floor((baseUsage(bits) * factor * (700 + (chance % 600))) / 1_000_000);
    const exactness = (chance >>> 8) % 100;
    return {
      usage,
      peak: Math.floor((usage * (150 + ((chance >>> 12) % 200))) / 2400),
      minute: readingWindow.start + ((chance >>> 20) % readingWindow.length),
      quality: exactness < 97 ? "A" : exactness < 99 ? "E" : "M",
    };
  }

  private dayBits(day: number): number {
    return this.days(Math.floor(day / dayMs));
  }

  flaw(number: number, day: number): UsageFlaw | undefined {
    return flawOf(usageFlaws, number + Math.floor(day / dayMs) * 31, this.customers.atStart);
  }

  /**
   * The query of DuckDB that makes the file of a day: the numbers of `reading` for every customer who is one that month.
   *
   * @param asText whether usage comes as text, with errors among the numbers
   */
  query(month: number, day: number, asText: boolean): string {
    const before = day - lateDays * dayMs;
    return [
      this.rowsOf(month, day, "flaw is null or flaw not in ('late', 'missing')", asText),
      this.rowsOf(month, before, before < monthStart(0) ? "false" : "flaw = 'late'", asText),
      this.rowsOf(month, day, "flaw = 'duplicate'", asText),
    ].join("\nunion all\n");
  }

  private rowsOf(month: number, day: number, condition: string, asText: boolean): string {
    const shift = Math.floor(day / dayMs) * 31;
    const flaws = usageFlaws.map((flaw, index) => `when ${index} then '${flaw}'`).join(" ");
    const every = flawEvery(usageFlaws.length, this.customers.atStart);
    const meters = `
select number, 'M' || lpad(number::varchar, 8, '0') as meter_id,
  case (number + ${shift}) % ${every} ${flaws} end as flaw
from range(1, ${this.customers.everBy(month) + 1}) as t(number)`;
    const bits = this.customers.withBits(`select * from (${meters}) where ${condition}`);
    const present = `select * from (${this.customers.withAbsence(bits, month)}) where not is_away`;
    const chance = mixedSql(present, `xor(bits, ${this.dayBits(day)}::ubigint)`, "chance");
    const usage = asText ? "coalesce(usage::varchar, 'ERR')" : "usage";
    return `
select meter_id, customer_id, read_at, ${usage} as usage_kwh, peak_demand_kw, rate_schedule, quality_code from (
  select meter_id,
    if(flaw = 'unknownCustomer', 'X', 'C') || substr(meter_id, 2) as customer_id,
    timestamptz '${isoTime(day)}' + to_minutes((${readingWindow.start} + (chance >> 20) % ${readingWindow.length})::bigint) as read_at,
    case flaw when 'negative' then -hundredths / 100 when 'blank' then null else hundredths / 100 end::decimal(10, 2) as usage,
    ((hundredths * (150 + (chance >> 12) % 200)) // 2400 / 100)::decimal(8, 2) as peak_demand_kw,
    ${rateScheduleSql} as rate_schedule,
    case when flaw = 'negative' then 'X' when (chance >> 8) % 100 < 97 then 'A' when (chance >> 8) % 100 < 99 then 'E' else 'M' end as quality_code
  from (select *, (${baseUsageSql} * ${dayFactor(day)} * (700 + chance % 600) // 1000000)::bigint as hundredths from (${chance})))`;
  }
}

/** Hundredths of kWh on an average day. */
function baseUsage(bits: number): number {
  const share = bits % 1000;
  const size = bits >>> 10;
  if (share < 880) return 600 + (size % 2400);
  return share < 980 ? 4000 + (size % 36_000) : 50_000 + (size % 450_000);
}

const baseUsageSql = `
case when bits % 1000 < 880 then 600 + (bits >> 10) % 2400
  when bits % 1000 < 980 then 4000 + (bits >> 10) % 36000 else 50000 + (bits >> 10) % 450000 end`;

/** The rate of a customer, by type and chance. */
export function rateSchedule(bits: number): string {
  const share = bits % 1000;
  if (share < 880) return (bits >>> 20) % 4 === 0 ? "RES-TOU" : "RES-1";
  return share >= 980 ? "IND-1" : (bits >>> 20) % 4 === 0 ? "COM-2" : "COM-1";
}

const rateScheduleSql = `
case when bits % 1000 < 880 then if((bits >> 20) % 4 = 0, 'RES-TOU', 'RES-1')
  when bits % 1000 >= 980 then 'IND-1' else if((bits >> 20) % 4 = 0, 'COM-2', 'COM-1') end`;

/** Summer and winter use more, weekends less; in 1/1,000. */
function dayFactor(day: number): number {
  const date = new Date(day);
  const season =
    [1300, 1250, 1050, 850, 800, 1000, 1350, 1400, 1100, 850, 950, 1200][date.getUTCMonth()] ?? 1000;
  const weekday = date.getUTCDay();
  return weekday === 0 || weekday === 6 ? Math.floor((season * 92) / 100) : season;
}

import { drawer, flawOf, mixed } from "../parts/draws.js";
import { daysIn, isoDay, monthStart, yearAndMonth } from "./calendar.js";
import { billedAtStart, realScale, tariffs, type City, type Pelanggan } from "./city.js";

/** A row of a table in the order of its columns; null is NULL. */
export type Row = readonly (string | null)[];

export const billFlaws = [
  "duplicateBill",
  "duplicatePayment",
  "noTagihan",
  "noTagihanWithDenda",
  "neither",
  "noDenda",
  "noJumlahbayar",
  "onlyPayment",
] as const;
export type BillFlaw = (typeof billFlaws)[number];

/** Of the year: what is used in each month, as the city's revenue shows it; the first is 1. */
const season = [1, 1.03, 0.94, 1.02, 1.04, 1.0, 0.99, 1.01, 1.0, 0.97, 1.03, 0.98];
/** New prices come with the year. */
const priceRise = [1, 1.04, 1.085, 1.125];
/** Use grows by region, a month. */
const trend: Readonly<Record<Pelanggan["region"], number>> = { PS: 1.0002, SN: 1.0005, UT: 1.001 };

const mean = (of: (m3: number, price: number) => number): number =>
  tariffs.reduce((sum, [, , share, m3, price]) => sum + (share / 100) * of(m3, price), 0);
const billed = billedAtStart.PS + billedAtStart.SN + billedAtStart.UT;
/** Scale m3 and prices so that all of the city together uses and owes in 2021-01 what it really did. */
const m3Scale = realScale.m3 / realScale.customers / mean((m3) => m3);
const priceScale = billed / realScale.customers / m3Scale / mean((m3, price) => m3 * price);

export interface Bill {
  readonly pemakaian: number;
  readonly tagihan: number;
  readonly tariff: string;
  readonly flaw: BillFlaw | undefined;
}

/** Bills and payments of one seed, a customer and month each. */
export class Bills {
  private readonly draw: (thing: number, time?: number) => number;
  private readonly weather: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly city: City,
  ) {
    this.draw = drawer(seed, 33);
    this.weather = drawer(seed, 34);
  }

  /** Undefined where nothing is billed: the customer is new or cut off. */
  at(number: number, month: number): Bill | undefined {
    const { status, region, tariff } = this.city.at(number, month);
    if (status !== "A") return undefined;
    const [, , , m3 = 0, price = 0] = tariffs.find(([code]) => code === tariff) ?? [];
    const household = 0.5 + (mixed(this.city.bits(number) ^ 99) % 1000) / 1000;
    const chance = 0.9 + (this.draw(number, month) % 200) / 1000;
    const pemakaian = Math.round(m3 * m3Scale * household * chance * this.level(region, month));
    return {
      pemakaian,
      tagihan: Math.round((pemakaian * price * priceScale * this.priceLevel(month)) / 50) * 50,
      tariff,
      flaw: flawOf(billFlaws, number + month * 19, this.city.atStart),
    };
  }

  /** What a region uses in a month, 1 being 2021-01: season, trend, and the weather of the month within 2 %. */
  private level(region: Pelanggan["region"], month: number): number {
    const weather = month === 0 ? 0 : ((this.weather(region.charCodeAt(0), month) % 400) - 200) / 10_000;
    return (season[month % 12] ?? 1) * trend[region] ** month * (1 + weather);
  }

  private priceLevel(month: number): number {
    return priceRise[Math.min(Math.floor(month / 12), priceRise.length - 1)] ?? 1;
  }

  brek(number: number, month: number): Row[] {
    const bill = this.at(number, month);
    if (!bill || bill.flaw === "onlyPayment") return [];
    const withoutAmount: readonly (string | undefined)[] = ["noTagihan", "noTagihanWithDenda", "neither"];
    const row: Row = [
      ...this.key(number, month),
      bill.tariff,
      withoutAmount.includes(bill.flaw) ? null : String(bill.tagihan),
      String(bill.pemakaian),
    ];
    return bill.flaw === "duplicateBill" ? [row, row] : [row];
  }

  /** Payments made by the end of a month; one bill in twenty is never paid. */
  trx(number: number, month: number, until: number): Row[] {
    const bill = this.at(number, month);
    if (!bill) return [];
    const draw = mixed(this.draw(number, month) ^ 1);
    const { flaw } = bill;
    const isFlawed = flaw !== undefined && flaw !== "duplicateBill";
    if (draw % 20 === 0 && !isFlawed) return [];
    const isLate = flaw === "noTagihanWithDenda" || (flaw === undefined && (draw >>> 5) % 7 === 0);
    const paidAt =
      monthStart(month) + (isLate ? daysIn(month) + 20 : 4) * 86_400_000 + ((draw >>> 8) % 20) * 86_400_000;
    if (paidAt >= monthStart(until + 1)) return [];
    const denda = isLate ? 10_000 : 0;
    const row: Row = [
      ...this.key(number, month),
      flaw === "neither" || flaw === "noJumlahbayar" ? null : String(bill.tagihan + denda),
      flaw === "noDenda" ? null : String(denda),
      isoDay(paidAt),
    ];
    return flaw === "duplicatePayment" ? [row, row] : [row];
  }

  private key(number: number, month: number): [string, string, string] {
    return [this.city.at(number, month).code, ...yearAndMonth(month)];
  }
}

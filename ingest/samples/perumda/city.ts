import { drawer, mixed } from "../parts/draws.js";

export type Region = "PS" | "SN" | "UT";
export type Status = "A" | "N" | "P";

/** A customer at the end of a month. */
export interface Pelanggan {
  readonly code: string;
  readonly name: string;
  readonly region: Region;
  readonly status: Status;
  readonly tariff: string;
}

/** A disconnection; `reopened` is the month of the reopening, where there is one. */
export interface Disconnection {
  readonly month: number;
  readonly isDone: boolean;
  readonly reopened: number | undefined;
}

/** What is billed in 2021-01 in each region at real scale, IDR; the customers are shared out alike. */
export const billedAtStart: Readonly<Record<Region, number>> = { PS: 5.78e9, SN: 4.28e9, UT: 4.93e9 };
/** Customers, and m3 in a month, at real scale. */
export const realScale = { customers: 145_000, m3: 2.8e6 };

/** Code, name, customers of 100, m3 a month and IDR a m3, the last two before they are scaled to the totals above. */
export const tariffs: readonly (readonly [
  code: string,
  name: string,
  share: number,
  m3: number,
  price: number,
])[] = [
  ["1A", "Sosial Umum", 2, 30, 1050],
  ["2A", "Rumah Tangga A", 15, 14, 3550],
  ["2B", "Rumah Tangga B", 25, 16, 4200],
  ["2C", "Rumah Tangga C", 40, 18, 5000],
  ["3A", "Niaga Kecil", 12, 30, 7500],
  ["3B", "Niaga Besar", 4, 45, 9000],
  ["4A", "Industri", 2, 120, 12_000],
];

const cycleMonths = 24;
/** Of 1,000 customers so many within one cycle. */
const shares = { disconnected: 60, moves: 10, changesTariff: 30 };
/** New customers a month, in 1/1,000 of those at the start. */
const growth = 3;
const topics = { customer: 31, name: 32 };

/** The customers of one seed: each month of each can be asked for without those before. */
export class City {
  private readonly identity: (thing: number, time?: number) => number;
  private readonly naming: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    readonly atStart: number,
  ) {
    this.identity = drawer(seed, topics.customer);
    this.naming = drawer(seed, topics.name);
  }

  /** Numbers 1 to this are customers by the end of a month. */
  everBy(month: number): number {
    return this.atStart + Math.floor((this.atStart * growth * Math.max(0, month)) / 1000);
  }

  bits(number: number): number {
    return this.identity(number);
  }

  at(number: number, month: number): Pelanggan {
    const bits = this.bits(number);
    const isNew = number > this.everBy(month - 1) && month > 0;
    const moves = this.happenings(bits, 1, shares.moves, month);
    const changes = this.happenings(bits, 2, shares.changesTariff, month);
    return {
      code: customerCode(number),
      name: `${pick(firstNames, this.naming(number))} ${pick(lastNames, this.naming(number, 1))}`,
      region: pick(regionsFrom(regionOf(bits)), moves),
      status: isNew ? "P" : this.isCutOff(number, month) ? "N" : "A",
      tariff: tariffs[(tariffIndex(bits) + changes) % tariffs.length]?.[0] ?? "",
    };
  }

  /** Those that were ordered by the end of a month, the oldest first. */
  disconnections(number: number, month: number): Disconnection[] {
    const found: Disconnection[] = [];
    for (let cycle = 0; cycle * cycleMonths <= month; cycle++) {
      const draw = this.event(this.bits(number), 3, cycle);
      if (draw % 1000 >= shares.disconnected) continue;
      const at = cycle * cycleMonths + 1 + ((draw >>> 10) % (cycleMonths - 8));
      if (at > month || number > this.everBy(at - 1)) continue;
      const isDone = (draw >>> 16) % 10 !== 0;
      const reopened = at + 1 + ((draw >>> 20) % 6);
      const isReopened = isDone && (draw >>> 24) % 10 < 7 && reopened <= month;
      found.push({ month: at, isDone, reopened: isReopened ? reopened : undefined });
    }
    return found;
  }

  private isCutOff(number: number, month: number): boolean {
    return this.disconnections(number, month).some(
      ({ isDone, reopened }) => isDone && reopened === undefined,
    );
  }

  private happenings(bits: number, topic: number, share: number, month: number): number {
    let count = 0;
    for (let cycle = 0; cycle * cycleMonths <= month; cycle++) {
      const draw = this.event(bits, topic, cycle);
      const at = cycle * cycleMonths + 1 + ((draw >>> 10) % (cycleMonths - 1));
      if (draw % 1000 < share && at <= month) count++;
    }
    return count;
  }

  private event(bits: number, topic: number, cycle: number): number {
    return mixed(bits ^ (topic * 4096 + cycle));
  }
}

export function customerCode(number: number): string {
  return String(10_000_000 + number);
}

/** Where a customer of these bits lives at first. */
export function regionOf(bits: number): Region {
  const total = billedAtStart.PS + billedAtStart.SN + billedAtStart.UT;
  const share = ((bits >>> 8) % 10_000) / 10_000;
  return share < billedAtStart.PS / total
    ? "PS"
    : share < (billedAtStart.PS + billedAtStart.SN) / total
      ? "SN"
      : "UT";
}

function regionsFrom(first: Region): readonly Region[] {
  return { PS: ["PS", "SN", "UT"], SN: ["SN", "UT", "PS"], UT: ["UT", "PS", "SN"] }[first] as Region[];
}

function tariffIndex(bits: number): number {
  let share = bits % 100;
  return tariffs.findIndex(([, , of100]) => (share -= of100) < 0);
}

function pick<T>(items: readonly T[], draw: number): T {
  return items[draw % items.length] as T;
}

const firstNames = [
  "Siti",
  "Budi",
  "Agus",
  "Dewi",
  "Sri",
  "Andi",
  "Rina",
  "Joko",
  "Wati",
  "Eko",
  "Nur",
  "Made",
  "Tuti",
];
const lastNames = [
  "Santoso",
  "Wijaya",
  "Lestari",
  "Hidayat",
  "Saputra",
  "Rahayu",
  "Nugroho",
  "Siregar",
  "Kusuma",
  "Halim",
  "Utami",
];

import { drawer } from "../parts/draws.js";

/** A customer as the lists name it. */
export interface PamCustomer {
  /** Eight digits. */
  readonly nomen: string;
  readonly name: string;
  readonly address: readonly [street: string, house: string, district: string];
  readonly postcode: string;
  /** Nine digits: rayon, PC, EZ, block. */
  readonly zone: string;
  readonly meter: string;
  readonly tariff: string;
  readonly type: string;
  /** Route of the meter reader. */
  readonly route: string;
}

/** Of 100 customers so many live in each rayon; the last two are not of this office. */
const rayons: readonly (readonly [rayon: string, share: number])[] = [
  ["34", 44],
  ["35", 50],
  ["33", 3],
  ["09", 3],
];

/** Tariffs with IDR a m3. */
export const tariffs: readonly (readonly [code: string, price: number])[] = [
  ["2A1", 1050],
  ["3A", 3550],
  ["3B", 4900],
  ["4A", 6825],
  ["4B", 9800],
  ["5", 12_550],
];

/** New customers a month, in 1/1,000 of those at the start. */
const growth = 4;

/** The customers of one seed; the texts of a number never change. */
export class PamCustomers {
  private readonly identity: (thing: number, time?: number) => number;
  private readonly naming: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    readonly atStart: number,
  ) {
    this.identity = drawer(seed, 11);
    this.naming = drawer(seed, 12);
  }

  /** Numbers 1 to this are customers in a month. */
  everBy(month: number): number {
    return this.atStart + Math.max(0, Math.floor((this.atStart * growth * month) / 1000));
  }

  bits(number: number): number {
    return this.identity(number);
  }

  /** IDR a m3. */
  price(number: number): number {
    return this.tariff(number)[1];
  }

  at(number: number): PamCustomer {
    const bits = this.bits(number);
    const draw = this.naming(number);
    const [pc, ez, block] = [90 + (bits % 12), 1 + ((bits >>> 4) % 9), 1 + ((bits >>> 8) % 30)];
    const district = pick(districts, draw >>> 12);
    return {
      nomen: String(60_000_000 + number),
      name: nameOf(draw),
      address: [
        `JL ${pick(streets, draw >>> 5)}`,
        `NO ${1 + ((draw >>> 9) % 180)} RT ${1 + ((draw >>> 3) % 16)}/${1 + ((draw >>> 7) % 12)}`,
        district,
      ],
      postcode: String(14_340 + ((draw >>> 11) % 20)),
      zone: `${this.rayon(number)}${three(pc)}${two(ez)}${two(block)}`,
      meter: `${pick(["MT", "AC", "BR"], bits >>> 13)}${String(100_000 + (draw % 900_000))}`,
      tariff: this.tariff(number)[0],
      type: pick(["R", "R", "R", "N", "S", "I"], bits >>> 16),
      route: `${this.rayon(number)}-${two(1 + ((bits >>> 6) % 40))}`,
    };
  }

  rayon(number: number): string {
    let share = (this.bits(number) >>> 3) % 100;
    for (const [rayon, wide] of rayons) {
      if (share < wide) return rayon;
      share -= wide;
    }
    return "34";
  }

  private tariff(number: number): (typeof tariffs)[number] {
    return pick(tariffs, this.bits(number) >>> 20);
  }
}

/** PC and EZ of a zone: `096/02`. */
export function pcez(zone: string): string {
  return `${zone.slice(2, 5)}/${zone.slice(5, 7)}`;
}

function nameOf(draw: number): string {
  const last = pick(lastNames, draw >>> 6);
  if (draw % 12 === 0) return `${pick(["PT", "CV", "UD"], draw >>> 10)} ${last} ${pick(trades, draw >>> 14)}`;
  if (draw % 37 === 0) return `CAFÉ ${last}`;
  return `${pick(firstNames, draw)} ${last}`;
}

export function pick<T>(items: readonly T[], draw: number): T {
  return items[(draw >>> 0) % items.length] as T;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

function three(number: number): string {
  return String(number).padStart(3, "0");
}

const firstNames = [
  "BUDI",
  "SITI",
  "AGUS",
  "DEWI",
  "RUDI",
  "SRI",
  "JOKO",
  "RINA",
  "HENDRA",
  "LILIS",
  "ANDRÉ",
];
const lastNames = [
  "SANTOSO",
  "WIJAYA",
  "LESTARI",
  "PRATAMA",
  "HALIM",
  "KUSUMA",
  "SIREGAR",
  "NASUTION",
  "GUNAWAN",
];
const trades = ["JAYA ABADI", "MAKMUR", "SEJAHTERA", "TEKNIK", "LOGAM"];
const streets = [
  "SUNTER AGUNG",
  "DANAU SUNTER",
  "PARADISE",
  "METRO KENCANA",
  "AGUNG NIAGA",
  "GRIYA SEJAHTERA",
];
const districts = ["SUNTER AGUNG", "SUNTER JAYA", "PAPANGGO", "TANJUNG PRIOK"];

import { daysIn, isoTime, monthStart, slashedDay } from "./calendar.js";
import { drawer, drawerBase, mixed, mixedSql } from "../parts/draws.js";

export type CustomerType = "residential" | "commercial" | "industrial";

/** A customer as a month's snapshot shows it. */
export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly city: string;
  readonly state: string;
  readonly zip: string;
  readonly type: CustomerType;
  readonly status: "active" | "suspended" | "closed";
  readonly updatedAt: number;
}

/** What happens to a customer is drawn anew for each of these, so that changes never end. */
export const cycleMonths = 24;

/** Of 100 customers so many, within one cycle. */
const shares = { leaves: 12, moves: 30, isSuspended: 20, changesType: 2 };

/** New customers a month, in 1/1,000 of those at the start. */
const growth = 6;

export const topics = { customer: 1, name: 2, address: 3, day: 4, bill: 5, payment: 6, ticket: 7, outage: 8 };

/** The customers of one seed: each month of each of them can be asked for without those before. */
export class Customers {
  private readonly identity: (thing: number, time?: number) => number;
  private readonly naming: (thing: number, time?: number) => number;
  private readonly housing: (thing: number, time?: number) => number;

  constructor(
    private readonly seed: number,
    readonly atStart: number,
  ) {
    this.identity = drawer(seed, topics.customer);
    this.naming = drawer(seed, topics.name);
    this.housing = drawer(seed, topics.address);
  }

  /** Numbers 1 to this have been customers by the end of a month, whether they still are or not. */
  everBy(month: number): number {
    return this.atStart + Math.floor((this.atStart * growth * month) / 1000);
  }

  /** Bits that say what a customer is; those of all its events follow from them. */
  bits(number: number): number {
    return this.identity(number);
  }

  /** What a customer was when it came. */
  firstType(number: number): CustomerType {
    const share = this.bits(number) % 1000;
    return share < 880 ? "residential" : share < 980 ? "commercial" : "industrial";
  }

  /** Whether the customer is one in a month: some leave, and most of these come back. */
  isPresent(number: number, month: number): boolean {
    const { leaves, returns } = this.absence(number, month);
    const at = month % cycleMonths;
    return number <= this.everBy(month) && !(at >= leaves && at < returns);
  }

  /** Undefined when the customer is not there. */
  at(number: number, month: number): Customer | undefined {
    if (!this.isPresent(number, month)) return undefined;
    const changes = this.changes(number, month);
    const type = this.firstType(number);
    const first = type === "residential" ? "commercial" : "industrial";
    const updated = this.naming(number, 1 + changes.last);
    const updatedAt =
      changes.last < 0
        ? Date.UTC(2019, 0, 1 + (updated % 2500), updated % 24, updated % 60)
        : monthStart(changes.last) + (updated % (daysIn(changes.last) * 1440)) * 60_000;
    return {
      id: customerId(number),
      name: nameOf(this.naming(number), type),
      ...this.home(number, changes.moves),
      type: changes.types > 0 ? first : type,
      status: changes.status,
      updatedAt,
    };
  }

  /** Months of the cycle in which the customer is away, from and up to, not including. */
  private absence(number: number, month: number): { leaves: number; returns: number } {
    const draw = mixed(this.bits(number) ^ (1 + Math.floor(month / cycleMonths)));
    if (draw % 100 >= shares.leaves) return { leaves: cycleMonths, returns: cycleMonths };
    const leaves = 1 + ((draw >>> 8) % (cycleMonths - 1));
    const away = (draw >>> 16) % 4;
    return { leaves, returns: away === 0 ? cycleMonths : leaves + away };
  }

  /** The column `bits` beside the column `number` of a query of DuckDB. */
  withBits(query: string): string {
    const half = mixedSql(
      query,
      `xor(${drawerBase(this.seed, topics.customer)}::ubigint, number::ubigint)`,
      "half",
    );
    return mixedSql(half, "half", "bits");
  }

  /** The column `is_away` beside the column `bits`: `absence` in DuckDB. */
  withAbsence(query: string, month: number): string {
    const at = month % cycleMonths;
    const leaves = `(1 + (leaving >> 8) % ${cycleMonths - 1})`;
    const away = "((leaving >> 16) % 4)";
    return `
select *, leaving % 100 < ${shares.leaves} and ${at} >= ${leaves} and (${away} = 0 or ${at} < ${leaves} + ${away}) as is_away
from (${mixedSql(query, `xor(bits, ${1 + Math.floor(month / cycleMonths)}::ubigint)`, "leaving")})`;
  }

  private changes(number: number, month: number): Changes {
    const bits = this.bits(number);
    let [moves, types, last] = [0, 0, -1];
    let status: Customer["status"] = "active";
    for (let cycle = 0; cycle <= Math.floor(month / cycleMonths); cycle++) {
      const start = cycle * cycleMonths;
      const at = Math.min(month - start, cycleMonths - 1);
      const event = (topic: number, share: number): number => {
        const draw = mixed(bits ^ (topic * 4096 + cycle));
        return draw % 100 < share ? 1 + ((draw >>> 8) % (cycleMonths - 1)) : cycleMonths;
      };
      const happened = (when: number): number => {
        if (when <= at) last = Math.max(last, start + when);
        return when <= at ? 1 : 0;
      };
      moves += happened(event(1, shares.moves));
      types += happened(event(2, shares.changesType));
      const suspended = event(3, shares.isSuspended);
      happened(suspended);
      const resumed = suspended + 1 + (bits % 2);
      happened(resumed);
      const { leaves, returns } = this.absence(number, start);
      if (returns < cycleMonths) happened(returns);
      const closing = leaves < cycleMonths ? leaves - 1 : cycleMonths;
      if (closing > 0) happened(closing);
      status = at === closing ? "closed" : at >= suspended && at < resumed ? "suspended" : "active";
    }
    return { moves, types, last, status };
  }

  private home(number: number, moves: number): Pick<Customer, "address" | "city" | "state" | "zip"> {
    const draw = this.housing(number, moves);
    const [city, state, zip] = pick(cities, draw);
    const street = `${1 + ((draw >>> 5) % 4999)} ${pick(streets, draw >>> 9)} ${pick(ways, draw >>> 17)}`;
    const flat = (draw >>> 3) % 7 === 0 ? `, Apt ${1 + ((draw >>> 11) % 60)}` : "";
    return { address: street + flat, city, state, zip: String(zip + ((draw >>> 20) % 80)).padStart(5, "0") };
  }
}

interface Changes {
  readonly moves: number;
  readonly types: number;
  /** The month of the latest change; -1: none yet. */
  readonly last: number;
  readonly status: Customer["status"];
}

export function customerId(number: number): string {
  return `C${String(number).padStart(8, "0")}`;
}

export const snapshotFlaws = [
  "duplicate",
  "misspelledType",
  "upperCaseStatus",
  "blankName",
  "shortZip",
  "textDate",
  "slashedDate",
] as const;
export type SnapshotFlaw = (typeof snapshotFlaws)[number];

export const snapshotColumns = [
  "customer_id",
  "customer_name",
  "address",
  "city",
  "state",
  "zip_code",
  "customer_type",
  "account_status",
  "updated_at",
];

/** A customer's values in a snapshot, in the order of its columns. */
export function snapshotRow(customer: Customer, flaw: SnapshotFlaw | undefined): string[] {
  const { id, name, address, city, state, zip, type, status, updatedAt } = customer;
  return [
    id,
    flaw === "blankName" ? "" : name,
    address,
    city,
    state,
    flaw === "shortZip" ? String(Number(zip)) : zip,
    flaw === "misspelledType" ? type.replace("i", "") : type,
    flaw === "upperCaseStatus" ? status.toUpperCase() : status,
    flaw === "textDate"
      ? "yesterday"
      : flaw === "slashedDate"
        ? `${slashedDay(updatedAt)} ${isoTime(updatedAt).slice(11, 16)}`
        : isoTime(updatedAt),
  ];
}

function nameOf(draw: number, type: CustomerType): string {
  const last = pick(lastNames, draw >>> 4);
  if (type === "residential") return `${pick(firstNames, draw)} ${last}`;
  const forms = [`${last}, ${pick(lastNames, draw >>> 12)} & Co`, `${last} "${pick(trades, draw)}" Works`];
  return pick(
    [...forms, `${last} ${pick(trades, draw)} Ltd`, `${last} ${pick(trades, draw >>> 9)} Inc`],
    draw >>> 20,
  );
}

function pick<T>(items: readonly T[], draw: number): T {
  return items[draw % items.length] as T;
}

/** With the first ZIP code of each; all letters exist in Windows-1252. */
const cities: readonly (readonly [city: string, state: string, zip: number])[] = [
  ["Boston", "MA", 2108],
  ["Newark", "NJ", 7101],
  ["Cañon City", "CO", 81212],
  ["Austin", "TX", 73301],
  ["San José", "CA", 95101],
  ["Portland", "OR", 97201],
  ["Fargo", "ND", 58102],
  ["Mobile", "AL", 36601],
  ["Duluth", "MN", 55801],
  ["Reno", "NV", 89501],
  ["Utica", "NY", 13501],
];
const streets = [
  "Oak",
  "Maple",
  "Washington",
  "Lake",
  "Hill",
  "Mill",
  "Río Grande",
  "Second",
  "Church",
  "Sunset",
  "Elm",
];
const ways = ["St", "Ave", "Rd", "Blvd", "Ln", "Ct", "Way"];
const firstNames = [
  "Ana",
  "José",
  "Mary",
  "John",
  "Zoë",
  "Li",
  "Omar",
  "Renée",
  "Tom",
  "Ingrid",
  "Björn",
  "Kim",
  "Sue",
];
const lastNames = [
  "Smith",
  "García",
  "Müller",
  "O'Brien",
  "Nguyen",
  "Johnson",
  "Åkesson",
  "Patel",
  "Kowalski",
  "Fernández",
  "Brown",
  "Lee",
  "D'Amico",
  "Peña",
  "Davis",
  "van Dyke",
  "Wilson",
];
const trades = ["Bakery", "Foundry", "Motors", "Print", "Dairy", "Textile", "Café", "Steel"];

import { dayMs, isoDay } from "../parts/calendar.js";

/** One file that a scrape of a day made. */
export interface Scrape {
  readonly operator: string;
  readonly city: string;
  /** `less3`, `more3`, or a word that is neither. */
  readonly stay: string;
  /** First moment of the day. */
  readonly day: number;
  readonly fileName: string;
  /** Numbers of the products that it may show, the last one not included. */
  readonly from: number;
  readonly to: number;
  /** Columns of the file. */
  readonly columns: readonly string[];
  readonly hasMark: boolean;
  readonly hasCrlf: boolean;
}

/** A file holds about so many products, and a day has so many files at least. */
const productsPerFile = 140;
const leastFiles = 8;

export const catalogueColumns = [
  "package_name",
  "commercial_name",
  "main_detail",
  "package_description",
  "benefit_detail",
  "benefit_app",
  "price",
  "validity",
];
/** What some operators add from a month's tenth day on. */
export const addedColumn = "promo_label";
const driftDay = 10;

/** Digits that look like a date and are none, before the day in some names. */
const noDate = "20261340";

/** The files of each day: always the same operators, cities and devices. */
export class Scrapes {
  /** How many a day. */
  readonly count: number;

  constructor(readonly products: number) {
    this.count = Math.max(leastFiles, Math.ceil(products / productsPerFile));
  }

  /** @param index below `count` */
  at(index: number, day: number): Scrape {
    const operator = operators[index % operators.length] ?? "";
    const city = cities[index % cities.length] ?? "";
    const turn = Math.floor(index / cities.length);
    // One file in eight does not say for whom its packages are.
    const stay = index % 8 === 6 ? "all" : (index + turn) % 2 === 0 ? "less3" : "more3";
    // Devices are named for cities too, whatever the city of the file.
    const device = `${devices[index % devices.length]}${index + 1}`;
    const date = isoDay(day).replaceAll("-", "");
    const place =
      index % 8 === 5 ? [noDate, device, date] : index % 2 === 0 ? [device, date] : [date, device];
    const hasAdded = index % 3 === 0 && new Date(day).getUTCDate() >= driftDay;
    const columns =
      index % 8 === 7 ? catalogueColumns.filter((name) => name !== "benefit_app") : catalogueColumns;
    return {
      operator,
      city,
      stay,
      day,
      fileName: `${[operator, city, stay, ...place].join("_")}.csv`,
      from: Math.floor((index * this.products) / this.count),
      to: Math.floor(((index + 1) * this.products) / this.count),
      columns: hasAdded ? [...columns, addedColumn] : columns,
      hasMark: index % 4 === 1,
      hasCrlf: index % 4 === 2,
    };
  }
}

/** Days since 1970, for draws. */
export function dayNumber(day: number): number {
  return Math.floor(day / dayMs);
}

const operators = ["Indosat", "Telkomsel", "XL", "Tri", "Smartfren"];

/** The first eight are of all areas. */
const cities = [
  "Lombok",
  "Medan",
  "Bekasi",
  "Makassar",
  "Jakarta",
  "Palembang",
  "Surabaya",
  "Balikpapan",
  "Jaktim",
  "PADANG",
  "Bogor",
  "Manado",
  "jabodetabek",
  "Aceh",
  "Jateng",
  "Kupang",
  "Depok",
  "Pekanbaru",
  "Semarang",
  "Ambon",
  "Tangerang",
  "Batam",
  "Solo",
  "Jayapura",
  "Jaksel",
  "Lampung",
  "Yogyakarta",
  "Malang",
  "Denpasar",
  "Bali",
  "Jabo",
  "Sumatera",
];
const devices = ["jaksel", "medan", "bali", "jaktim", "lombok", "padang"];

import { drawer, flawOf } from "../parts/draws.js";
import { durations, offer, offerKinds, quotas, type Offer } from "./offers.js";
import { dayNumber, type Scrape } from "./scrapes.js";

export const rowFlaws = [
  "duplicate",
  "noName",
  "noPrice",
  "wordPrice",
  "textValidity",
  "strayQuote",
  "twoLines",
  "padded",
  "ragged",
] as const;
export type RowFlaw = (typeof rowFlaws)[number];

/** A row of a file: its values by column, as they can be read; `ragged` has one field too many. */
export interface ScrapedRow {
  readonly product: number;
  readonly values: Readonly<Record<string, string | null>>;
  readonly flaw: RowFlaw | undefined;
}

/** A file of fewer rows has none that ingest rejects: it may reject one in a hundred. */
const leastRowsForReject = 110;

/** Of 100 products so many come and go: offered for a while, then not, by turns of so many days. */
const seasonal = { share: 25, days: 60, offered: 50 };
/** Prices are set anew after so many days; of 100 products so many then have another one. */
const pricing = { share: 20, days: 30 };

/** The products of one seed: what any file shows of any of them on any day follows from its number. */
export class Products {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly count: number,
  ) {
    this.draw = drawer(seed, 2);
  }

  /** The rows of a file, in their order. */
  *rows(scrape: Scrape): Generator<ScrapedRow> {
    for (let number = scrape.from; number < scrape.to; number++) {
      if (!this.isOffered(number, scrape.day)) continue;
      const flaw = this.flaw(number, scrape);
      const row = { product: number, values: this.values(number, scrape.day, flaw), flaw };
      yield row;
      if (flaw === "duplicate") yield row;
    }
  }

  isOffered(number: number, day: number): boolean {
    const bits = this.draw(number, 1);
    if (bits % 100 >= seasonal.share) return true;
    return (dayNumber(day) + (bits >>> 8)) % seasonal.days < seasonal.offered;
  }

  /** In IDR. */
  price(number: number, day: number): number {
    const bits = this.draw(number);
    const [, gb] = this.quota(bits);
    const base = Math.round((6000 + gb * 2500 + this.days(bits) * 350 + (bits % 9) * 1000) / 500) * 500;
    const turn = Math.floor((dayNumber(day) + ((bits >>> 14) % pricing.days)) / pricing.days);
    const change = this.draw(number, 2 + turn);
    return change % 100 < pricing.share ? base + 500 * (((change >>> 8) % 19) - 6) : base;
  }

  private flaw(number: number, scrape: Scrape): RowFlaw | undefined {
    const flaw = flawOf(rowFlaws, number + dayNumber(scrape.day) * 31, this.count);
    if (flaw !== "ragged") return flaw;
    const isOnlyOne = number < scrape.from + this.count / 3;
    return isOnlyOne && scrape.to - scrape.from >= leastRowsForReject ? flaw : undefined;
  }

  private offer(number: number, bits: number): Offer {
    return offer(number % offerKinds, { quota: this.quota(bits)[0], days: this.days(bits) });
  }

  private quota(bits: number): (typeof quotas)[number] {
    return quotas[(bits >>> 4) % quotas.length] ?? ["1 GB", 1];
  }

  private days(bits: number): number {
    return durations[(bits >>> 12) % durations.length] ?? 30;
  }

  private values(number: number, day: number, flaw: RowFlaw | undefined): Record<string, string | null> {
    const bits = this.draw(number);
    const { texts, validity } = this.offer(number, bits);
    const [name, commercial, main, description, benefit, app] = texts;
    const price = this.price(number, day);
    return {
      package_name:
        flaw === "noName"
          ? number % 2 === 0
            ? null
            : " "
          : flaw === "padded"
            ? `\u00A0${name.toUpperCase()}  `
            : name,
      commercial_name: commercial,
      main_detail: flaw === "strayQuote" ? `${main} layar 5" dan 6" saja` : main,
      package_description:
        flaw === "twoLines" ? `${description ?? main},\nsyarat "S&K" berlaku` : description,
      benefit_detail: benefit,
      benefit_app: app,
      price: flaw === "noPrice" ? null : flaw === "wordPrice" ? "Hubungi CS" : priceText(price, bits),
      validity: flaw === "textValidity" ? "masa aktif kartu" : validity,
      promo_label: bits % 5 === 0 ? "Promo" : null,
    };
  }
}

/** The ways in which prices are written; the digits are the price in each. */
function priceText(price: number, bits: number): string {
  const digits = String(price);
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ".");
  switch ((bits >>> 20) % 5) {
    case 0:
      return `Rp ${grouped}`;
    case 1:
      return `Rp${grouped},-`;
    case 2:
      return `IDR ${grouped.replaceAll(".", ",")}`;
    case 3:
      return grouped;
    default:
      return digits;
  }
}

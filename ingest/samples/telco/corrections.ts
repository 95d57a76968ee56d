import type { Calendar } from "../parts/calendar.js";
import { dayMs, isoTime } from "../parts/calendar.js";
import { drawer } from "../parts/draws.js";
import { productId } from "./product-id.js";
import type { Products, ScrapedRow } from "./products.js";
import type { Scrape, Scrapes } from "./scrapes.js";

/** What an analyst's edit is like; each month has all of them, in this order again and again. */
export const correctionKinds = [
  "set",
  "setAgain",
  "withdrawn",
  "cleared",
  "unknownColumn",
  "wrongType",
  "vanishedProduct",
] as const;
export type CorrectionKind = (typeof correctionKinds)[number];

export const correctionColumns = [
  "product_id",
  "column_name",
  "old_value",
  "new_value",
  "changed_by",
  "changed_at",
  "action",
  "reason",
] as const;

/** Values in the order of the columns. */
export type CorrectionRow = readonly (string | null)[];

/** One edit in so many products, each kind once at least. */
const productsPerEdit = 100;

/** The edits of one seed, of products as the last day of a month shows them. */
export class Corrections {
  private readonly draw: (thing: number, time?: number) => number;

  constructor(
    seed: number,
    private readonly calendar: Calendar,
    private readonly scrapes: Scrapes,
    private readonly products: Products,
  ) {
    this.draw = drawer(seed, 3);
  }

  *rows(month: number): Generator<CorrectionRow> {
    const count = Math.max(correctionKinds.length, Math.floor(this.scrapes.products / productsPerEdit));
    for (let edit = 0; edit < count; edit++) {
      const kind = correctionKinds[edit % correctionKinds.length] ?? "set";
      const product = this.product(month, edit);
      if (product === undefined) continue;
      const bits = this.draw(edit, month);
      const day = this.calendar.start(month + 1) - dayMs;
      const at = (second: number): string => isoTime(day + 28_800_000 + edit * 1000 + second * 10_000_000);
      const by = analysts[bits % analysts.length] ?? "";
      const set = (column: string, old: string | null, value: string | null, second = 0): CorrectionRow => [
        product.id,
        column,
        old,
        value,
        by,
        at(second),
        second === 0 && bits % 2 === 0 ? null : "set",
        "as on the operator's page",
      ];
      switch (kind) {
        case "set":
          yield set("validity_days", null, "30");
          break;
        case "setAgain":
          yield set("quota_category", "main_quota", "games");
          yield set("quota_category", "games", "youtube", 1);
          break;
        case "withdrawn":
          yield set("price", product.price, "99000");
          yield [product.id, "price", "99000", null, by, at(1), "withdraw", "was a typing error"];
          break;
        case "cleared":
          yield set("benefit", product.benefit, null);
          break;
        case "unknownColumn":
          yield set("validty_days", null, "30");
          break;
        case "wrongType":
          yield set("validity_days", "30", "tiga puluh");
          break;
        case "vanishedProduct":
          yield ["0".repeat(32), ...set("price", "10000", "12000").slice(1)];
          break;
      }
    }
  }

  /** A product that the last day of a month shows with a name and without flaw. */
  private product(
    month: number,
    edit: number,
  ): { id: string; price: string | null; benefit: string | null } | undefined {
    const day = this.calendar.start(month + 1) - dayMs;
    const scrape = this.scrapes.at(edit % this.scrapes.count, day);
    const rows = [...this.products.rows(scrape)];
    const ids = rows.map((row) => idOf(scrape, row));
    const wanted = this.draw(edit, month + 1000) % Math.max(1, rows.length);
    for (const [index, row] of [...rows.entries()].slice(wanted).concat([...rows.entries()])) {
      const id = ids[index] ?? "";
      // One that stands there twice would need its ordinal.
      if (row.flaw !== undefined || ids.indexOf(id) !== ids.lastIndexOf(id)) continue;
      return {
        id,
        price: (row.values["price"] ?? "").replace(/\D/g, ""),
        benefit: row.values["benefit_detail"] ?? null,
      };
    }
    return undefined;
  }
}

function idOf({ operator, city, stay }: Scrape, { values }: ScrapedRow): string {
  return productId({
    operator,
    city,
    stay,
    packageName: values["package_name"] ?? "",
    price: values["price"] ?? null,
    validity: values["validity"] ?? null,
  });
}

const analysts = ["ana", "budi", "citra"];

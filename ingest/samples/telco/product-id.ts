import { createHash } from "node:crypto";

/** What tells one product from another, as the product list has it. */
export interface ProductKey {
  readonly operator: string;
  readonly city: string;
  readonly stay: string;
  readonly packageName: string;
  readonly price: string | null;
  readonly validity: string | null;
}

/**
 * The key of a product: MD5 of these six joined by `|`, names and validity without blanks at their ends, of the price the
 * digits only, nothing for NULL. The second of two rows that are the same in all six has `-2` at its end.
 *
 * In SQL: `md5(concat_ws('|', operator, city, length_of_stay, trim(package_name), coalesce(price_digits, ''), coalesce(trim(validity), '')))`
 */
export function productId(key: ProductKey, ordinal = 1): string {
  const { operator, city, stay, packageName, price, validity } = key;
  const lengthOfStay =
    stay === "less3" ? "less_than_3_months" : stay === "more3" ? "more_than_3_months" : "unknown";
  const digits = (price ?? "").replace(/\D/g, "");
  const parts = [operator, city, lengthOfStay, packageName.trim(), digits, (validity ?? "").trim()];
  const hash = createHash("md5").update(parts.join("|")).digest("hex");
  return ordinal === 1 ? hash : `${hash}-${ordinal}`;
}

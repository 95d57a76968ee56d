import { AquiferError } from "../base/errors.js";
import { nearestName } from "../base/nearest-name.js";
import { snakeCase } from "../base/snake-case.js";

/** Types that a seed's column may have. */
const seedTypes = ["text", "integer", "bigint", "numeric", "boolean", "date", "timestamp"] as const;
type SeedType = (typeof seedTypes)[number];

export interface SeedColumn {
  readonly name: string;
  readonly type: SeedType;
  /** Part of the key: never empty, and unique together with the other columns of the key. */
  readonly key: boolean;
  /** Never empty. */
  readonly required: boolean;
}

/**
 * The columns of a seed by its header: each cell is `name`, `name:type` or `name:type flags`, where the flags are `key` and
 * `required`. Without a type a column is `text`. An empty cell of a row is NULL.
 *
 * @param file for messages, such as `seeds/price_group.csv`
 * @throws AquiferError `bad-seed`
 * @example seedColumns("seeds/price_group.csv", ["price_group_id:integer key", "label:text required", "note"])
 */
export function seedColumns(file: string, header: readonly string[]): SeedColumn[] {
  const fail = (cell: string, problem: string, hint: string): AquiferError =>
    new AquiferError(`Header cell ${JSON.stringify(cell)} ${problem}`, {
      code: "bad-seed",
      location: { file, line: 1 },
      hint,
    });
  const seen = new Set<string>();
  return header.map((cell): SeedColumn => {
    const [name = "", annotation = ""] = cell.split(":").map((part) => part.trim());
    if (name === "" || snakeCase(name) !== name) {
      throw fail(
        cell,
        "does not begin with a name in lower snake case",
        "Write name:type, such as id:integer key.",
      );
    }
    if (seen.has(name)) throw fail(cell, "names a column a second time", "Give every column its own name.");
    seen.add(name);
    const [type = "text", ...flags] = annotation.split(/\s+/).filter((word) => word !== "");
    const known = seedTypes.find((each) => each === type);
    if (known === undefined) {
      const near = nearestName(type, seedTypes);
      throw fail(
        cell,
        `has no known type "${type}"`,
        near === undefined ? `Use one of: ${seedTypes.join(", ")}.` : `Did you mean "${near}"?`,
      );
    }
    const unknown = flags.find((flag) => flag !== "key" && flag !== "required");
    if (unknown !== undefined) throw fail(cell, `has an unknown flag "${unknown}"`, "Use key or required.");
    const key = flags.includes("key");
    return { name, type: known, key, required: key || flags.includes("required") };
  });
}

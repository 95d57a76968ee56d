import type { EncodedQuery } from "./columnar.js";

/** What a page carries for its script, besides the script itself. */
export interface PageData {
  readonly queries: Readonly<Record<string, EncodedQuery>>;
  readonly definitions: Readonly<Record<string, string>>;
  /** Relations of each query, for what an empty item says. */
  readonly relations: Readonly<Record<string, readonly string[]>>;
  /** Name of downloaded files, before the title of the item. */
  readonly fileName: string;
}

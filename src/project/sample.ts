import { AquiferError } from "../base/errors.js";
import { exportsOfKind, loadModules } from "./load-modules.js";

export interface SampleRequest {
  /** How many customers (or products, meters: what the system counts). */
  readonly customers: number;
  /** How many months of data. */
  readonly months: number;
  /** The same seed gives the same bytes. */
  readonly seed: number;
  /** Also files that ingest refuses as a whole: empty, cut off. Default: none, so that what was written loads. */
  readonly broken?: boolean;
}

/** What a generator makes: a file of some form. */
export type SampleItem = SampleFile | SampleParquet | SampleWorkbook;

interface SampleTarget {
  /** Below `raw/<system>/`, with forward slashes. */
  readonly path: string;
  /** For the summary, where it is known. */
  readonly rows?: number;
}

/** A table of an operational database, as sources with `database` read it. */
export interface SampleTable {
  /** Name of the connection. Its database is made where it is one of the embedded server. */
  readonly connection: string;
  /** `schema.table`; what an earlier sample put there is replaced, a table of somebody else's is refused. */
  readonly table: string;
  /** Each column's type and constraints: `{ id: "bigint primary key", paid_at: "timestamptz" }`. */
  readonly columns: Readonly<Record<string, string>>;
  /** The rows piece by piece, as `copy ... from stdin (format csv)` reads them: an empty cell without quotes is NULL. */
  readonly content: Iterable<string | Uint8Array>;
  readonly rows?: number;
}

/** Messages for a topic, as sources with `kafka` read it. */
export interface SampleTopic {
  /** Name of the connection. */
  readonly connection: string;
  /** One that is there and holds no message. */
  readonly topic: string;
  /** In the order in which they are sent; only asked for when they can be, so memory stays bounded. */
  readonly messages: Iterable<SampleMessage>;
}

export interface SampleMessage {
  readonly key: string;
  readonly value: string | Uint8Array;
  /** The message's own time. */
  readonly timestamp: Date;
}

/** A file of text or bytes. */
export interface SampleFile extends SampleTarget {
  /** The content piece by piece; only asked for when it can be written, so memory stays bounded. */
  readonly content: Iterable<string | Uint8Array>;
}

/** A Parquet file with the rows of a query, which DuckDB makes: for more rows than JavaScript should touch. */
export interface SampleParquet extends SampleTarget {
  /** A query of DuckDB that reads no table. The order of its rows must be given. */
  readonly query: string;
}

/** A workbook: `.xlsx`, or `.xls` where its path ends so. */
export interface SampleWorkbook extends SampleTarget {
  readonly sheets: readonly SampleSheet[];
}

export interface SampleSheet {
  readonly name: string;
  /** Titles and header are rows like any other. A `Date` becomes a date cell that shows it in UTC. */
  readonly rows: Iterable<readonly SampleCell[]>;
}

export type SampleCell = string | number | boolean | Date | null;

export interface SampleOptions<Item extends SampleItem = SampleItem> {
  /** The system whose files these are. */
  readonly name: string;
  readonly description?: string;
  /** Used where the command line says nothing. */
  readonly defaults: Pick<SampleRequest, "customers" | "months">;
  readonly files?: (request: SampleRequest) => Iterable<Item>;
  readonly tables?: (request: SampleRequest) => Iterable<SampleTable>;
  /** Sent only where `--topics` asks for it: what is sent cannot be taken back. */
  readonly topics?: (request: SampleRequest) => Iterable<SampleTopic>;
}

export interface Sample<Item extends SampleItem = SampleItem> extends Required<SampleOptions<Item>> {
  readonly kind: "sample";
  readonly description: string;
}

/**
 * Declares a generator of invented raw files, tables of operational databases or messages of topics, in their real shape.
 * Export the result from a file in `ingest/samples/`.
 *
 * @throws AquiferError `bad-sample`
 * @example
 * import { defineSample, Random } from "aquifer";
 *
 * export const shop = defineSample({
 *   name: "shop",
 *   defaults: { customers: 100, months: 1 },
 *   *files({ customers, seed }) {
 *     yield { path: "orders.csv", content: orders(customers, Random.of(seed, "orders")) };
 *     yield { path: "visits.parquet", query: `select i as customer_id from range(${customers}) as t(i) order by i` };
 *   },
 * });
 */
export function defineSample<Item extends SampleItem>(options: SampleOptions<Item>): Sample<Item> {
  if (!/^[a-z][a-z0-9_]*$/.test(options.name)) {
    throw new AquiferError(`${JSON.stringify(options.name)} is not the name of a system`, {
      code: "bad-sample",
      hint: "Use lower snake case.",
    });
  }
  const nothing = (): [] => [];
  return {
    ...options,
    kind: "sample",
    description: options.description ?? "",
    files: options.files ?? nothing,
    tables: options.tables ?? nothing,
    topics: options.topics ?? nothing,
  };
}

/** The generators that a project's `ingest/samples/*.ts` export, by name. */
export async function loadSamples(projectRoot: string): Promise<Sample[]> {
  const modules = await loadModules(projectRoot, ["ingest/samples/*.ts"]);
  const samples = exportsOfKind<Sample>(modules, "sample").map(({ value }) => value);
  return samples.sort((a, b) => (a.name < b.name ? -1 : 1));
}

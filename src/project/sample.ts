import { AquiferError } from "../base/errors.js";
import { exportsOfKind, loadModules } from "./load-modules.js";

export interface SampleRequest {
  /** How many customers (or products, meters: what the system counts). */
  readonly customers: number;
  /** How many months of data. */
  readonly months: number;
  /** The same seed gives the same bytes. */
  readonly seed: number;
}

export interface SampleFile {
  /** Below `raw/<system>/`, with forward slashes. */
  readonly path: string;
  /** The content piece by piece; only asked for when it can be written, so memory stays bounded. */
  readonly content: Iterable<string | Uint8Array>;
  /** What a person should know about it: rows, kinds of dirt. */
  readonly rows?: number;
}

export interface SampleOptions {
  /** The system whose files these are. */
  readonly name: string;
  readonly description?: string;
  /** Used where the command line says nothing. */
  readonly defaults: Omit<SampleRequest, "seed">;
  readonly files: (request: SampleRequest) => Iterable<SampleFile>;
}

export interface Sample extends SampleOptions {
  readonly kind: "sample";
  readonly description: string;
}

/**
 * Declares a generator of invented raw files in their real shape. Export the result from a file in `ingest/samples/`.
 *
 * @throws AquiferError `bad-sample`
 * @example
 * import { defineSample, Random } from "aquifer";
 *
 * export const shop = defineSample({
 *   name: "shop",
 *   defaults: { customers: 100, months: 1 },
 *   *files({ customers, seed }) {
 *     const random = Random.of(seed, "orders");
 *     yield { path: "orders.csv", content: orders(customers, random) };
 *   },
 * });
 */
export function defineSample(options: SampleOptions): Sample {
  if (!/^[a-z][a-z0-9_]*$/.test(options.name)) {
    throw new AquiferError(`${JSON.stringify(options.name)} is not the name of a system`, {
      code: "bad-sample",
      hint: "Use lower snake case.",
    });
  }
  return { ...options, kind: "sample", description: options.description ?? "" };
}

/** The generators that a project's `ingest/samples/*.ts` export, by name. */
export async function loadSamples(projectRoot: string): Promise<Sample[]> {
  const modules = await loadModules(projectRoot, ["ingest/samples/*.ts"]);
  const samples = exportsOfKind<Sample>(modules, "sample").map(({ value }) => value);
  return samples.sort((a, b) => (a.name < b.name ? -1 : 1));
}

import { AquiferError, AquiferErrors } from "../base/errors.js";
import type { Source } from "../project/source.js";
import { concernsSource } from "./classify-file.js";
import { discoverFiles, displayName, type RawFile } from "./discover-files.js";
import type { IngestEvent } from "./file-result.js";
import { inspectFile, type InspectedFile } from "./plan-file.js";
import type { ScratchFile } from "./scratch-file.js";
import type { Seed } from "./seeds.js";

export interface InspectOptions {
  readonly projectRoot: string;
  /** All sources of the project: a file is classified among all of its system's. */
  readonly sources: readonly Source[];
  /** Those to load; the rest are only made to exist. */
  readonly selected: readonly Source[];
  /** `--period`, checked. */
  readonly period?: string;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: IngestEvent) => void;
}

/**
 * Reads every file of the selected sources, and every seed, once.
 *
 * @throws AquiferError with all files that cannot be loaded, not only the first
 */
export async function inspectFiles(
  options: InspectOptions,
  seeds: readonly Seed[],
  scratch: ScratchFile,
): Promise<InspectedFile[]> {
  const errors: AquiferError[] = [];
  const inspected: InspectedFile[] = [];
  const inspect = async (sources: readonly Source[], file: RawFile): Promise<void> => {
    let bytes = 0;
    const onBytes = (more: number): void => {
      options.signal.throwIfAborted();
      bytes += more;
      options.onEvent?.({
        kind: "progress",
        phase: "reading",
        file: displayName(file),
        bytes,
        total: file.bytes,
      });
    };
    try {
      inspected.push(await inspectFile(sources, file, { period: options.period, onBytes, scratch }));
    } catch (thrown) {
      if (!(thrown instanceof AquiferError)) throw thrown;
      errors.push(thrown);
    }
  };
  for (const seed of seeds) await inspect([seed.source], seed.file);
  for (const system of new Set(options.selected.map((source) => source.system))) {
    const reads = (source: Source): boolean => source.system === system && source.files.length > 0;
    const ofSystem = options.sources.filter(reads);
    const wanted = options.selected.filter(reads);
    if (wanted.length === 0) continue;
    for (const file of await discoverFiles(options.projectRoot, `raw/${system}`)) {
      // Someone who names one source is not told about the files of others.
      const concerns = wanted.length === ofSystem.length || concernsSource(wanted, ofSystem, file.matchPath);
      if (concerns) await inspect(ofSystem, file);
    }
  }
  const [only] = errors;
  if (errors.length === 1 && only) throw only;
  if (errors.length > 1) {
    throw new AquiferErrors(`${errors.length} files cannot be loaded; nothing was changed`, errors, {
      code: "bad-files",
    });
  }
  return inspected.filter(
    ({ source }) => options.selected.includes(source) || seeds.some((seed) => seed.source === source),
  );
}

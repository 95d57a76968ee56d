import { AquiferError, AquiferErrors } from "../base/errors.js";
import type { ReadVersion } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import { concernsSource } from "./classify-file.js";
import { discoverFiles, displayName, type RawFile } from "./discover-files.js";
import type { EarlyCopies } from "./early-copies.js";
import type { IngestEvent } from "./file-result.js";
import { inspectFile, type InspectedFile } from "./plan-file.js";
import type { ScratchFile } from "./scratch-file.js";
import type { Seed } from "./seeds.js";
import { declarationOf, findUnchanged } from "./unchanged-file.js";

export interface InspectOptions {
  readonly projectRoot: string;
  /** All sources of the project: a file is classified among all of its system's. */
  readonly sources: readonly Source[];
  /** Those to load; the rest are only made to exist. */
  readonly selected: readonly Source[];
  /** `--period`, checked. */
  readonly period?: string;
  /** Of Aquifer. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: IngestEvent) => void;
}

/** The hashes of what the sources of the selected systems are. */
export function declarations({ sources, selected, version }: InspectOptions): string[] {
  return [...new Set(selected.map(({ system }) => system))].map((system) =>
    declarationOf(fileSources(sources, system), version),
  );
}

function fileSources(sources: readonly Source[], system: string): Source[] {
  return sources.filter((source) => source.system === system && source.files.length > 0);
}

/**
 * Reads every file of the selected sources, and every seed, once; of a file that an earlier load has read, the hash.
 *
 * @param known what earlier loads have read
 * @param early copies what is large meanwhile; undefined where nothing may be written
 * @throws AquiferError with all files that cannot be loaded, not only the first
 */
export async function inspectFiles(
  options: InspectOptions,
  seeds: readonly Seed[],
  scratch: ScratchFile,
  known: readonly ReadVersion[],
  early?: EarlyCopies,
): Promise<InspectedFile[]> {
  const errors: AquiferError[] = [];
  const inspected: { readonly position: number; readonly file: InspectedFile }[] = [];
  let positions = 0;
  const inspect = async (sources: readonly Source[], file: RawFile, declaration?: string): Promise<void> => {
    const position = positions++;
    let bytes = 0;
    const progress = (phase: "reading" | "loading", done: number): void => {
      options.signal.throwIfAborted();
      options.onEvent?.({
        ...{ kind: "progress", phase, bytes: done },
        ...{ file: displayName(file), total: file.bytes },
      });
    };
    const onBytes = (more: number): void => {
      bytes += more;
      progress("reading", bytes);
    };
    const read = async (copies?: EarlyCopies): Promise<InspectedFile> => ({
      ...(await inspectFile(sources, file, {
        ...{ period: options.period, onBytes, scratch },
        onForeseen: (classified, ranges) =>
          options.selected.includes(classified.source)
            ? copies?.begin(file, classified, ranges, position)
            : undefined,
        onCopied: (done) => progress("loading", done),
      })),
      ...(declaration === undefined ? {} : { declaration }),
    });
    try {
      const unchanged =
        declaration === undefined
          ? undefined
          : await findUnchanged(file, sources, known, declaration, onBytes, read);
      bytes = 0;
      // A seed has columns of other types than a source; beside a file that is refused nothing is loaded.
      const copies = file.folder === "seeds" || errors.length > 0 ? undefined : early;
      const found = unchanged ?? (await read(copies));
      inspected.push({ position, file: found });
    } catch (thrown) {
      if (!(thrown instanceof AquiferError)) throw thrown;
      errors.push(thrown);
      early?.stop();
    }
  };
  for (const seed of seeds) await inspect([seed.source], seed.file);
  for (const system of new Set(options.selected.map((source) => source.system))) {
    const ofSystem = fileSources(options.sources, system);
    const wanted = fileSources(options.selected, system);
    if (wanted.length === 0) continue;
    // What --period says of a file is not known from the one before.
    const declaration = options.period === undefined ? declarationOf(ofSystem, options.version) : undefined;
    for (const file of await discoverFiles(options.projectRoot, `raw/${system}`)) {
      // Someone who names one source is not told about the files of others.
      const concerns = wanted.length === ofSystem.length || concernsSource(wanted, ofSystem, file.matchPath);
      if (concerns) await inspect(ofSystem, file, declaration);
    }
  }
  const [only] = errors;
  if (errors.length === 1 && only) throw only;
  if (errors.length > 1) {
    throw new AquiferErrors(`${errors.length} files cannot be loaded; nothing was changed`, errors, {
      code: "bad-files",
    });
  }
  return inspected
    .map(({ position, file }) => {
      const fileId = early?.idOf(position);
      return fileId === undefined ? file : { ...file, fileId };
    })
    .filter(
      ({ source }) => options.selected.includes(source) || seeds.some((seed) => seed.source === source),
    );
}

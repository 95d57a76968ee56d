import { createHash } from "node:crypto";
import type { ReadVersion } from "../history/ingest-records.js";
import type { Source } from "../project/source.js";
import { ledgerName } from "./decide-load.js";
import { displayName, type RawFile } from "./discover-files.js";
import type { InspectedFile } from "./plan-file.js";
import type { Encoding } from "./text-encoding.js";
import { readContent } from "./unpack.js";
import { nothingProven } from "./value-proof.js";

/** A hash of all that what is read of a file depends on, beside its content and its name. */
export function declarationOf(sources: readonly Source[], version: string): string {
  const text = JSON.stringify([version, sources], (_key, value: unknown) =>
    value instanceof RegExp ? String(value) : value,
  );
  return createHash("sha256").update(text).digest("hex");
}

/**
 * A file as an earlier load read it, when it has the content that it had then: that is hashed, and not parsed.
 *
 * @param versions what was read of files, of any name and declaration
 * @param read reads it after all, when what is loaded calls for it
 */
export async function findUnchanged(
  file: RawFile,
  sources: readonly Source[],
  versions: readonly ReadVersion[],
  declaration: string,
  onBytes: (bytes: number) => void,
  read: () => Promise<InspectedFile>,
): Promise<InspectedFile | undefined> {
  const name = ledgerName(file);
  const candidates = versions.filter(
    (each) =>
      each.fileName === name &&
      each.declaration === declaration &&
      // The size of what a gzip file holds is not known.
      (file.packing?.kind === "gzip" || each.bytes === file.bytes),
  );
  if (candidates.length === 0) return undefined;
  const hash = createHash("sha256");
  for await (const chunk of readContent(file, displayName(file))) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  const digest = hash.digest("hex");
  const version = candidates.find(({ contentHash }) => contentHash === digest);
  const source = sources.find((each) => each.name === version?.source);
  return version && source && asRead(file, source, version, read);
}

function asRead(
  file: RawFile,
  source: Source,
  version: ReadVersion,
  read: () => Promise<InspectedFile>,
): InspectedFile {
  const header = { columns: [], cells: [], found: [], missing: [], added: [] };
  return {
    file,
    source,
    shape: {
      format: source.format === "parquet" ? "parquet" : "delimited",
      delimiter: 0,
      crOnly: false,
      headerLine: 0,
      header,
    },
    explanation: version.classification,
    start: { encoding: undefined, skip: 0 },
    inspection: {
      hash: version.contentHash,
      bytes: version.bytes,
      encoding: version.encoding as Encoding,
      encodingEvidence: undefined,
      rows: version.rowsRead,
      footerRows: 0,
      rejected: version.rowsRejected,
      firstRejects: [],
      irregular: version.rowsRepaired,
      keys: [],
      periods: [],
      nulBytes: 0,
      checkpoints: [],
      verbatim: undefined,
      proven: nothingProven,
    },
    period:
      version.period === undefined ? undefined : { start: version.period, rule: version.periodRule ?? "" },
    nameParts: version.nameParts,
    slot: version.slot,
    unread: { version, read },
  };
}

import { isDeepStrictEqual } from "node:util";
import { AquiferError } from "../base/errors.js";
import type { CurrentFile, LastVersion, StoredContent } from "../history/ingest-records.js";
import { displayName } from "./discover-files.js";
import type { InspectedFile } from "./plan-file.js";

/** What will be done with a file. */
export type Decision =
  | { readonly action: "skip"; readonly reason: string }
  | { readonly action: "load"; readonly reason: string }
  /** The same content was stored before and superseded since: a new version that points to those rows. */
  | { readonly action: "restore"; readonly reason: string; readonly storedAs: string };

export interface PlannedFile extends InspectedFile {
  readonly decision: Decision;
}

/** What the ledger knows of files. */
export interface KnownFiles {
  readonly current: readonly CurrentFile[];
  /** Loaded content that some of the files have. */
  readonly stored: readonly StoredContent[];
  /** Of the files' names. */
  readonly last: readonly LastVersion[];
}

/**
 * Decides for each file against what is current and what this batch already takes. A file is skipped only when its content
 * is current in the same source and period with the same columns told by the name; or when another file has taken its place
 * and it still lies there as it was loaded, with the same time of its last change: nobody has sent it again.
 *
 * @param force load again what would be skipped
 * @throws AquiferError `refused-reload`
 */
export function decideLoads(
  files: readonly InspectedFile[],
  { current, stored, last }: KnownFiles,
  force: boolean,
): PlannedFile[] {
  const now: Pick<CurrentFile, "source" | "slot" | "period" | "nameParts" | "contentHash" | "fileName">[] = [
    ...current,
  ];
  const decide = (file: InspectedFile): PlannedFile => {
    if (file.decided) return { ...file, decision: file.decided };
    const { source, slot, period, inspection } = file;
    const ofSource = now.filter((each) => each.source === source.name);
    const holder = ofSource.find((each) => each.slot === slot);
    const same = ofSource.find(
      (each) =>
        each.contentHash === inspection.hash &&
        each.period === period?.start &&
        isDeepStrictEqual(each.nameParts, file.nameParts),
    );
    const takenBy = force ? undefined : last.find((each) => isUntouched(file, each))?.supersededBy;
    const known = stored.find((each) => each.source === source.name && each.contentHash === inspection.hash);
    const replacing = holder === undefined ? "new" : `replaces ${describe(holder)}`;
    let decision: Decision;
    if (same !== undefined && !force) {
      decision = {
        action: "skip",
        reason:
          same.fileName === ledgerName(file.file) ? "unchanged" : `its content is loaded as ${same.fileName}`,
      };
    } else if (takenBy !== undefined && holder !== undefined) {
      decision = { action: "skip", reason: `${takenBy} has taken its place` };
    } else if (source.reload === "refuse" && holder !== undefined) {
      throw new AquiferError(
        `${displayName(file.file)} would replace ${describe(holder)}, and ${source.name} refuses that`,
        { code: "refused-reload", hint: "Remove the file, or change the source's reload policy." },
      );
    } else if (known !== undefined && !force) {
      decision = { action: "restore", reason: `${replacing}; stored before`, storedAs: known.fileId };
    } else {
      decision = { action: "load", reason: replacing };
    }
    if (decision.action !== "skip") {
      now.splice(0, now.length, ...now.filter((each) => each !== holder), {
        source: source.name,
        slot,
        period: period?.start,
        nameParts: file.nameParts,
        contentHash: inspection.hash,
        fileName: ledgerName(file.file),
      });
    }
    return { ...file, decision };
  };
  // What replaces goes first: a file is no copy of one that this batch takes away.
  const slotOf = (file: InspectedFile): string => JSON.stringify([file.source.name, file.slot]);
  const replaced = new Set(
    files.filter((file) => current.some((each) => replaces(file, each))).map((file) => slotOf(file)),
  );
  const decided = new Map<InspectedFile, PlannedFile>();
  for (const first of [true, false]) {
    for (const file of files) if (replaced.has(slotOf(file)) === first) decided.set(file, decide(file));
  }
  return files.flatMap((file) => decided.get(file) ?? []);
}

function replaces(file: InspectedFile, current: CurrentFile): boolean {
  return (
    current.source === file.source.name &&
    current.slot === file.slot &&
    current.contentHash !== file.inspection.hash
  );
}

/** True when a file lies there as its last version was loaded. */
function isUntouched({ source, file, inspection, period }: InspectedFile, last: LastVersion): boolean {
  return (
    last.source === source.name &&
    last.fileName === ledgerName(file) &&
    last.contentHash === inspection.hash &&
    last.period === period?.start &&
    last.modifiedAt.getTime() === file.modifiedAt.getTime()
  );
}

/** The name in the ledger: below `raw/`, or `seeds/...`. */
export function ledgerName(file: InspectedFile["file"]): string {
  return displayName(file).replace(/^raw\//, "");
}

function describe(file: Pick<CurrentFile, "fileName" | "contentHash">): string {
  return `${file.fileName} (${file.contentHash.slice(0, 8)})`;
}

import { isUtf8 } from "node:buffer";
import { posix } from "node:path";
import { AquiferError } from "../base/errors.js";
import { formatPlural } from "../base/format-quantity.js";
import type { ReadVersion, Reject } from "../history/ingest-records.js";
import { readName } from "../project/name-columns.js";
import type { RejectLimit, Source } from "../project/source.js";
import { candidateSources, classifyFile, type Classification } from "./classify-file.js";
import type { Decision } from "./decide-load.js";
import { displayName, type RawFile } from "./discover-files.js";
import type { EarlyCopy } from "./early-copies.js";
import type { Feed } from "./feed.js";
import { filePeriod, type FilePeriod } from "./file-period.js";
import { inspectText, type TextInspection, type TextListener } from "./inspect-text.js";
import { matchHeader } from "./match-header.js";
import { readHead } from "./open-text.js";
import { beginsAsParquet, inspectParquet, parquetColumns } from "./parquet-file.js";
import { isJson } from "./record-format.js";
import type { TextShape } from "./recognize-text.js";
import type { ScratchFile } from "./scratch-file.js";
import { encodingOfStart, toUtf8, withoutNul, type EncodingStart } from "./text-encoding.js";
import type { TextRanges } from "./text-ranges.js";
import { inspectWorkbook, openWorkbook, workbookForm } from "./workbook/inspect-workbook.js";
import type { WorkbookForm } from "./workbook/sheet.js";

/** A file with all that is known of it before the database is asked. */
export interface InspectedFile {
  readonly file: RawFile;
  readonly source: Source;
  readonly shape: TextShape;
  readonly explanation: string;
  readonly start: EncodingStart;
  readonly inspection: TextInspection;
  readonly period: FilePeriod | undefined;
  /** What the file's name tells, by the named groups of its source. */
  readonly nameParts: Readonly<Record<string, string>>;
  /** What a later file replaces this one by. */
  readonly slot: string;
  /** Where the rows come from when no file holds them; `file` is then only a name. */
  readonly feed?: Feed;
  /** Of a topic that one batch cannot take whole: up to which offset of each partition the next ones go. */
  readonly rest?: ReadonlyMap<number, number>;
  /** Hash of what the sources of its system are; undefined of what is no file below `raw/`. */
  readonly declaration?: string;
  /** It was hashed only: the rest is what an earlier load read of the same content. */
  readonly unread?: { readonly version: ReadVersion; readonly read: () => Promise<InspectedFile> };
  /** A copy that was begun while the file was looked at. */
  readonly early?: EarlyCopy;
  /** Its id in the ledger, where that was taken already. */
  readonly fileId?: string;
  /** What is done with it, where that does not depend on what is loaded. */
  readonly decided?: Decision;
}

/** Bytes in which preamble, header and delimiter must show. */
const headBytes = 64 * 1024;

/**
 * Classifies a file and reads it once.
 *
 * @param sources those that may claim the file
 * @throws AquiferError when it is empty, belongs to no source or to two, or has more rejects than its source allows
 */
export async function inspectFile(
  sources: readonly Source[],
  file: RawFile,
  options: {
    readonly period: string | undefined;
    readonly scratch: ScratchFile;
    readonly onBytes: (bytes: number) => void;
    /** As `TextListener` has it. */
    readonly onForeseen?: (classified: Classification, ranges: TextRanges) => EarlyCopy | undefined;
    readonly onCopied?: (bytes: number) => void;
  },
): Promise<InspectedFile> {
  const name = displayName(file);
  const head = await readHead(file, headBytes);
  if (head.length === 0) {
    throw new AquiferError(`${name} is empty`, {
      code: "empty-file",
      hint: "Remove it, or copy it again: it may not have arrived whole.",
    });
  }
  const form = workbookForm(head);
  const read = await (form === undefined
    ? readText(sources, file, head, options)
    : readSheets(sources, file, form, options));
  const { classified, inspection, early } = read;
  const { source, explanation } = classified;
  const period = filePeriod(source, file, inspection.periods, options.period);
  const shape = completeShape(classified, inspection);
  refuseWrongColumns(name, source, shape);
  refuseTooManyRejects(file, source, inspection, inspection.firstRejects);
  return {
    file: read.file,
    source,
    shape,
    explanation,
    start: read.start,
    inspection,
    period,
    nameParts: readName(source.nameColumns, posix.basename(file.matchPath)),
    slot: slotOf(source, file, period),
    ...(early ? { early } : {}),
  };
}

type FileOptions = Parameters<typeof inspectFile>[2];

/** A classified file that was read once, as what is read of it from now on. */
interface ReadFile {
  readonly file: RawFile;
  readonly classified: Classification;
  readonly start: EncodingStart;
  readonly inspection: TextInspection;
  readonly early?: EarlyCopy | undefined;
}

async function readText(
  sources: readonly Source[],
  file: RawFile,
  head: Buffer,
  { onBytes, onForeseen, onCopied }: FileOptions,
): Promise<ReadFile> {
  const start = encodingOfStart(head);
  const text = decodeHead(head, start);
  const isParquet = beginsAsParquet(head) && sources.some(({ format }) => format === "parquet");
  const own = isParquet ? { parquet: await parquetColumns(file) } : {};
  const classified = classifyFile(sources, file, text, head.length < headBytes, own);
  let early: EarlyCopy | undefined;
  const inspection = isParquet
    ? await inspectParquet(file, classified.shape, classified.source, onBytes)
    : await inspectLines(file, classified, start, {
        onBytes,
        onForeseen: (ranges) => (early = onForeseen?.(classified, ranges)),
        ...(onCopied ? { onCopied } : {}),
      });
  early?.confirm(inspection);
  await early?.prepared;
  return { file, classified, start, inspection, early };
}

async function readSheets(
  sources: readonly Source[],
  file: RawFile,
  form: WorkbookForm,
  { scratch, onBytes }: FileOptions,
): Promise<ReadFile> {
  const candidates = candidateSources(sources, file.matchPath);
  const sheets = await openWorkbook(file, form, candidates, scratch, onBytes);
  const classified = classifyFile(sources, file, Buffer.alloc(0), true, { sheets });
  const start = { encoding: "utf-8", skip: 0 } as const;
  return { classified, start, ...(await inspectWorkbook(file, classified, sheets, scratch, onBytes)) };
}

async function inspectLines(
  file: RawFile,
  { shape, source }: Classification,
  start: EncodingStart,
  listener: TextListener,
): Promise<TextInspection> {
  try {
    return await inspectText(file, shape, start, source, listener);
  } catch (thrown) {
    if (!(thrown instanceof AquiferError)) throw thrown;
    throw new AquiferError(`${displayName(file)}: ${thrown.message}`, {
      code: thrown.code,
      hint: thrown.hint ?? "",
    });
  }
}

/** Of JSON the columns are known only when every object was seen. */
function completeShape({ source, shape }: Classification, { keys }: TextInspection): TextShape {
  const isKnown = !isJson(shape) || (shape.format === "json" && keys.length === 0);
  return isKnown ? shape : { ...shape, header: matchHeader(source, keys) };
}

/** @throws AquiferError `wrong-columns`, or `schema-drift` of a source that is frozen */
export function refuseWrongColumns(name: string, source: Source, shape: TextShape): void {
  if (shape.header.missing.length > 0) {
    throw new AquiferError(`${name} lacks ${shape.header.missing.join(", ")}`, {
      code: "wrong-columns",
      hint: `Correct the file, or make the columns optional in ${source.name}.`,
    });
  }
  if (source.drift === "freeze" && shape.header.added.length > 0) {
    throw new AquiferError(`${name} has columns that ${source.name} does not declare`, {
      code: "schema-drift",
      location: { file: name, line: shape.headerLine },
      details: [`not declared: ${shape.header.added.join(", ")}`],
      hint: "Declare them, or let the source's drift be `evolve`.",
    });
  }
}

function decodeHead(head: Buffer, start: EncodingStart): Buffer {
  const content = head.subarray(start.skip);
  if (start.encoding !== undefined) return withoutNul(toUtf8(start.encoding)(content, false));
  // A header in another encoding than UTF-8 shows within the first lines; the cut end of the head does not count.
  const valid = isUtf8(content.subarray(0, content.lastIndexOf(10) + 1));
  return withoutNul(valid ? content : toUtf8("windows-1252")(content, true));
}

function slotOf(source: Source, file: RawFile, period: FilePeriod | undefined): string {
  const byName = `name ${file.path.replace(/\.gz$/i, "")}`;
  const byPeriod = period === undefined ? byName : `period ${period.start}`;
  switch (source.reload) {
    case "append":
      return byName;
    case "replace_period":
    case "refuse":
      return byPeriod;
    case "snapshot":
      return "snapshot";
  }
}

/**
 * Judges the rejects of a file by its source's limit.
 *
 * @param first some of them, for the message
 * @throws AquiferError `too-many-rejects`
 */
export function refuseTooManyRejects(
  file: RawFile,
  source: Source,
  counts: { readonly rows: number; readonly rejected: number },
  first: readonly Reject[],
): void {
  const { rows, rejected } = counts;
  if (rejected <= allowedRejects(source.maxRejected, rows)) return;
  throw new AquiferError(
    `${displayName(file)}: ${formatPlural(rejected, "row")} of ${rows} cannot be loaded; ${source.name} allows ${source.maxRejected}`,
    {
      code: "too-many-rejects",
      details: [
        ...first.map(
          ({ line, column, error, raw }) =>
            `${placeWord(source)} ${line}${column === undefined ? "" : `, ${column}`}: ${error}: ${JSON.stringify(raw.slice(0, 120))}`,
        ),
        ...(rejected > first.length ? [`and ${rejected - first.length} more`] : []),
      ],
      hint: `${source.kafka ? "Raise" : "Correct the file, or raise"} the source's maxRejected: rejected rows are kept in the ledger.`,
    },
  );
}

/** What the number of a reject counts. */
function placeWord({ format, database, kafka }: Source): string {
  if (kafka) return "offset";
  return format === "parquet" || database ? "row" : "line";
}

/** How many rejects a limit allows among `rows` records. */
function allowedRejects(limit: RejectLimit, rows: number): number {
  return typeof limit === "number" ? limit : (rows * Number.parseFloat(limit)) / 100;
}

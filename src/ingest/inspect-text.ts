import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { displayName, type RawFile } from "./discover-files.js";
import { FollowedText } from "./followed-text.js";
import { awaiting, isForeseeable, type CopyMeanwhile } from "./foreseen-text.js";
import { inspectAside, type RunningInspection } from "./inspect-aside.js";
import { RecordInspection, type RecordFindings, type RecordRules } from "./inspect-records.js";
import { readPieces } from "./open-text.js";
import type { TextShape } from "./recognize-text.js";
import { toUtf8, Utf8Check, type Encoding, type EncodingStart } from "./text-encoding.js";
import type { TextRanges } from "./text-ranges.js";
import { readContent } from "./unpack.js";
import { nothingProven } from "./value-proof.js";

/** Everything that one pass over a text file tells. */
export interface TextInspection extends RecordFindings {
  /** SHA-256 of the content, unpacked, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  readonly encoding: Encoding;
  /** The bytes that ruled UTF-8 out. */
  readonly encodingEvidence: string | undefined;
}

/** What is told of a text while it is read. */
export interface TextListener {
  /** Bytes that were read, for progress. */
  readonly onBytes: (bytes: number) => void;
  /** A large text is looked at: gives a copy of it that goes on meanwhile, where there is to be one. */
  readonly onForeseen?: (ranges: TextRanges) => CopyMeanwhile | undefined;
  /** The file was read, and a copy of it goes on, of which that many bytes were sent. */
  readonly onCopied?: (bytes: number) => void;
}

/**
 * Reads a text file once: hash, encoding, records, and which of them cannot be loaded. Where a copy goes on meanwhile that
 * proves the records of a large one, they are not looked at; else they are in a thread of their own.
 *
 * @throws AquiferError `record-too-long`
 */
export async function inspectText(
  file: RawFile,
  shape: TextShape,
  start: EncodingStart,
  rules: RecordRules,
  listener: TextListener,
): Promise<TextInspection> {
  return isForeseeable(file, shape, start)
    ? inspectForeseen(file, shape, start, rules, listener)
    : inspectHere(file, shape, start, rules, listener.onBytes);
}

async function inspectForeseen(
  file: RawFile,
  shape: TextShape,
  start: EncodingStart,
  rules: RecordRules,
  { onBytes, onForeseen, onCopied }: TextListener,
): Promise<TextInspection> {
  let aside: RunningInspection | undefined;
  const lookAside = (ranges?: TextRanges): RunningInspection =>
    (aside ??= inspectAside(file, shape, start.skip, rules, ranges));
  let proof: Proof | undefined;
  const doWithoutProof = (): void => {
    if (!proof) return;
    const { followed, copy } = proof;
    proof = undefined;
    if (followed.hasBegun) {
      copy.stop();
      followed.ranges.end(false);
      lookAside();
    } else lookAside(followed.ranges);
  };
  try {
    if (FollowedText.suits(shape, rules)) {
      const followed = new FollowedText(file.bytes, shape, start.skip, rules);
      const copy = onForeseen?.(followed.ranges);
      if (copy) {
        proof = { followed, copy };
        void copy.done.then((rows) => rows ?? doWithoutProof());
        await beginning(copy);
      } else lookAside();
    } else await beginning(onForeseen?.(lookAside().ranges));
    const content = await readBytes(readPieces(file.fullPath), start, onBytes, (piece) => {
      if (proof?.followed.push(piece) === false) doWithoutProof();
    });
    const proven = await provenRecords(proof, onCopied);
    if (!proven) doWithoutProof();
    const records = proven ?? (await lookAside().answer(() => onBytes(0)));
    return records
      ? joined(file, shape, start, content, records)
      : await inspectHere(file, shape, start, rules, () => onBytes(0));
  } finally {
    proof?.followed.ranges.end(false);
    proof = undefined;
    await aside?.stop();
  }
}

const longestBeginning = 250;

/** Lets a copy begin before a file is read, which would keep us from answering the server, piece by piece. */
async function beginning(copy: CopyMeanwhile | undefined): Promise<void> {
  if (copy) await Promise.race([copy.prepared, delay(longestBeginning)]);
}

/** A copy that proves the records of a text which is only followed. */
interface Proof {
  readonly followed: FollowedText;
  readonly copy: CopyMeanwhile;
}

async function provenRecords(
  proof: Proof | undefined,
  onCopied: TextListener["onCopied"],
): Promise<RecordFindings | undefined> {
  if (!proof) return undefined;
  const { followed, copy } = proof;
  followed.ranges.end(true);
  const rows = await awaiting(copy.done, () => onCopied?.(copy.bytes));
  return rows === followed.rows && copy.bytes === followed.length ? followed.findings : undefined;
}

async function inspectHere(
  file: RawFile,
  shape: TextShape,
  start: EncodingStart,
  rules: RecordRules,
  onBytes: (bytes: number) => void,
): Promise<TextInspection> {
  const records = new RecordInspection(shape, rules, start.skip);
  const recode = start.encoding === undefined ? undefined : toUtf8(start.encoding);
  const content = await readBytes(readContent(file, displayName(file)), start, onBytes, (chunk) =>
    records.push(recode ? recode(chunk, false) : chunk),
  );
  if (recode) records.push(recode(Buffer.alloc(0), true));
  return joined(file, shape, start, content, records.end());
}

/** What the bytes of a text tell, whatever its records are. */
interface ContentFindings {
  readonly hash: string;
  readonly bytes: number;
  /** The first bytes that are not UTF-8, where it may be that. */
  readonly invalid: Utf8Check["invalid"];
}

async function readBytes(
  chunks: AsyncIterable<Buffer>,
  { encoding, skip }: EncodingStart,
  onBytes: (bytes: number) => void,
  onText?: (chunk: Buffer) => void,
): Promise<ContentFindings> {
  const hash = createHash("sha256");
  const utf8 = new Utf8Check();
  const mayBeUtf8 = encoding === undefined || encoding === "utf-8";
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    const text = bytes === 0 ? chunk.subarray(skip) : chunk;
    bytes += chunk.length;
    if (mayBeUtf8) utf8.push(text);
    onText?.(text);
    onBytes(chunk.length);
  }
  utf8.end();
  return { hash: hash.digest("hex"), bytes, invalid: utf8.invalid };
}

function joined(
  { packing }: RawFile,
  shape: TextShape,
  start: EncodingStart,
  { hash, bytes, invalid }: ContentFindings,
  records: RecordFindings,
): TextInspection {
  const encoding = start.encoding ?? (invalid ? "windows-1252" : "utf-8");
  const isRaw = encoding === "utf-8" && records.nulBytes === 0 && packing === undefined;
  const wasRead = start.encoding !== undefined || encoding === "utf-8";
  return {
    ...records,
    hash,
    bytes,
    encoding,
    encodingEvidence:
      start.encoding === undefined && invalid
        ? `bytes ${invalid.bytes} at offset ${invalid.offset + start.skip} are not UTF-8`
        : undefined,
    checkpoints: isRaw && shape.format !== "json" ? records.checkpoints : [],
    verbatim: isRaw ? records.verbatim : undefined,
    // Text that turned out to be in another encoding was judged as what it is not.
    proven: wasRead ? records.proven : nothingProven,
  };
}

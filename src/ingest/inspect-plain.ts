import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { builtFile } from "../base/built-file.js";
import type { Source } from "../project/source.js";
import { displayName, type RawFile } from "./discover-files.js";
import { verbatimOf, type TextInspection } from "./inspect-text.js";
import { hasOwnTables } from "./own-tables.js";
import type { TextShape } from "./recognize-text.js";
import { scanPlain, type PlainPart, type PlainTask } from "./scan-plain.js";
import type { PlainWorkerTask } from "./scan-plain-worker.js";
import type { EncodingStart } from "./text-encoding.js";
import { readContent } from "./unpack.js";
import { joinProofs } from "./value-proof.js";

/** The share of a file that the thread which also hashes all of it scans. */
const ownShare = 0.45;

/** Longest line at which a file may be cut. */
const longestLine = 1024 * 1024;

/**
 * Inspects a large file in two threads, each a part, where the file is plain: every line a record, no quotes. That is known
 * only when both have read theirs; a file with quotes shows mostly at once that it is not.
 *
 * @returns the same as `inspectText`, or undefined where that must read the file
 */
export async function inspectPlain(
  file: RawFile,
  shape: TextShape,
  start: EncodingStart,
  source: Pick<Source, "footer" | "period" | "columns" | "key">,
  onBytes: (bytes: number) => void,
): Promise<TextInspection | undefined> {
  const isLarge = file.packing === undefined && hasOwnTables({ bytes: file.bytes, rows: 0 });
  const isCandidate =
    shape.format === "delimited" && !shape.crOnly && (start.encoding ?? "utf-8") === "utf-8";
  const readsValues = source.footer !== undefined || (source.period?.columns ?? []).length > 0;
  if (!isLarge || !isCandidate || readsValues || availableParallelism() < 2) return undefined;
  const cut = await lineStart(file, Math.floor(file.bytes * ownShare));
  if (cut === undefined) return undefined;
  const task: PlainTask = {
    ...{ delimiter: shape.delimiter, order: shape.header.columns, key: source.key },
    columns: source.columns.map(({ name, checks }) => ({ name, checks })),
    headerLine: shape.headerLine,
    offset: start.skip,
  };
  const later = startThread({ path: file.fullPath, task: { ...task, headerLine: 0, offset: cut } });
  const hash = createHash("sha256");
  let bytes = 0;
  const content = told(file, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  });
  try {
    const first = await scanPlain(task, upTo(content, start.skip, cut));
    if (first === undefined || first.rows === 0) return undefined;
    while ((await content.next()).done !== true);
    const second = await later.part;
    if (second === undefined) return undefined;
    const verbatim = verbatimOf(first.met | second.met, first.firstRecord, shape);
    return joined(first, second, { hash: hash.digest("hex"), bytes, verbatim });
  } finally {
    await content.return(undefined);
    await later.end();
  }
}

function joined(
  first: PlainPart,
  second: PlainPart,
  whole: Pick<TextInspection, "hash" | "bytes" | "verbatim">,
): TextInspection {
  const { rows, lines } = first;
  return {
    ...whole,
    ...{ encoding: "utf-8", encodingEvidence: undefined, rows: rows + second.rows, footerRows: 0 },
    ...{ rejected: 0, firstRejects: [], irregular: 0, keys: [], periods: [], nulBytes: 0 },
    checkpoints: [
      ...first.checkpoints,
      ...second.checkpoints.map((each) => ({
        offset: each.offset,
        rows: each.rows + rows,
        line: each.line + lines,
      })),
    ],
    proven: joinProofs([first.proof, second.proof]),
  };
}

/** Offset after the first line end from `from` on; undefined where none is near, or nothing follows. */
async function lineStart(file: RawFile, from: number): Promise<number | undefined> {
  const handle = await open(file.fullPath);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestLine), 0, longestLine, from);
    const end = buffer.subarray(0, bytesRead).indexOf(10);
    return end === -1 || from + end + 1 >= file.bytes ? undefined : from + end + 1;
  } finally {
    await handle.close();
  }
}

/** The content of a file, each chunk told as it is read. */
async function* told(file: RawFile, onChunk: (chunk: Buffer) => void): AsyncGenerator<Buffer, undefined> {
  for await (const chunk of readContent(file, displayName(file))) {
    onChunk(chunk);
    yield chunk;
  }
  return undefined;
}

/** The bytes from `skip` up to `end`; later chunks stay with the generator. */
async function* upTo(
  content: AsyncGenerator<Buffer, undefined>,
  skip: number,
  end: number,
): AsyncGenerator<Buffer> {
  for (let position = 0; position < end;) {
    const chunk = (await content.next()).value;
    if (chunk === undefined) return;
    yield chunk.subarray(Math.max(0, skip - position), end - position);
    position += chunk.length;
  }
}

interface Thread {
  /** Undefined too where it failed: whoever reads the file then meets the same, and says it in its place. */
  readonly part: Promise<PlainPart | undefined>;
  readonly end: () => Promise<unknown>;
}

function startThread(workerData: PlainWorkerTask): Thread {
  const worker = new Worker(builtFile("ingest/scan-plain-worker.js"), { workerData, stderr: true });
  const part = new Promise<PlainPart | undefined>((resolve) => {
    worker.once("message", (message: PlainPart | null) => resolve(message ?? undefined));
    worker.once("error", () => resolve(undefined));
    worker.once("exit", () => resolve(undefined));
  });
  return { part, end: () => worker.terminate() };
}

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { RawFile } from "./discover-files.js";
import { displayName } from "./discover-files.js";
import { toUtf8, withoutNul, type Encoding } from "./text-encoding.js";
import { readContent } from "./unpack.js";

/** Bytes read at a time. */
const chunkBytes = 1024 * 1024;

/** The first bytes of a file's content. */
export async function readHead(file: RawFile, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readContent(file, displayName(file))) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}

/** The bytes of a file that is not packed, from `start` up to, not including, `end`. */
async function* readRange(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  if (end <= start) return;
  const stream = createReadStream(path, { start, end: end - 1, highWaterMark: chunkBytes });
  for await (const chunk of stream) yield chunk as Buffer;
}

/** The bytes of a file that is not packed, each piece in the same memory: it is valid until the next one is asked for. */
export async function* readPieces(path: string): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(chunkBytes);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/**
 * The text of a file as UTF-8 without NUL.
 *
 * @param start offset in the content, past the byte order mark; of a packed file only that
 * @param end offset in the content; of a packed file Infinity
 */
export async function* readText(
  file: RawFile,
  encoding: Encoding,
  start: number,
  end = Infinity,
): AsyncGenerator<Buffer> {
  const convert = toUtf8(encoding);
  if (file.packing === undefined) {
    for await (const chunk of readRange(file.fullPath, start, end)) yield withoutNul(convert(chunk, false));
  } else {
    let skip = start;
    for await (const chunk of readContent(file, displayName(file))) {
      yield withoutNul(convert(chunk.subarray(skip), false));
      skip = Math.max(0, skip - chunk.length);
    }
  }
  yield withoutNul(convert(Buffer.alloc(0), true));
}

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { toUtf8, withoutNul, type Encoding } from "./text-encoding.js";

/** Bytes read at a time. */
const chunkBytes = 1024 * 1024;

/** The first bytes of a file. */
export async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The raw bytes of a file from `start` up to, not including, `end`. */
export async function* readBytes(path: string, start = 0, end = Infinity): AsyncGenerator<Buffer> {
  if (end <= start) return;
  const stream = createReadStream(path, { start, end: end - 1, highWaterMark: chunkBytes });
  for await (const chunk of stream) yield chunk as Buffer;
}

/** The text of a file as UTF-8 without NUL, from `start` up to `end` (offsets in the raw file). */
export async function* readText(
  path: string,
  encoding: Encoding,
  start: number,
  end = Infinity,
): AsyncGenerator<Buffer> {
  const convert = toUtf8(encoding);
  for await (const chunk of readBytes(path, start, end)) yield withoutNul(convert(chunk, false));
  yield withoutNul(convert(Buffer.alloc(0), true));
}

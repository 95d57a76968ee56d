import { createReadStream } from "node:fs";
import { type Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";
import { AquiferError, asError } from "../base/errors.js";
import type { ZipMember } from "./zip-directory.js";

/** How a file's content is wrapped. */
export type Packing =
  | { readonly kind: "gzip" }
  | { readonly kind: "zip"; readonly member: ZipMember }
  /** Not packed but of another form, and read as the text that was made of it. */
  | { readonly kind: "converted"; read(): AsyncIterable<Buffer> };

/** Bytes read at a time. */
const chunkBytes = 1024 * 1024;

/** Content that is so much larger than what it was packed into is taken for a bomb, past the first bytes. */
const bombRatio = 250;
const harmlessBytes = 64 * 1024 * 1024;

/**
 * The content of a file, unpacked, in chunks.
 *
 * @param shown its name for messages
 * @throws AquiferError `bad-archive` when the packed content is broken or cut off, `archive-bomb`
 */
export async function* readContent(
  file: { readonly fullPath: string; readonly packing: Packing | undefined },
  shown: string,
): AsyncGenerator<Buffer> {
  const { packing, fullPath } = file;
  if (packing?.kind === "converted") {
    yield* packing.read();
    return;
  }
  const member = packing?.kind === "zip" ? packing.member : undefined;
  const source = createReadStream(fullPath, {
    highWaterMark: chunkBytes,
    ...(member
      ? { start: member.offset, end: Math.max(member.offset, member.offset + member.packedBytes - 1) }
      : {}),
  });
  const inflater = inflaterOf(packing);
  const stream = inflater ? source.pipe(inflater) : source;
  if (inflater) source.on("error", (error) => inflater.destroy(error));
  let bytes = 0;
  let crc = 0xffffffff;
  try {
    if (member?.bytes === 0) return;
    for await (const chunk of stream) {
      const block = chunk as Buffer;
      bytes += block.length;
      if (inflater && bytes > harmlessBytes && bytes > bombRatio * source.bytesRead) throw bomb(shown);
      if (member) crc = crc32(block, crc);
      yield block;
    }
  } catch (thrown) {
    if (thrown instanceof AquiferError || !inflater) throw thrown;
    throw broken(shown, asError(thrown).message);
  } finally {
    source.destroy();
  }
  if (member && (bytes !== member.bytes || (crc ^ 0xffffffff) >>> 0 !== member.crc32)) {
    throw broken(shown, "its checksum is another");
  }
}

function inflaterOf(packing: Exclude<Packing, { kind: "converted" }> | undefined): Transform | undefined {
  if (packing?.kind === "gzip") return createGunzip({ chunkSize: chunkBytes });
  return packing?.member.method === 8 ? createInflateRaw({ chunkSize: chunkBytes }) : undefined;
}

function broken(shown: string, why: string): AquiferError {
  return new AquiferError(`${shown} cannot be unpacked: ${why}`, {
    code: "bad-archive",
    hint: "Copy it again: it may not have arrived whole.",
  });
}

function bomb(shown: string): AquiferError {
  return new AquiferError(`${shown} unpacks to more than ${bombRatio} times its size`, {
    code: "archive-bomb",
    hint: "If that is right, unpack it by hand.",
  });
}

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of zip (ISO 3309), carried on from `crc` without its final inversion. Node has one of its own from 22 on. */
function crc32(block: Buffer, crc: number): number {
  let value = crc;
  for (const byte of block) value = (value >>> 8) ^ (table[(value ^ byte) & 255] as number);
  return value >>> 0;
}

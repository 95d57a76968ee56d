import { isUtf8 } from "node:buffer";

/** Encodings that text files are read in. */
export type Encoding = "utf-8" | "windows-1252" | "utf-16le" | "utf-16be";

const byteOrderMarks: readonly (readonly [Encoding, Buffer])[] = [
  ["utf-8", Buffer.of(0xef, 0xbb, 0xbf)],
  ["utf-16le", Buffer.of(0xff, 0xfe)],
  ["utf-16be", Buffer.of(0xfe, 0xff)],
];

export interface EncodingStart {
  /** `undefined`: an encoding with ASCII as it is, to be known when the whole file was seen. */
  readonly encoding: Encoding | undefined;
  /** Length of the byte order mark. */
  readonly skip: number;
}

/**
 * What the first bytes say about the encoding: a byte order mark, or UTF-16's NULs (every second byte of ASCII text).
 */
export function encodingOfStart(head: Buffer): EncodingStart {
  for (const [encoding, mark] of byteOrderMarks) {
    if (head.subarray(0, mark.length).equals(mark)) return { encoding, skip: mark.length };
  }
  const zeros = [0, 0];
  for (let index = 0; index + 1 < head.length; index += 2) {
    if (head[index] === 0) zeros[0] = (zeros[0] ?? 0) + 1;
    if (head[index + 1] === 0) zeros[1] = (zeros[1] ?? 0) + 1;
  }
  const pairs = head.length / 2;
  const [even, odd] = [(zeros[0] ?? 0) / pairs, (zeros[1] ?? 0) / pairs];
  if (odd > 0.4 && even < 0.1) return { encoding: "utf-16le", skip: 0 };
  if (even > 0.4 && odd < 0.1) return { encoding: "utf-16be", skip: 0 };
  return { encoding: undefined, skip: 0 };
}

/** Says of a stream of chunks whether it is strict UTF-8, and where not. */
export class Utf8Check {
  private tail: Buffer = Buffer.alloc(0);
  private offset = 0;
  /** Offset of a chunk's start near the first byte that is not UTF-8, and that byte's surroundings; undefined while valid. */
  invalid: { readonly offset: number; readonly bytes: string } | undefined;

  push(chunk: Buffer): void {
    if (this.invalid) return;
    const joined = this.tail.length === 0 ? chunk : Buffer.concat([this.tail, chunk]);
    const whole = completeLength(joined);
    if (!isUtf8(joined.subarray(0, whole))) this.locate(joined);
    this.offset += whole;
    this.tail = Buffer.from(joined.subarray(whole));
  }

  end(): void {
    if (!this.invalid && this.tail.length > 0) this.locate(this.tail);
  }

  private locate(buffer: Buffer): void {
    let low = 0;
    let high = buffer.length;
    // The longest valid prefix, by halving: valid prefixes of complete characters are closed downwards.
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (isUtf8(buffer.subarray(0, completeLength(buffer.subarray(0, middle))))) low = middle;
      else high = middle;
    }
    const at = completeLength(buffer.subarray(0, low));
    this.invalid = { offset: this.offset + at, bytes: buffer.subarray(at, at + 4).toString("hex") };
  }
}

/** Length without the bytes of a character that may continue in the next chunk. */
function completeLength(buffer: Buffer): number {
  for (let back = 1; back <= 3 && back <= buffer.length; back++) {
    const byte = buffer[buffer.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const width = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return width > back ? buffer.length - back : buffer.length;
  }
  return buffer.length;
}

/** Changes chunks of one encoding into UTF-8 chunks. UTF-8 passes as it is. */
export function toUtf8(encoding: Encoding): (chunk: Buffer, final: boolean) => Buffer {
  if (encoding === "utf-8") return (chunk) => chunk;
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return (chunk, final) => Buffer.from(decoder.decode(chunk, { stream: !final }));
}

/** The chunk without NUL, which no text of PostgreSQL can hold. */
export function withoutNul(chunk: Buffer): Buffer {
  if (!chunk.includes(0)) return chunk;
  const out = Buffer.allocUnsafe(chunk.length);
  let length = 0;
  for (const byte of chunk) if (byte !== 0) out[length++] = byte;
  return out.subarray(0, length);
}
